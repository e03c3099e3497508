"""What lasts when power and memory are gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from station.hardware import Hardware, Transfer, Vehicle
from tests.station.hardware.bench import HandClock, charging, hardware

TYPES = (["sType2", "cCCS2"], ["cType2"])


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def after_power_cycle(station: Hardware, clock: HandClock) -> Hardware:
    restored = hardware(clock, *TYPES)
    restored.restore(json.loads(json.dumps(station.snapshot())))
    return restored


def test_registers_and_vehicles_are_given_back(clock: HandClock) -> None:
    station = hardware(clock, *TYPES)
    first, second = station.evses
    charging(first, Vehicle(soc=0.2, departure_s=10_000, energy_requested_wh=20_000))
    charging(second, Vehicle(ready=False))
    clock.wait(1000)
    first.connectors[0].lock()
    before = first.meter.read()
    clock.wait(0.0)
    restored = after_power_cycle(station, clock)
    again = restored.evses[0]
    assert (again.meter.energy_wh, again.meter.read().energy_reactive_varh) == (
        before.energy_wh,
        before.energy_reactive_varh,
    )
    assert (again.transfer, again.contactor.closed, again.connectors[0].locked) == (Transfer.CONNECTED, False, True)
    assert again.vehicle is not None
    assert first.vehicle is not None
    assert (again.vehicle.soc, again.vehicle.departs_at, again.vehicle.spec, again.vehicle.taken_wh) == (
        first.vehicle.soc,
        10_000,
        first.vehicle.spec,
        first.vehicle.taken_wh,
    )
    assert restored.evses[1].vehicle is not None
    assert not restored.evses[1].vehicle.ready
    assert again.contactor.close()
    clock.seconds = 9_000
    assert again.transfer is Transfer.SUSPENDED_EV
    assert again.meter.energy_wh == pytest.approx(20_000, rel=1e-9)


def test_a_vehicle_that_had_finished_has_finished(clock: HandClock) -> None:
    station = hardware(clock, *TYPES)
    charging(station.evses[1], Vehicle(soc=0.9, curve=((0.0, 1.0), (1.0, 0.0))))
    clock.wait(36_000)
    evse = after_power_cycle(station, clock).evses[1]
    evse.contactor.close()
    assert evse.transfer is Transfer.SUSPENDED_EV
    assert evse.vehicle is not None
    assert evse.vehicle.satisfied


def test_defects_bays_and_cables_are_given_back(clock: HandClock) -> None:
    station = hardware(clock, *TYPES)
    first, second = station.evses
    first.connectors[1].plug_in()
    first.connectors[0].plug_in(cable_max_a=20)
    first.connectors[0].lock()
    first.connectors[0].disconnect_vehicle()
    first.connectors[0].jam()
    first.connectors[1].fail("ConnectorLockFailure")
    first.trip_breaker()
    second.occupy()
    second.fault("GroundFailure")
    second.connectors[0].block()
    restored = after_power_cycle(station, clock)
    assert restored.snapshot() == station.snapshot()
    assert restored.evses[0].plugged is restored.evses[0].connectors[1]
    socket, direct = restored.evses[0].connectors
    assert (socket.cable_max_a, socket.vehicle, socket.locked, socket.jammed) == (20, None, True, True)
    assert (direct.fault_code, socket.fault_code) == ("ConnectorLockFailure", "OverCurrentFailure")
    assert (restored.evses[1].bay_occupied, restored.evses[1].fault_code) == (True, "GroundFailure")
    assert restored.evses[1].connectors[0].blocked


def test_whether_something_is_in_use_is_not_for_the_hardware_to_remember(clock: HandClock) -> None:
    station = hardware(clock, *TYPES)
    station.switch(operative=False)
    station.evses[0].switch(operative=False)
    station.evses[0].connectors[0].switch(operative=False)
    restored = after_power_cycle(station, clock)
    assert [restored.in_use(*place) for place in restored.connectors()] == [True, True, True]


def test_watchers_are_told_of_what_is_given_back(clock: HandClock) -> None:
    station = hardware(clock, *TYPES)
    told: list[bool] = []
    station.evses[0].connectors[0].plug_in()
    restored = hardware(clock, *TYPES)
    restored.watch(lambda: told.append(restored.evses[0].plugged_in))
    restored.restore(station.snapshot())
    assert told == [True]


@pytest.mark.parametrize("spoil", ["evses", "connectors", "spec"])
def test_the_state_of_another_station_is_refused(clock: HandClock, spoil: str) -> None:
    station = hardware(clock, *TYPES)
    station.evses[0].connectors[0].plug_in()
    state: dict[str, Any] = station.snapshot()
    match spoil:
        case "evses":
            state["evses"].pop()
        case "connectors":
            state["evses"][0]["connectors"].pop()
        case "spec":
            state["evses"][0]["connectors"][0]["vehicle"]["spec"] = {"soc": "full"}
    with pytest.raises(ValueError, match="this is not the state of this station's hardware"):
        hardware(clock, *TYPES).restore(state)
