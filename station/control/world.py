"""The routes of what can be touched: vehicles, plugs, buttons, bays, defects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from quart import Blueprint
from quart.typing import ResponseReturnValue

from station.app import Station
from station.control.requests import known_connector, known_evse, perform
from station.control.views import evse_view
from station.deeds import CONNECTOR_DEEDS, EVSE_DEEDS, Deed
from station.hardware import Connector, Evse

_CONNECTOR_ROUTES: Final = (
    ("POST", "/plug-in", "plug-in"),
    ("POST", "/unplug", "unplug"),
    ("POST", "/block", "block"),
    ("DELETE", "/block", "unblock"),
    ("POST", "/jam", "jam"),
    ("DELETE", "/jam", "unjam"),
    ("POST", "/fault", "fault"),
    ("DELETE", "/fault", "clear-fault"),
)
_EVSE_ROUTES: Final = (
    ("POST", "/stop", "stop"),
    ("POST", "/vehicle", "vehicle"),
    ("POST", "/bay", "bay"),
    ("POST", "/fault", "fault"),
    ("DELETE", "/fault", "clear-fault"),
    ("POST", "/breaker", "trip-breaker"),
    ("DELETE", "/breaker", "reset-breaker"),
    ("PUT", "/limits", "limits"),
    ("DELETE", "/limits", "clear-limits"),
)
"""Method, path, and the deed that is done there."""


def connector_routes(station: Station) -> Blueprint:
    """What is done at a connector. Each answers with the EVSE as it is then."""
    routes = Blueprint("connectors", __name__, url_prefix="/evses/<evse_id>/connectors/<connector_id>")

    def doing(deed: Deed[Connector]) -> Callable[[str, str], Awaitable[ResponseReturnValue]]:
        async def route(evse_id: str, connector_id: str) -> ResponseReturnValue:
            evse, connector = known_connector(station, evse_id, connector_id)
            await perform(deed, connector)
            return evse_view(station, evse)

        return route

    for method, path, name in _CONNECTOR_ROUTES:
        routes.add_url_rule(path, name, doing(CONNECTOR_DEEDS[name]), methods=[method])
    return routes


def evse_routes(station: Station) -> Blueprint:
    """What is done at an EVSE. Each answers with the EVSE as it is then."""
    routes = Blueprint("evses", __name__, url_prefix="/evses/<evse_id>")

    def doing(deed: Deed[Evse]) -> Callable[[str], Awaitable[ResponseReturnValue]]:
        async def route(evse_id: str) -> ResponseReturnValue:
            evse = known_evse(station, evse_id)
            await perform(deed, evse)
            return evse_view(station, evse)

        return route

    for method, path, name in _EVSE_ROUTES:
        routes.add_url_rule(path, name, doing(EVSE_DEEDS[name]), methods=[method])
    return routes
