"""The route by which somebody holds a token to a reader, and hears what becomes of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import trio
from quart import Blueprint
from quart.typing import ResponseReturnValue

from shared.rest.problems import Problem
from station.app import Station
from station.control.requests import impossible, known_evse, read_body
from station.fields import Field, Read, array, choice, record, text
from station.id_token import IdToken, IdTokenInfo

TOKEN_TYPES: Final = (
    "Central",
    "eMAID",
    "ISO14443",
    "ISO15693",
    "KeyCode",
    "Local",
    "MacAddress",
    "NoAuthorization",
)
"""OCPP's IdTokenEnumType."""
_MOST_INFOS: Final = 10
_TEXT: Final = text(least=1, most=36)
_KIND: Final = Field(choice(TOKEN_TYPES), required=True)
_READ_ID_TOKEN: Final = record(
    {
        "idToken": Field(_TEXT, required=True),
        "type": _KIND,
        "additionalInfo": Field(
            array(
                record(
                    {
                        "additionalIdToken": Field(_TEXT, required=True),
                        "type": Field(text(least=1, most=50), required=True),
                    }
                ),
                least=1,
                most=_MOST_INFOS,
            )
        ),
    }
)


def read_id_token(value: Any, pointer: str) -> IdToken:
    """An IdTokenType that somebody has written. Raises Invalid."""
    read = _READ_ID_TOKEN(value, pointer)
    id_token: IdToken = {"idToken": read["idToken"], "type": read["type"]}
    if read["additionalInfo"] is not None:
        id_token["additionalInfo"] = read["additionalInfo"]
    return id_token


def token_routes(station: Station, patience_s: float) -> Blueprint:
    """/evses/<evse_id>/present-token: answers with the IdTokenInfoType that the driver gets to see."""
    routes = Blueprint("tokens", __name__, url_prefix="/evses/<evse_id>")
    read: Read[IdToken] = read_id_token

    @routes.post("/present-token")
    async def present_token(evse_id: str) -> ResponseReturnValue:
        evse = known_evse(station, evse_id)
        id_token = await read_body(read)
        if station.firmware is None:
            raise impossible("the station is off: nothing notices the token")
        decisions: list[IdTokenInfo] = []
        decided = trio.Event()

        def decide(info: IdTokenInfo) -> None:
            decisions.append(info)
            decided.set()

        station.firmware.present_token(evse.evse_id, id_token, decide)
        with trio.move_on_after(patience_s):
            await decided.wait()
            return dict(decisions[0])
        raise Problem(HTTPStatus.GATEWAY_TIMEOUT, f"Nobody has decided on the token within {patience_s:g} s")

    return routes
