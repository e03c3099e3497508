"""REST version 1: the variables of a station, as last reported, and got or set now."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from quart import Blueprint, request
from quart.typing import ResponseReturnValue

from csms.api.bodies import Variables, read_payload
from csms.api.documentation import CALL_FAILURES, PAGE, answer, body, documented, query
from csms.api.exchange import FIELDS, Action, Exchange, exchange, limits_of
from csms.api.paging import read_page
from csms.api.problems import Problem, call_status
from csms.api.services import Services
from csms.api.stations import known_station
from csms.api.variable_views import GOT, SET, TO_GET, TO_SET, VARIABLES, VariableResultsView, VariablesView
from csms.device_model import PAGE_KEY_TYPES, Filter
from csms.reports import Report
from csms.switchboard import NotConnected
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import OcppError, PeerError

_MAX_INTEGER: Final = 2**31 - 1
_HOW: Final = (
    "Sends as many messages as it takes, for a station has its limits. All is checked before anything is sent. If one "
    "message fails, the rest is not sent, and the problem tells how far it came: `variables` are the results so far, "
    "null for none; `refused`, `unknown` and `not_sent` are the positions of the others, counted from 0."
)


def variable_routes(services: Services) -> Blueprint:
    """/api/v1/stations/<station>/variables, and get and set below."""
    routes = Blueprint("variables", __name__, url_prefix="/api/v1/stations/<station_id>/variables")

    @routes.get("")
    @documented(
        "Variables as last reported",
        tag="Variables",
        description="Without asking the station. Names are compared without regard to case.",
        query=[
            query("component", "Of this component only", "OCPPCommCtrlr"),
            query("variable", "Of this name only", "HeartbeatInterval"),
            query(
                "evse_id",
                "Of this EVSE only; 0: of those that are of none",
                1,
                type="integer",
                minimum=0,
                maximum=999_999_999,
            ),
            *PAGE,
        ],
        answers=[answer(200, "A page, and the latest reports", VariablesView, VARIABLES)],
    )
    async def list_variables(station_id: str) -> ResponseReturnValue:
        known_station(services, station_id)
        page = read_page(*PAGE_KEY_TYPES)
        if any(isinstance(part, int) and abs(part) > _MAX_INTEGER for part in page.after or ()):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor: must be the next_cursor of the page before")
        reports = [_describe(report) for report in services.device_models.reports_of(station_id)]
        found, last_key = await services.device_models.read_page(station_id, _read_filter(), page.after, page.limit)
        return {**page.answer("variables", found, last_key), "reports": reports}

    @routes.post("/get")
    @documented(
        "Get variables now",
        tag="Variables",
        description=_HOW,
        body=body(Variables, TO_GET, is_required=True),
        answers=[answer(200, "The results", VariableResultsView, GOT), *CALL_FAILURES],
    )
    async def get_variables(station_id: str) -> ResponseReturnValue:
        return await _exchange(services, station_id, "GetVariables")

    @routes.post("/set")
    @documented(
        "Set variables",
        tag="Variables",
        description=_HOW,
        body=body(Variables, TO_SET, is_required=True),
        answers=[answer(200, "The results", VariableResultsView, SET), *CALL_FAILURES],
    )
    async def set_variables(station_id: str) -> ResponseReturnValue:
        return await _exchange(services, station_id, "SetVariables")

    return routes


async def _exchange(services: Services, station_id: str, action: Action) -> ResponseReturnValue:
    """All that is wrong with the request is told before anything is sent."""
    variables = await _read_variables()
    station = known_station(services, station_id)
    seat = services.switchboard.find(station_id)
    if seat is None:
        raise NotConnected(f"{station_id} is not connected")
    try:
        seat.schemas.validate_request(action, {FIELDS[action][0]: variables})
    except PeerError as error:
        description = error.description.replace(f"/{FIELDS[action][0]}", "/variables", 1)
        raise Problem.of_call(type(error)(description, error.details)) from None
    reported = await services.device_models.limits(station_id)
    limits = limits_of(action, reported, station.items_per_message)
    outcome = await exchange(partial(services.call, station_id), action, variables, limits)
    if outcome.failure is not None:
        raise _problem(outcome, outcome.failure)
    return {"variables": outcome.results}


def _problem(outcome: Exchange, failure: OcppError) -> Problem:
    """What went wrong, and how far it came: the results in order, null for none, and the positions of the rest."""
    problem = Problem.of_call(failure)
    members: dict[str, Any] = asdict(outcome)
    del members["failure"]
    members["variables"] = members.pop("results")
    return Problem(call_status(failure), problem.detail, **problem.more, **members)


async def _read_variables() -> list[dict[str, Any]]:
    payload = await read_payload()
    try:
        return msgspec.convert(payload, Variables).variables
    except msgspec.ValidationError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None


def _read_filter() -> Filter:
    evse = request.args.get("evse_id")
    if evse is not None and not (evse.isascii() and evse.isdigit() and len(evse) < 10):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "evse_id: must be a whole number")
    return Filter(request.args.get("component"), request.args.get("variable"), None if evse is None else int(evse))


def _describe(report: Report) -> dict[str, Any]:
    return {
        "request_id": report.request_id,
        "report_base": report.report_base,
        "status": report.status,
        "complete": report.is_complete,
        "missing": report.missing,
        "requested_at": to_wire(report.requested_at),
        "updated_at": to_wire(report.updated_at),
    }
