"""Plugs, cables, locks and defects of one connector."""

from __future__ import annotations

from functools import partial

import pytest

from station.hardware import (
    AC_VEHICLE,
    DC_VEHICLE,
    Blocked,
    ConnectorSpec,
    DoesNotFit,
    Hardware,
    Locked,
    Vehicle,
)
from tests.station.hardware.bench import HandClock, hardware


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def station(clock: HandClock) -> Hardware:
    return hardware(clock, ["sType2", "cType2", "cCCS2"])


@pytest.mark.parametrize(
    ("connector_type", "phases", "max_current_a", "max_power_w", "fixed_cable"),
    [
        ("cType2", 3, 32, 22_080, True),
        ("sType2", 3, 32, 22_080, False),
        ("sCEE-7-7", 1, 16, 3_680, False),
        ("cCCS2", 0, 500, 150_000, True),
        ("wInductive", 1, 16, 3_680, True),
        ("Pan", 0, 600, 450_000, True),
    ],
)
def test_what_a_type_of_connector_is_usually_built_for(
    connector_type: str, phases: int, max_current_a: float, max_power_w: float, *, fixed_cable: bool
) -> None:
    assert ConnectorSpec.of(connector_type) == ConnectorSpec(
        connector_type, phases, max_current_a, max_power_w, fixed_cable
    )


def test_a_type_that_is_none_is_refused_by_name(clock: HandClock) -> None:
    with pytest.raises(ValueError, match="'cType9' is not a type of connector: cCCS1"):
        hardware(clock, ["cType9"])


def test_a_usual_vehicle_has_the_plug_of_its_connector(station: Hardware) -> None:
    socket, cable, direct = station.evses[0].connectors
    for connector in (socket, cable, direct):
        connector.plug_in()
    vehicles = [connector.vehicle.spec if connector.vehicle else None for connector in (socket, cable, direct)]
    assert vehicles == [AC_VEHICLE, AC_VEHICLE, DC_VEHICLE]


def test_a_vehicle_with_another_plug_does_not_fit(station: Hardware) -> None:
    socket, _, direct = station.evses[0].connectors
    with pytest.raises(DoesNotFit, match="sType2 gives AC, not DC"):
        socket.plug_in(DC_VEHICLE)
    with pytest.raises(DoesNotFit, match="cCCS2 gives DC, not AC"):
        direct.plug_in(AC_VEHICLE)
    assert not station.evses[0].plugged_in


def test_a_drivers_cable_needs_a_socket_that_is_free(station: Hardware) -> None:
    socket, cable, _ = station.evses[0].connectors
    with pytest.raises(DoesNotFit, match="connector 2 has a cable"):
        cable.plug_in(cable_max_a=20)
    socket.plug_in(cable_max_a=20)
    assert socket.cable_max_a == 20
    socket.lock()
    socket.disconnect_vehicle()
    with pytest.raises(DoesNotFit, match="connector 1 has a cable"):
        socket.plug_in(cable_max_a=32)


def test_nothing_can_be_plugged_into_what_is_blocked_but_what_is_in_stays_in(station: Hardware) -> None:
    socket, cable, _ = station.evses[0].connectors
    socket.plug_in()
    for connector in (socket, cable):
        connector.block()
        assert connector.blocked
    with pytest.raises(Blocked, match="something is in the way of connector 2"):
        cable.plug_in()
    assert (socket.plugged_in, cable.plugged_in) == (True, False)
    cable.unblock()
    cable.plug_in()
    assert cable.plugged_in


def test_a_second_vehicle_at_the_same_connector_changes_nothing(station: Hardware) -> None:
    socket = station.evses[0].connectors[0]
    socket.plug_in(Vehicle(soc=0.5))
    first = socket.vehicle
    socket.plug_in(Vehicle(soc=0.1))
    assert first is not None
    assert socket.vehicle is first


def test_a_locked_plug_stays_in_the_socket(station: Hardware) -> None:
    socket = station.evses[0].connectors[0]
    socket.plug_in()
    assert socket.lock()
    with pytest.raises(Locked, match="connector 1 holds the plug"):
        socket.unplug()
    assert (socket.plugged_in, socket.locked) == (True, True)
    assert socket.unlock()
    socket.unplug()
    assert (socket.plugged_in, socket.vehicle) == (False, None)


def test_e09_a_locked_cable_can_be_pulled_out_of_the_vehicle_and_stays_in_the_socket(station: Hardware) -> None:
    evse = station.evses[0]
    socket = evse.connectors[0]
    socket.plug_in(cable_max_a=20)
    socket.lock()
    socket.disconnect_vehicle()
    assert (socket.plugged_in, socket.vehicle, socket.locked, socket.cable_max_a) == (True, None, True, 20)
    assert (evse.plugged, evse.vehicle) == (socket, None)
    socket.plug_in(Vehicle(soc=0.7))
    assert socket.vehicle is not None
    assert (socket.vehicle.soc, socket.cable_max_a) == (0.7, 20)


def test_e09_a_driver_who_has_left_takes_a_locked_cable_as_soon_as_it_is_free(
    clock: HandClock, station: Hardware
) -> None:
    connector = station.evses[0].connectors[0]
    connector.plug_in(Vehicle(departure_s=60))
    connector.lock()
    clock.wait(61)
    station.advance()
    assert (connector.vehicle, connector.plugged_in, connector.locked) == (None, True, True)
    restored = hardware(clock, ["sType2", "cType2", "cCCS2"])
    restored.restore(station.snapshot())
    for evse in (station.evses[0], restored.evses[0]):
        assert evse.connectors[0].unlock()
        assert not evse.plugged_in


def test_e09_a_cable_that_was_only_pulled_out_of_the_vehicle_stays_when_it_is_unlocked(station: Hardware) -> None:
    connector = station.evses[0].connectors[0]
    connector.plug_in()
    connector.lock()
    connector.disconnect_vehicle()
    assert connector.unlock()
    assert connector.plugged_in


def test_e09_a_cable_of_the_station_leaves_nothing_behind(station: Hardware) -> None:
    _, cable, direct = station.evses[0].connectors
    for connector, pull in ((cable, cable.unplug), (direct, direct.disconnect_vehicle)):
        connector.plug_in()
        assert connector.lock()
        pull()
        assert (connector.plugged_in, connector.vehicle, connector.locked) == (False, None, False)


def test_what_is_not_there_can_be_neither_locked_nor_pulled(station: Hardware) -> None:
    socket = station.evses[0].connectors[0]
    told: list[None] = []
    station.watch(lambda: told.append(None))
    assert not socket.lock()
    assert socket.unlock()
    socket.unplug()
    socket.disconnect_vehicle()
    assert (socket.locked, told) == (False, [])


def test_f05_fr_05_a_jammed_lock_stays_as_it_is(station: Hardware) -> None:
    socket, cable, _ = station.evses[0].connectors
    socket.plug_in()
    socket.lock()
    socket.jam()
    assert not socket.unlock()
    assert (socket.locked, socket.jammed) == (True, True)
    cable.plug_in()
    cable.jam()
    assert not cable.lock()
    assert not cable.unlock()
    assert not cable.locked
    for connector in (socket, cable):
        connector.unjam()
    assert socket.unlock()
    assert cable.lock()


def test_an_evse_serves_the_vehicle_that_came_first_and_then_the_next(station: Hardware) -> None:
    evse = station.evses[0]
    socket, cable, direct = evse.connectors
    cable.plug_in()
    socket.plug_in()
    assert (evse.plugged, evse.phases) == (cable, 3)
    direct.plug_in()
    cable.unplug()
    served = [evse.plugged]
    socket.lock()
    socket.disconnect_vehicle()
    assert (evse.vehicle, evse.phases) == (direct.vehicle, 0)
    served.append(evse.plugged)
    direct.unplug()
    assert (evse.vehicle, evse.plugged_in) == (None, True)
    served.append(evse.plugged)
    socket.unlock()
    socket.unplug()
    served.append(evse.plugged)
    assert served == [socket, direct, socket, None]


def test_e10_an_evse_goes_on_to_serve_the_cable_whose_vehicle_was_disconnected(clock: HandClock) -> None:
    evse = hardware(clock, ["sType2", "sType2"]).evses[0]
    for socket in evse.connectors:
        socket.plug_in()
        socket.lock()
        socket.disconnect_vehicle()
    assert evse.plugged is evse.connectors[1]


def test_a_defect_of_the_evse_is_one_of_all_its_connectors(station: Hardware) -> None:
    evse = station.evses[0]
    socket, cable, _ = evse.connectors
    cable.fail("ConnectorLockFailure")
    evse.fault("GroundFailure")
    assert [(place.faulted, place.fault_code) for place in (socket, cable)] == [
        (True, "GroundFailure"),
        (True, "ConnectorLockFailure"),
    ]
    cable.clear_fault()
    assert (cable.faulted, cable.fault_code) == (True, "GroundFailure")
    evse.clear_fault()
    assert [place.faulted for place in evse.connectors] == [False, False, False]


def test_a_tripped_breaker_is_a_defect_until_it_is_reset(station: Hardware) -> None:
    evse = station.evses[0]
    codes = []
    evse.trip_breaker()
    assert evse.breaker_tripped
    for change in (evse.reset_breaker, evse.trip_breaker, partial(evse.fault, "GroundFailure"), evse.clear_fault):
        change()
        codes.append((evse.breaker_tripped, evse.faulted, evse.fault_code))
    assert codes == [
        (False, False, None),
        (True, True, "OverCurrentFailure"),
        (True, True, "GroundFailure"),
        (True, True, "OverCurrentFailure"),
    ]
    assert evse.connectors[2].fault_code == "OverCurrentFailure"
