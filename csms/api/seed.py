"""REST as people know it from the project's beginnings: /list and /reserve.

People's scripts compare what comes back as text, so it is written as they know it, with a space behind each comma.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from quart import Blueprint, Response
from quart.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from csms.api.bodies import Reserve, read_body
from csms.api.booking import NothingAvailable, book, book_anywhere
from csms.api.problems import STORE_UNAVAILABLE, Problem, call_status
from csms.api.services import Services
from csms.store import StoreUnavailable
from shared.ocppj.errors import OcppError


def seed_routes(services: Services) -> Blueprint:
    """GET /list, POST /reserve, POST /reserve/<station>; errors are {"error_code": …, "message": …}."""
    routes = Blueprint("seed", __name__)

    @routes.get("/list")
    async def list_connected() -> ResponseReturnValue:
        return _json({"cp_ids": services.switchboard.station_ids()})

    @routes.post("/reserve/<station_id>")
    async def reserve(station_id: str) -> ResponseReturnValue:
        booking = await book(services, await read_body(Reserve), station_id, await services.reservations.new_id())
        return _json({"status": booking.status})

    @routes.post("/reserve")
    async def reserve_anywhere() -> ResponseReturnValue:
        booking = await book_anywhere(services, await read_body(Reserve), await services.reservations.new_id())
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

    @routes.errorhandler(OcppError)
    async def call_failed(error: OcppError) -> ResponseReturnValue:
        return _error(call_status(error), str(error))

    @routes.errorhandler(StoreUnavailable)
    async def store_unavailable(_unavailable: StoreUnavailable) -> ResponseReturnValue:
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, STORE_UNAVAILABLE)

    @routes.errorhandler(Problem)
    async def problem(error: Problem) -> ResponseReturnValue:
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
