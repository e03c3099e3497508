"""For those who run the CSMS: whether it lives, whether it is ready, and its figures."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, TypedDict

import trio
from quart import Blueprint, Response
from quart.typing import ResponseReturnValue

from csms.api.documentation import Answer, answer, documented
from csms.api.services import Services
from csms.api.views import StatusView
from csms.metrics import CONTENT_TYPE
from csms.store import Store, StoreUnavailable

_PATIENCE_S: Final = 3.0
_FIGURES: Final = """# HELP csms_stations_connected Stations connected
# TYPE csms_stations_connected gauge
csms_stations_connected 3.0
# HELP csms_messages_total CALLs that are over, by the direction of the CALL and by outcome
# TYPE csms_messages_total counter
csms_messages_total{action="Heartbeat",direction="received",outcome="result"} 42.0
"""


class ReadinessView(TypedDict):
    """What is ready, and what is not. status: ready or not ready; each other: ok, or what is wrong."""

    status: str
    database: str
    listeners: str


def health_routes(services: Services) -> Blueprint:
    """/healthz, /readyz and /metrics."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    @documented(
        "Whether the program lives",
        tag="Operation",
        answers=[answer(200, "It does", StatusView, {"status": "ok"})],
        is_open=True,
        uses_store=False,
    )
    async def healthz() -> ResponseReturnValue:
        return {"status": "ok"}

    @routes.get("/readyz")
    @documented(
        "Whether it can serve",
        tag="Operation",
        description="The database answers to who reads and to who writes, and stations and REST can connect.",
        answers=[
            answer(200, "It can", ReadinessView, {"status": "ready", "database": "ok", "listeners": "ok"}),
            answer(
                503,
                "It cannot",
                ReadinessView,
                {"status": "not ready", "database": "database is locked", "listeners": "ok"},
            ),
        ],
        uses_store=False,
    )
    async def readyz() -> ResponseReturnValue:
        database = await _state_of(services.store)
        listeners = "ok" if services.is_listening() else "not listening"
        is_ready = database == listeners == "ok"
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        view: ReadinessView = {
            "status": "ready" if is_ready else "not ready",
            "database": database,
            "listeners": listeners,
        }
        return dict(view), status.value

    @routes.get("/metrics")
    @documented(
        "Figures for Prometheus",
        tag="Operation",
        answers=[Answer(200, "In its text format", None, {"example": _FIGURES}, "text/plain")],
        uses_store=False,
    )
    async def metrics() -> ResponseReturnValue:
        return Response(services.metrics.exposition(), content_type=CONTENT_TYPE)

    return routes


async def _state_of(store: Store) -> str:
    with trio.move_on_after(_PATIENCE_S):
        try:
            await store.probe()
        except StoreUnavailable as error:
            return str(error)
        return "ok"
    return f"no answer within {_PATIENCE_S:g} s"
