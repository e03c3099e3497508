"""The route by which somebody holds a token to a reader, and hears what becomes of it."""

from __future__ import annotations

from http import HTTPStatus

import trio
from quart import Blueprint
from quart.typing import ResponseReturnValue

from shared.rest.problems import Problem
from station.app import Station
from station.control.requests import impossible, known_evse, read_body
from station.deeds import read_id_token
from station.id_token import IdTokenInfo


def token_routes(station: Station, patience_s: float) -> Blueprint:
    """/evses/<evse_id>/present-token: answers with the IdTokenInfoType that the driver gets to see."""
    routes = Blueprint("tokens", __name__, url_prefix="/evses/<evse_id>")

    @routes.post("/present-token")
    async def present_token(evse_id: str) -> ResponseReturnValue:
        evse = known_evse(station, evse_id)
        id_token = await read_body(read_id_token)
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
