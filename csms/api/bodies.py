"""The bodies of requests: what they may hold, and how they are read."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import msgspec
import orjson
from quart import request

from csms.api.problems import Problem
from csms.registry import Registration
from csms.store.moments import in_utc

# BasicAuthPassword has up to 40 characters (A00.FR.205); the colon is allowed in a password, line breaks are not.
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
ItemsPerMessage = Annotated[
    dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]],
    msgspec.Meta(max_length=50),
]
SecurityProfile = Annotated[int, msgspec.Meta(ge=1, le=3)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class IdToken(msgspec.Struct, forbid_unknown_fields=True):
    """An idToken as OCPP has it (IdTokenType)."""

    idToken: Annotated[str, msgspec.Meta(min_length=1, max_length=36)]  # noqa: N815 - OCPP's name
    type: str


class Reserve(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a driver may ask for; without anything, any EVSE for an hour."""

    id_token: IdToken | None = None
    group_id_token: IdToken | None = None
    evse_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    connector_type: str | None = None
    expires_at: Moment | None = None

    def __post_init__(self) -> None:
        if self.expires_at is not None:
            try:
                self.expires_at = in_utc(self.expires_at)
            except ValueError as error:
                raise ValueError(f"expires_at {error}") from None


class NewReservation(Reserve, forbid_unknown_fields=True, kw_only=True):
    """A reservation at one station, or at any."""

    station_id: str | None = None


class PostCommand(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A command that waits for its station. expires_at or expires_in_s; without either, an hour."""

    station_id: str
    action: str
    payload: dict[str, Any] = {}
    expires_at: Moment | None = None
    expires_in_s: Annotated[float, msgspec.Meta(gt=0, le=366 * 86_400)] | None = None
    deduplication_key: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[!-~]+\Z")] | None = None


class PatchStation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The part of a registry entry that is to change."""

    password: Password | msgspec.UnsetType | None = msgspec.UNSET
    security_profile: SecurityProfile | msgspec.UnsetType = msgspec.UNSET
    registration: Registration | msgspec.UnsetType = msgspec.UNSET
    items_per_message: ItemsPerMessage | msgspec.UnsetType = msgspec.UNSET


class Variables(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Variables to get or to set, each as OCPP has it (GetVariableDataType, SetVariableDataType)."""

    variables: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=10_000)]


class PutStation(PatchStation, forbid_unknown_fields=True, kw_only=True):
    """A whole registry entry, but for the password: nobody can read it to give it again, so not given it stays."""

    security_profile: SecurityProfile | msgspec.UnsetType = 1
    registration: Registration | msgspec.UnsetType = Registration.ACCEPTED
    items_per_message: ItemsPerMessage | msgspec.UnsetType = {}


_Body = TypeVar("_Body", bound=msgspec.Struct)


async def read_body(kind: type[_Body]) -> _Body:
    """The request's JSON body, no body being {}. Raises Problem: 400 not JSON, 422 JSON of the wrong shape."""
    try:
        return msgspec.json.decode(await request.get_data() or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    except msgspec.DecodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}") from None


async def read_payload() -> dict[str, Any]:
    """The request's JSON body as an OCPP payload, no body being {}.

    Raises Problem: 400 not JSON, 422 not an object, or nested so deeply that it cannot be written again.
    """
    try:
        payload = orjson.loads(await request.get_data() or b"{}")
    except orjson.JSONDecodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}") from None
    if not isinstance(payload, dict):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The body must be a JSON object, the OCPP payload", pointer="")
    check_payload(payload, "")
    return payload


def check_payload(payload: dict[str, Any], pointer: str) -> None:
    """Raise Problem 422 for a payload that cannot be written again. pointer: where it stands in the body."""
    try:
        orjson.dumps([payload])  # in a message it is one level deeper
    except orjson.JSONEncodeError:
        detail = "The payload is nested too deeply, or holds a number of more than 64 bits"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, pointer=pointer) from None
