"""What is done at connectors and EVSEs: vehicles, plugs, buttons, bays, defects."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from station.deeds.deed import Act, Deed, Impossible, Values
from station.fields import Field, choice, flag, number, text, whole
from station.hardware import AC_VEHICLE, DC_VEHICLE, UNLIMITED, Connector, Evse, Limits, Supply, Vehicle
from station.vehicles import VEHICLE_FIELDS, vehicle_of

_CODE: Final = text(least=1, most=50)
_LIMITS: Final[Mapping[str, Field]] = {
    "power_w": Field(number(least=0)),
    "current_a": Field(number(least=0)),
    "phases": Field(whole(least=1, most=3)),
}


def _plug_in(connector: Connector, values: Values, pointer: str) -> Act:
    usual = DC_VEHICLE if connector.spec.supply is Supply.DC else AC_VEHICLE
    vehicle: Vehicle = vehicle_of(values, pointer, usual)

    def act() -> None:
        if connector.vehicle is not None:
            raise Impossible(f"connector {connector.connector_id} has a vehicle already")
        connector.plug_in(vehicle, values["cable_max_a"])

    return act


def _unplug(connector: Connector, values: Values) -> None:
    if not connector.plugged_in:
        raise Impossible(f"nothing is plugged in at connector {connector.connector_id}")
    if values["side"] == "station":
        connector.unplug()
    elif connector.vehicle is None:
        raise Impossible(f"the cable at connector {connector.connector_id} has no vehicle")
    else:
        connector.disconnect_vehicle()


def _set_vehicle(evse: Evse, values: Values) -> None:
    if evse.vehicle is None:
        raise Impossible(f"there is no vehicle at EVSE {evse.evse_id}")
    evse.vehicle.set_ready(ready=values["ready"])


def _press_stop(evse: Evse) -> None:
    if not evse.press_stop():
        raise Impossible("there is no power: nothing notices the button")


def _limit(evse: Evse, values: Values) -> None:
    limits: dict[str, Any] = {name: values[name] for name in _LIMITS}
    evse.set_limits(Limits(**limits))


CONNECTOR_DEEDS: Final[Mapping[str, Deed[Connector]]] = MappingProxyType(
    {
        "plug-in": Deed({**VEHICLE_FIELDS, "cable_max_a": Field(number(above=0))}, _plug_in),
        "unplug": Deed.with_values({"side": Field(choice(("station", "vehicle")), default="station")}, _unplug),
        "block": Deed.simple(Connector.block),
        "unblock": Deed.simple(Connector.unblock),
        "jam": Deed.simple(Connector.jam),
        "unjam": Deed.simple(Connector.unjam),
        "fault": Deed.with_values(
            {"code": Field(_CODE, default="InternalError")}, lambda connector, values: connector.fail(values["code"])
        ),
        "clear-fault": Deed.simple(Connector.clear_fault),
    }
)
EVSE_DEEDS: Final[Mapping[str, Deed[Evse]]] = MappingProxyType(
    {
        "stop": Deed.simple(_press_stop),
        "vehicle": Deed.with_values({"ready": Field(flag, required=True)}, _set_vehicle),
        "bay": Deed.with_values(
            {"occupied": Field(flag, required=True)}, lambda evse, values: evse.occupy(occupied=values["occupied"])
        ),
        "fault": Deed.with_values(
            {"code": Field(_CODE, required=True)}, lambda evse, values: evse.fault(values["code"])
        ),
        "clear-fault": Deed.simple(Evse.clear_fault),
        "trip-breaker": Deed.simple(Evse.trip_breaker),
        "reset-breaker": Deed.simple(Evse.reset_breaker),
        "limits": Deed.with_values(_LIMITS, _limit),
        "clear-limits": Deed.simple(lambda evse: evse.set_limits(UNLIMITED)),
    }
)
