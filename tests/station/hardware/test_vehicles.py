"""What a vehicle may be, and how it is written down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from station.hardware import AC_VEHICLE, DC_VEHICLE, Supply, Vehicle


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"departure_s": 0.0}, "departure_s is above 0"),
        ({"soc": 1.1}, "soc is a share, 0 to 1"),
        ({"soc": float("nan")}, "soc is a share, 0 to 1"),
        ({"target_soc": -0.1}, "target_soc is a share, 0 to 1"),
        ({"efficiency": 0.0}, "efficiency is a share above 0, up to 1"),
        ({"power_factor": 1.5}, "power_factor is a share above 0, up to 1"),
        ({"capacity_wh": 0.0}, "capacity_wh is above 0"),
        ({"min_current_a": 0.0}, "min_current_a is above 0"),
        ({"min_current_a": 20.0}, "min_current_a is not above max_current_a"),
        ({"max_power_w": float("inf")}, "max_power_w is above 0"),
        ({"energy_requested_wh": -1.0}, "energy_requested_wh is not below 0"),
        ({"phases": 0}, "phases is 1, 2 or 3"),
        ({"voltage_v": (400.0, 300.0)}, "voltage_v is two voltages, the second not less"),
        ({"curve": ((0.0, 1.0),)}, "curve has states of charge that grow from 0 to 1"),
        ({"curve": ((0.1, 1.0), (1.0, 1.0))}, "curve has states of charge that grow from 0 to 1"),
        ({"curve": ((0.0, 1.0), (0.6, 1.0), (0.5, 1.0), (1.0, 1.0))}, "curve has states of charge that grow"),
        ({"curve": ((0.0, 1.0), (1e-9, 0.5), (1.0, 0.5))}, "curve has states of charge that are equal or 1e-06 apart"),
        ({"curve": ((0.0, 1.2), (1.0, 0.5))}, "curve has shares of max_power_w, 0 to 1"),
    ],
)
def test_a_vehicle_that_cannot_be_is_refused_with_the_reason(values: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Vehicle(**values)


@pytest.mark.parametrize("vehicle", [AC_VEHICLE, DC_VEHICLE, Vehicle(departure_s=60, energy_requested_wh=5.5, soc=0)])
def test_a_vehicle_survives_being_written_down(vehicle: Vehicle) -> None:
    assert Vehicle.from_json(json.loads(json.dumps(vehicle.to_json())), usual=DC_VEHICLE) == vehicle


def test_what_is_not_said_of_a_vehicle_is_usual() -> None:
    vehicle = Vehicle.from_json({"soc": 1, "curve": [[0, 1], [1, 0.5]], "phases": 1}, usual=AC_VEHICLE)
    assert (vehicle.soc, vehicle.curve, vehicle.phases) == (1.0, ((0.0, 1.0), (1.0, 0.5)), 1)
    assert (vehicle.supply, vehicle.capacity_wh) == (Supply.AC, AC_VEHICLE.capacity_wh)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"colour": "red"}, "a vehicle has no 'colour': supply, capacity_wh, soc"),
        ({"soc": "half"}, "soc: 'half' is not a value for it"),
        ({"soc": True}, "soc: True is not a value for it"),
        ({"soc": None}, "soc: None is not a value for it"),
        ({"capacity_wh": float("nan")}, "capacity_wh: nan is not a value for it"),
        ({"phases": 1.5}, "phases: 1.5 is not a value for it"),
        ({"ready": 1}, "ready: 1 is not a value for it"),
        ({"supply": "XC"}, "supply: 'XC' is not a value for it"),
        ({"curve": [[0, 1, 2]]}, r"curve: \[\[0, 1, 2\]\] is not a value for it"),
        ({"curve": 1}, "curve: 1 is not a value for it"),
        ({"voltage_v": [1]}, r"voltage_v: \[1\] is not a value for it"),
        ({"soc": 2}, "soc is a share, 0 to 1"),
    ],
)
def test_a_vehicle_that_is_written_down_wrongly_is_refused_with_the_name(values: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Vehicle.from_json(values, usual=AC_VEHICLE)


def test_a_vehicle_stops_at_its_target_or_when_it_has_what_was_asked_for() -> None:
    assert Vehicle(target_soc=0.8).stop_soc == 0.8
    wanting = Vehicle(capacity_wh=50_000, soc=0.2, target_soc=0.8, energy_requested_wh=10_000, efficiency=0.9)
    assert wanting.stop_soc == pytest.approx(0.2 + 0.9 * 10_000 / 50_000)
    assert Vehicle(soc=0.2, target_soc=0.25, energy_requested_wh=10_000).stop_soc == 0.25
