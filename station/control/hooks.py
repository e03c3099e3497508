"""The routes that reach into the station's memory, for tests."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, cast

from quart import Blueprint
from quart.typing import ResponseReturnValue

from shared.rest.problems import Problem
from station.app import Station
from station.control.requests import impossible, read_body, running
from station.deeds import CACHED_FIELDS, ID_TOKEN_FIELDS, VARIABLE_FIELDS
from station.device_model import Unacceptable
from station.fields import Invalid, record
from station.id_token import IdToken, IdTokenInfo

_VARIABLE: Final = record(VARIABLE_FIELDS)
_CACHED: Final = record(CACHED_FIELDS)


def hook_routes(station: Station) -> Blueprint:
    """/test/variables and /test/auth-cache."""
    routes = Blueprint("hooks", __name__, url_prefix="/test")

    @routes.put("/variables/<component>/<variable>")
    async def set_variable(component: str, variable: str) -> ResponseReturnValue:
        given = await read_body(_VARIABLE)
        try:
            running(station).set_variable(component, variable, given["value"], given["instance"])
        except LookupError:
            instance = "" if given["instance"] is None else f"[{given['instance']}]"
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no variable {component}.{variable}{instance}") from None
        except Unacceptable as error:
            detail = f"/value: {error}"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, pointer="/value") from None
        return given

    @routes.put("/auth-cache/<token>")
    async def learn_token(token: str) -> ResponseReturnValue:
        _check(token)
        given = {name: value for name, value in (await read_body(_CACHED)).items() if value is not None}
        id_token: IdToken = {"idToken": token, "type": given.pop("type")}
        if not running(station).learn_token(id_token, cast(IdTokenInfo, given)):
            raise impossible("the Authorization Cache is not in use, does not take such tokens, or it has expired")
        return {"idToken": id_token, "idTokenInfo": given}

    return routes


def _check(token: str) -> None:
    try:
        ID_TOKEN_FIELDS["idToken"].read(token, "")
    except Invalid as invalid:
        detail = f"The token in the path: {invalid.problem}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
