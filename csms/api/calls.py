"""REST version 1: any request that a CSMS may send, to any station."""

from __future__ import annotations

from http import HTTPStatus

from quart import Blueprint
from quart.typing import ResponseReturnValue

from csms.api.bodies import read_payload
from csms.api.documentation import CALL_FAILURES, answer, body, documented
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.stations import known_station
from csms.api.views import ResultView
from shared.ocppj.versions import VERSIONS


def call_routes(services: Services) -> Blueprint:
    """POST /api/v1/stations/<station>/calls/<Action>."""
    routes = Blueprint("calls", __name__, url_prefix="/api/v1/stations/<station_id>/calls")

    @routes.post("/<action>")
    @documented(
        "Send any request",
        tag="Calls",
        description="Sends a request that a CSMS may send, of the version of OCPP that the station speaks; the body is "
        "its payload. Calls to one station wait for their turn and go out one at a time. Only the schema is checked.",
        body=body(
            example={"type": "OnIdle"},
            GetVariables={
                "getVariableData": [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}]
            },
        ),
        answers=[
            answer(200, "The payload of the station's answer", ResultView, {"result": {"status": "Accepted"}}),
            *CALL_FAILURES,
        ],
        uses_store=False,
    )
    async def call_station(station_id: str, action: str) -> ResponseReturnValue:
        payload = await read_payload()
        known_station(services, station_id)
        seat = services.switchboard.find(station_id)
        version = VERSIONS[0] if seat is None else seat.version
        if action not in version.csms_actions:
            raise Problem(HTTPStatus.NOT_FOUND, f"{action} is not an action that a CSMS sends in {version.subprotocol}")
        completed = await services.remote_starts.complete(action, payload)
        answer = {"result": await services.call(station_id, action, completed)}
        return answer | ({"remote_start_id": completed["remoteStartId"]} if completed is not payload else {})

    return routes
