"""REST as people know it from the project's beginnings: /list and /reserve.

People's scripts compare what comes back as text, so it is written as they know it, with a space behind each comma.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from quart import Blueprint, Response
from quart.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from csms.api.bodies import Reserve, read_body
from csms.api.booking import NotBooked, NothingAvailable, book, book_anywhere
from csms.api.documentation import Answer, Body, answer, documented
from csms.api.problems import STORE_UNAVAILABLE, Problem, call_status
from csms.api.services import Services
from csms.api.views import ConnectedView, ReservedView, SeedErrorView, StatusView
from csms.store import StoreUnavailable
from shared.ocppj.errors import OcppError
from shared.rest import problems


def _error_answer(status: int, message: str) -> Answer:
    return answer(status, HTTPStatus(status).phrase, SeedErrorView, {"error_code": status, "message": message})


_WISH: Final = Body(Reserve, {"example": {"evse_id": 1, "id_token": {"idToken": "04A2B3C4D5E680", "type": "ISO14443"}}})
_NOT_ALLOWED: Final = (
    _error_answer(401, "Show the token: Authorization: Bearer TOKEN"),
    _error_answer(403, "Without --api-token this API answers to the name localhost only"),
)
_RESERVE_FAILURES: Final = (
    *_NOT_ALLOWED,
    _error_answer(400, "The body is not JSON: unexpected character: line 1 column 2 (char 1)"),
    _error_answer(422, "Expected `int`, got `str` - at `$.evse_id`"),
    _error_answer(502, "NotSupported: no such thing"),
    _error_answer(503, "No such Charge Point. [CP_1]"),
    _error_answer(504, "no answer to ReserveNow within 30 s"),
)


def seed_routes(services: Services) -> Blueprint:
    """GET /list, POST /reserve, POST /reserve/<station>; errors are {"error_code": …, "message": …}."""
    routes = Blueprint("seed", __name__)

    @routes.get("/list")
    @documented(
        "The stations connected now",
        tag="As in the beginning",
        answers=[
            answer(200, "Their identities, in the order they came", ConnectedView, {"cp_ids": ["CP_1"]}),
            *_NOT_ALLOWED,
        ],
        uses_store=False,
    )
    async def list_connected() -> ResponseReturnValue:
        return _json({"cp_ids": services.switchboard.station_ids()})

    @routes.post("/reserve/<station_id>")
    @documented(
        "Reserve at a station",
        tag="As in the beginning",
        body=_WISH,
        answers=[answer(200, "The station's own answer", StatusView, {"status": "Accepted"}), *_RESERVE_FAILURES],
    )
    async def reserve(station_id: str) -> ResponseReturnValue:
        booking = await book(services, await read_body(Reserve), station_id)
        return _json({"status": booking.status})

    @routes.post("/reserve")
    @documented(
        "Reserve at any station",
        tag="As in the beginning",
        body=_WISH,
        answers=[
            answer(
                200,
                "The station's own answer, and what it is about; of those asked, the first that accepts or the last",
                ReservedView,
                {"status": "Accepted", "cp_id": "CP_1", "evse_id": 1, "reservation_id": 1_234_567},
            ),
            *_RESERVE_FAILURES,
        ],
    )
    async def reserve_anywhere() -> ResponseReturnValue:
        booking = await book_anywhere(services, await read_body(Reserve))
        return _json(
            {
                "status": booking.status,
                "cp_id": booking.station_id,
                "evse_id": booking.evse_id,
                "reservation_id": booking.reservation_id,
            }
        )

    @routes.errorhandler(NothingAvailable)
    async def nothing_available(error: NothingAvailable) -> ResponseReturnValue:
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    @routes.errorhandler(NotBooked)
    async def not_booked(failed: NotBooked) -> ResponseReturnValue:
        return await call_failed(failed.error)

    @routes.errorhandler(OcppError)
    async def call_failed(error: OcppError) -> ResponseReturnValue:
        return _error(call_status(error), str(error))

    @routes.errorhandler(StoreUnavailable)
    async def store_unavailable(_unavailable: StoreUnavailable) -> ResponseReturnValue:
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, STORE_UNAVAILABLE)

    @routes.errorhandler(problems.Problem)
    async def problem(error: problems.Problem) -> ResponseReturnValue:
        return _error(error.status, error.detail, error.headers)

    @routes.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> ResponseReturnValue:
        return await problem(Problem.of_http(error))

    return routes


def _error(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"error_code": status.value, "message": message}, status, headers)


def _json(
    body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(json.dumps(body) + "\n", status.value, dict(headers or {}), content_type="application/json")
