"""The routes of what can be touched: vehicles, plugs, buttons, bays, defects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from quart import Blueprint
from quart.typing import ResponseReturnValue

from station.app import Station
from station.control.requests import checked, impossible, in_the_world, known_connector, known_evse, read_body
from station.control.views import evse_view
from station.fields import Field, choice, flag, number, record, text, whole
from station.hardware import AC_VEHICLE, DC_VEHICLE, UNLIMITED, Connector, Evse, Limits, Supply
from station.vehicles import VEHICLE_FIELDS, vehicle_of

_CODE_LENGTH: Final = 50
_PLUG_IN: Final = record({**VEHICLE_FIELDS, "cable_max_a": Field(number(above=0))})
_UNPLUG: Final = record({"side": Field(choice(("station", "vehicle")), default="station")})
_VEHICLE: Final = record({"ready": Field(flag, required=True)})
_BAY: Final = record({"occupied": Field(flag, required=True)})
_FAULT: Final = record({"code": Field(text(least=1, most=_CODE_LENGTH), required=True)})
_CONNECTOR_FAULT: Final = record({"code": Field(text(least=1, most=_CODE_LENGTH), default="InternalError")})
_LIMITS: Final = record(
    {
        "power_w": Field(number(least=0)),
        "current_a": Field(number(least=0)),
        "phases": Field(whole(least=1, most=3)),
    }
)
_NOTHING: Final = record({})
_ConnectorRoute = Callable[[str, str], Awaitable[ResponseReturnValue]]
_EvseRoute = Callable[[str], Awaitable[ResponseReturnValue]]


def connector_routes(station: Station) -> Blueprint:
    """What is done at a connector. Each answers with the EVSE as it is then."""
    routes = Blueprint("connectors", __name__, url_prefix="/evses/<evse_id>/connectors/<connector_id>")

    @routes.post("/plug-in")
    async def plug_in(evse_id: str, connector_id: str) -> ResponseReturnValue:
        evse, connector = known_connector(station, evse_id, connector_id)
        values = await read_body(_PLUG_IN)
        usual = DC_VEHICLE if connector.spec.supply is Supply.DC else AC_VEHICLE
        vehicle = checked(lambda written: vehicle_of(written, "", usual), values)
        if connector.vehicle is not None:
            raise impossible(f"connector {connector.connector_id} has a vehicle already")
        with in_the_world():
            connector.plug_in(vehicle, values["cable_max_a"])
        return evse_view(station, evse)

    @routes.post("/unplug")
    async def unplug(evse_id: str, connector_id: str) -> ResponseReturnValue:
        evse, connector = known_connector(station, evse_id, connector_id)
        side = (await read_body(_UNPLUG))["side"]
        if not connector.plugged_in:
            raise impossible(f"nothing is plugged in at connector {connector.connector_id}")
        if side == "vehicle" and connector.vehicle is None:
            raise impossible(f"the cable at connector {connector.connector_id} has no vehicle")
        with in_the_world():
            if side == "vehicle":
                connector.disconnect_vehicle()
            else:
                connector.unplug()
        return evse_view(station, evse)

    @routes.post("/fault")
    async def fail(evse_id: str, connector_id: str) -> ResponseReturnValue:
        evse, connector = known_connector(station, evse_id, connector_id)
        connector.fail((await read_body(_CONNECTOR_FAULT))["code"])
        return evse_view(station, evse)

    def simply(act: Callable[[Connector], None]) -> _ConnectorRoute:
        async def route(evse_id: str, connector_id: str) -> ResponseReturnValue:
            evse, connector = known_connector(station, evse_id, connector_id)
            await read_body(_NOTHING)
            act(connector)
            return evse_view(station, evse)

        return route

    routes.add_url_rule("/fault", "repair", simply(Connector.clear_fault), methods=["DELETE"])
    routes.add_url_rule("/jam", "jam", simply(Connector.jam), methods=["POST"])
    routes.add_url_rule("/jam", "unjam", simply(Connector.unjam), methods=["DELETE"])
    routes.add_url_rule("/block", "block", simply(Connector.block), methods=["POST"])
    routes.add_url_rule("/block", "unblock", simply(Connector.unblock), methods=["DELETE"])
    return routes


def evse_routes(station: Station) -> Blueprint:
    """What is done at an EVSE. Each answers with the EVSE as it is then."""
    routes = Blueprint("evses", __name__, url_prefix="/evses/<evse_id>")

    @routes.post("/vehicle")
    async def set_vehicle(evse_id: str) -> ResponseReturnValue:
        evse = known_evse(station, evse_id)
        ready = (await read_body(_VEHICLE))["ready"]
        if evse.vehicle is None:
            raise impossible(f"there is no vehicle at EVSE {evse.evse_id}")
        evse.vehicle.set_ready(ready=ready)
        return evse_view(station, evse)

    @routes.post("/bay")
    async def set_bay(evse_id: str) -> ResponseReturnValue:
        evse = known_evse(station, evse_id)
        evse.occupy(occupied=(await read_body(_BAY))["occupied"])
        return evse_view(station, evse)

    @routes.post("/fault")
    async def fail(evse_id: str) -> ResponseReturnValue:
        evse = known_evse(station, evse_id)
        evse.fault((await read_body(_FAULT))["code"])
        return evse_view(station, evse)

    @routes.put("/limits")
    async def limit(evse_id: str) -> ResponseReturnValue:
        evse = known_evse(station, evse_id)
        evse.set_limits(Limits(**await read_body(_LIMITS)))
        return evse_view(station, evse)

    @routes.post("/stop")
    async def press_stop(evse_id: str) -> ResponseReturnValue:
        evse = known_evse(station, evse_id)
        await read_body(_NOTHING)
        if not evse.press_stop():
            raise impossible("there is no power: nothing notices the button")
        return evse_view(station, evse)

    def simply(act: Callable[[Evse], None]) -> _EvseRoute:
        async def route(evse_id: str) -> ResponseReturnValue:
            evse = known_evse(station, evse_id)
            await read_body(_NOTHING)
            act(evse)
            return evse_view(station, evse)

        return route

    routes.add_url_rule("/fault", "repair", simply(Evse.clear_fault), methods=["DELETE"])
    routes.add_url_rule("/limits", "unlimit", simply(lambda evse: evse.set_limits(UNLIMITED)), methods=["DELETE"])
    routes.add_url_rule("/breaker", "trip", simply(Evse.trip_breaker), methods=["POST"])
    routes.add_url_rule("/breaker", "reset", simply(Evse.reset_breaker), methods=["DELETE"])
    return routes
