"""What there is to see of a station, as JSON. Amounts are rounded to three digits behind the point."""

from __future__ import annotations

import math
from typing import Any, Final

from shared.ocppj import date_time
from station.app import Station
from station.hardware import ConnectedVehicle, Connector, Evse
from station.network import Network

_DIGITS: Final = 3
_READINGS: Final = (
    "energy_wh",
    "power_w",
    "power_factor",
    "phases",
    "voltages_v",
    "currents_a",
    "frequency_hz",
    "power_offered_w",
    "current_offered_a",
    "temperature_c",
)


def status_view(station: Station) -> dict[str, Any]:
    """Everything."""
    firmware = {"firmware": "off"} if station.firmware is None else {"firmware": "running", **station.firmware.view()}
    return {
        "identity": station.identity,
        "time": date_time.to_wire(station.now()),
        **firmware,
        "network": network_view(station.network),
        "operative": station.hardware.operative,
        "powered": station.hardware.powered,
        "evses": [evse_view(station, evse) for evse in station.hardware.evses],
        "faults": station.faults.report()["rules"],
    }


def evse_view(station: Station, evse: Evse) -> dict[str, Any]:
    """An EVSE, its meter, its vehicle and its connectors."""
    reading = evse.meter.read()
    return {
        "id": evse.evse_id,
        "transfer": evse.transfer.value,
        "operative": evse.operative,
        "fault": evse.fault_code,
        "breaker_tripped": evse.breaker_tripped,
        "contactor_closed": evse.contactor.closed,
        "bay_occupied": evse.bay_occupied,
        "display": list(evse.display),
        "limits": {
            "power_w": evse.limits.power_w,
            "current_a": evse.limits.current_a,
            "phases": evse.limits.phases,
        },
        "meter": {name: _rounded(getattr(reading, name)) for name in _READINGS},
        "plugged": None if evse.plugged is None else evse.plugged.connector_id,
        "connectors": [_connector_view(station, evse, connector) for connector in evse.connectors],
    }


def network_view(network: Network) -> dict[str, Any]:
    """The network. up_in_s: null when it stays down until somebody says otherwise."""
    return {"up": network.is_up, "half_open": network.half_open, "up_in_s": _rounded(network.up_in_s)}


def _connector_view(station: Station, evse: Evse, connector: Connector) -> dict[str, Any]:
    firmware = station.firmware
    return {
        "id": connector.connector_id,
        "type": connector.connector_type,
        "status": None if firmware is None else firmware.connector_status(evse, connector),
        "operative": connector.operative,
        "fault": connector.own_fault_code,
        "plugged_in": connector.plugged_in,
        "locked": connector.locked,
        "jammed": connector.jammed,
        "blocked": connector.blocked,
        "fixed_cable": connector.fixed_cable,
        "phases": connector.phases,
        "max_current_a": _rounded(connector.max_current_a),
        "max_power_w": _rounded(connector.max_power_w),
        "cable_max_a": _rounded(connector.cable_max_a),
        "vehicle": None if connector.vehicle is None else _vehicle_view(connector.vehicle),
    }


def _vehicle_view(vehicle: ConnectedVehicle) -> dict[str, Any]:
    return {
        **vehicle.spec.to_json(),
        "soc": _rounded(vehicle.soc, 6),
        "ready": vehicle.ready,
        "satisfied": vehicle.satisfied,
        "taken_wh": _rounded(vehicle.taken_wh),
    }


def _rounded(value: Any, digits: int = _DIGITS) -> Any:
    """JSON has no infinity: what has no limit, or is not known, is null."""
    match value:
        case float():
            return round(value, digits) if math.isfinite(value) else None
        case tuple():
            return [_rounded(item, digits) for item in value]
        case _:
            return value
