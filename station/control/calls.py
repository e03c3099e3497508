"""The route by which people send what a station may send."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import trio
from quart import Blueprint
from quart.typing import ResponseReturnValue

from shared.ocppj.errors import CallFailed, CallRefused, CallTimedOut, ConnectionLost, PeerError
from shared.ocppj.versions import V201
from shared.rest.problems import Problem
from station.app import Station
from station.control.requests import checked, read_json, running
from station.fields import Invalid

MOST_CALLS: Final = 16
"""CALLs that wait here for their turn and their answer."""


def call_routes(station: Station, patience_s: float) -> Blueprint:
    """/calls/<Action>: sends a request as the station; the body is its payload."""
    routes = Blueprint("calls", __name__)
    turns = trio.CapacityLimiter(MOST_CALLS)

    @routes.post("/calls/<action>")
    async def call(action: str) -> ResponseReturnValue:
        if action not in V201.station_actions:
            raise Problem(HTTPStatus.NOT_FOUND, f"{action} is not an action that a station sends in {V201.subprotocol}")
        payload = checked(_object, await read_json())
        firmware = running(station)
        asking = object()
        try:
            turns.acquire_on_behalf_of_nowait(asking)
        except trio.WouldBlock:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_CALLS} calls are waiting already") from None
        try:
            with trio.fail_after(patience_s):
                return {"result": await firmware.call(action, payload)}
        except trio.TooSlowError:
            raise Problem(HTTPStatus.GATEWAY_TIMEOUT, f"It was not its turn within {patience_s:g} s") from None
        except (CallFailed, PeerError) as error:
            raise _problem_of(error) from None
        finally:
            turns.release_on_behalf_of(asking)

    return routes


def _object(document: object) -> dict[str, object]:
    if isinstance(document, dict):
        return document
    raise Invalid.unexpected("", "an object, the payload", document)


def _problem_of(error: CallFailed | PeerError) -> Problem:
    match error:
        case PeerError(code=code, description=description):  # our own payload, which does not fit the schema
            where = description.rpartition(": ")[0]
            pointer = where if where.startswith("/") else ""
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, description, pointer=pointer, code=code)
        case ConnectionLost():
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        case CallTimedOut():
            return Problem(HTTPStatus.GATEWAY_TIMEOUT, str(error))
        case CallRefused(code=code, description=description, details=details):
            refusal = {"code": code, "description": description, "details": details}
            return Problem(HTTPStatus.BAD_GATEWAY, f"The CSMS answered {error}", error=refusal)
        case _:
            return Problem(HTTPStatus.BAD_GATEWAY, str(error))
