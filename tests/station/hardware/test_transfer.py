"""What an EVSE does for a vehicle: the contactor, who suspends, and what changes by itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from station.hardware import ConnectedVehicle, Connector, Evse, Hardware, Limits, Transfer, Vehicle
from tests.station.hardware.bench import FLAT, HOUR_S, HandClock, charging, dc_vehicle, hardware


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def station(clock: HandClock) -> Hardware:
    return hardware(clock, ["sType2", "cCCS2"], ["cType2"])


@pytest.fixture
def evse(station: Hardware) -> Evse:
    return station.evses[0]


def connected(evse: Evse) -> ConnectedVehicle:
    assert evse.vehicle is not None
    return evse.vehicle


def test_from_idle_to_charging_and_back(evse: Evse) -> None:
    seen = [evse.transfer]
    evse.connectors[0].plug_in()
    seen.append(evse.transfer)
    assert evse.contactor.close()
    seen.append(evse.transfer)
    evse.contactor.open()
    seen.append(evse.transfer)
    evse.connectors[0].unplug()
    seen.append(evse.transfer)
    expected = [Transfer.IDLE, Transfer.CONNECTED, Transfer.CHARGING, Transfer.CONNECTED, Transfer.IDLE]
    assert seen == expected


def test_a_cable_without_a_vehicle_is_idle(evse: Evse) -> None:
    charging(evse)
    evse.connectors[0].lock()
    evse.connectors[0].disconnect_vehicle()
    assert (evse.transfer, evse.contactor.closed, evse.contactor.close()) == (Transfer.IDLE, False, False)


def test_the_vehicle_suspends_when_it_is_not_ready_or_is_offered_too_little(evse: Evse) -> None:
    vehicle = connected(charging(evse, Vehicle(min_current_a=10)))
    seen = []
    for ready, limit_a in ((False, 16), (True, 16), (True, 8)):
        vehicle.set_ready(ready=ready)
        evse.set_limits(Limits(current_a=limit_a))
        seen.append(evse.transfer)
    assert seen == [Transfer.SUSPENDED_EV, Transfer.CHARGING, Transfer.SUSPENDED_EV]
    assert evse.meter.read().current_offered_a == 8


def test_the_evse_suspends_when_it_offers_nothing(evse: Evse) -> None:
    charging(evse)
    for limits in (Limits(current_a=0), Limits(current_a=5), Limits(power_w=1000)):
        evse.set_limits(limits)
        assert evse.transfer is Transfer.SUSPENDED_EVSE
        assert (evse.meter.read().current_offered_a, evse.meter.read().power_offered_w) == (0, 0)
    evse.set_limits(Limits())
    assert evse.transfer is Transfer.CHARGING


def _ground_failure(evse: Evse) -> None:
    evse.fault("GroundFailure")


@pytest.mark.parametrize(
    ("trouble", "repair"),
    [
        (_ground_failure, Evse.clear_fault),
        (Evse.trip_breaker, Evse.reset_breaker),
        (lambda evse: evse.connectors[0].fail(), lambda evse: evse.connectors[0].clear_fault()),
    ],
)
def test_a_defect_drops_the_contactor_and_it_stays_open_after_the_repair(
    evse: Evse, trouble: Callable[[Evse], None], repair: Callable[[Evse], None]
) -> None:
    charging(evse)
    trouble(evse)
    assert (evse.contactor.closed, evse.transfer, evse.contactor.close()) == (False, Transfer.CONNECTED, False)
    repair(evse)
    assert (evse.contactor.closed, evse.transfer) == (False, Transfer.CONNECTED)
    assert evse.contactor.close()
    assert evse.transfer is Transfer.CHARGING


def test_a_defect_of_another_connector_does_not_matter(evse: Evse) -> None:
    charging(evse)
    evse.connectors[1].fail()
    assert evse.transfer is Transfer.CHARGING


def test_without_power_nothing_flows_and_nothing_notices_anybody(station: Hardware, evse: Evse) -> None:
    noticed: list[object] = []
    evse.reader.presented.watch(noticed.append)
    evse.stop_pressed.watch(lambda: noticed.append("stop"))
    charging(evse)
    evse.set_limits(Limits(current_a=10))
    evse.display = ("Charging",)
    station.lose_power()
    assert (station.powered, evse.transfer, evse.contactor.close()) == (False, Transfer.CONNECTED, False)
    assert (len(evse.display), evse.limits, evse.meter.read().voltages_v) == (0, Limits(), (0.0, 0.0, 0.0))
    token = {"idToken": "A", "type": "ISO14443"}
    assert (evse.reader.present(token), evse.press_stop()) == (False, False)
    station.restore_power()
    assert (station.powered, evse.transfer, evse.contactor.closed) == (True, Transfer.CONNECTED, False)
    assert (evse.reader.present(token), evse.press_stop()) == (True, True)
    assert noticed == [{"idToken": "A", "type": "ISO14443"}, "stop"]


def changes(clock: HandClock, station: Hardware, evse: Evse) -> list[tuple[float, Transfer]]:
    """What the watchers of a station that nobody touches are told, and when."""
    told: list[tuple[float, Transfer]] = []
    with station.watching(lambda: told.append((clock.seconds, evse.transfer))):
        while (next_at := station.next_change_at()) < math.inf:
            assert next_at > clock.seconds
            clock.seconds = next_at
            station.advance()
    return told


def test_nothing_changes_by_itself_while_nothing_flows(clock: HandClock, station: Hardware, evse: Evse) -> None:
    assert station.next_change_at() == math.inf
    evse.connectors[0].plug_in()
    assert station.next_change_at() == math.inf
    clock.wait(1000 * HOUR_S)
    assert changes(clock, station, evse) == []


def test_a_full_battery_is_told_once_when_it_is_full(clock: HandClock, station: Hardware, evse: Evse) -> None:
    evse.connectors[1].plug_in()
    evse.contactor.close()
    told = changes(clock, station, evse)
    assert [transfer for _, transfer in told] == [Transfer.SUSPENDED_EV]
    assert (connected(evse).soc, connected(evse).satisfied) == (1.0, True)
    assert told[0][0] == pytest.approx(0.9032093 * HOUR_S)


def test_the_end_of_ac_charging_is_found_through_the_noise_of_the_mains_in_a_few_looks(
    clock: HandClock, station: Hardware, evse: Evse
) -> None:
    looks = []
    charging(evse, Vehicle(soc=0.1, target_soc=0.9, curve=FLAT))
    with station.watching(lambda: looks.append("told")):
        while evse.transfer is Transfer.CHARGING:
            clock.seconds = station.next_change_at()
            looks.append("look")
            station.advance()
    assert looks.count("told") == 1
    assert looks.count("look") < 8
    assert connected(evse).soc == 0.9
    assert evse.meter.energy_wh == pytest.approx(0.8 * 60_000 / 0.9, rel=1e-12)


def test_the_next_look_is_always_later_also_when_the_mains_are_weaker_than_they_could_be(clock: HandClock) -> None:
    for seconds in range(285, 301):  # at the nominal voltage; it takes more, into the next slice of time
        clock.seconds = 0.0
        station = hardware(clock, ["sType2"])
        evse = charging(
            station.evses[0],
            Vehicle(energy_requested_wh=0.99 * 16 * 690 * seconds / HOUR_S, max_power_w=20_000, curve=FLAT),
        )
        told = changes(clock, station, evse)
        assert [transfer for _, transfer in told] == [Transfer.SUSPENDED_EV]
        assert told[0][0] > seconds


def test_a_vehicle_that_has_finished_does_not_begin_again(clock: HandClock, station: Hardware, evse: Evse) -> None:
    vehicle = connected(charging(evse, Vehicle(curve=((0.0, 1.0), (0.8, 1.0), (1.0, 0.0)))))
    clock.wait(24 * HOUR_S)
    assert (vehicle.satisfied, evse.transfer) == (True, Transfer.SUSPENDED_EV)
    assert 0.92 < vehicle.soc < 0.93
    evse.set_limits(Limits(current_a=20))
    evse.contactor.open()
    for ready in (False, True):
        clock.wait(24 * HOUR_S)
        vehicle.set_ready(ready)
        evse.contactor.close()
    assert (station.next_change_at(), evse.transfer) == (math.inf, Transfer.SUSPENDED_EV)


def test_what_a_driver_asked_for_ends_the_charging(clock: HandClock, station: Hardware, evse: Evse) -> None:
    vehicle = connected(charging(evse, Vehicle(energy_requested_wh=10_000)))
    changes(clock, station, evse)
    assert evse.meter.energy_wh == pytest.approx(10_000, rel=1e-12)
    assert vehicle.taken_wh == pytest.approx(10_000, rel=1e-9)


def test_a_driver_takes_the_vehicle_away_in_time(clock: HandClock, station: Hardware, evse: Evse) -> None:
    evse.occupy()
    charging(evse, Vehicle(departure_s=1800, curve=FLAT))
    assert changes(clock, station, evse) == [(1800, Transfer.IDLE)]
    assert (evse.plugged_in, evse.bay_occupied, evse.contactor.closed) == (False, False, False)


def test_a_driver_leaves_a_cable_behind_that_is_locked(clock: HandClock, station: Hardware, evse: Evse) -> None:
    charging(evse, Vehicle(departure_s=1800))
    socket = evse.connectors[0]
    socket.lock()
    assert changes(clock, station, evse) == [(1800, Transfer.IDLE)]
    assert (socket.plugged_in, socket.locked, socket.vehicle) == (True, True, None)


def test_no_energy_flows_after_the_departure_however_late_somebody_looks(
    clock: HandClock, station: Hardware, evse: Evse
) -> None:
    charging(evse, Vehicle(departure_s=1750, curve=FLAT))
    other = charging(hardware(other_clock := HandClock(), ["sType2"]).evses[0], Vehicle(curve=FLAT))
    other_clock.wait(1750)
    clock.wait(7200)
    assert evse.meter.energy_wh == pytest.approx(other.meter.energy_wh, rel=1e-12)
    evse.set_limits(Limits(current_a=10))
    assert (evse.transfer, evse.meter.power_w) == (Transfer.SUSPENDED_EV, 0)
    evse.connectors[0].plug_in(Vehicle(soc=0.9))
    assert connected(evse).soc == 0.9
    assert evse.meter.energy_wh == pytest.approx(other.meter.energy_wh, rel=1e-12)


def test_the_contactor_does_not_close_for_a_vehicle_that_has_left(clock: HandClock, evse: Evse) -> None:
    evse.connectors[0].plug_in(Vehicle(departure_s=60))
    clock.wait(60)
    assert (evse.contactor.close(), evse.plugged_in) == (False, False)


def test_a_vehicle_that_waits_at_a_second_connector_leaves_as_well(
    clock: HandClock, station: Hardware, evse: Evse
) -> None:
    charging(evse)
    evse.connectors[1].plug_in(dc_vehicle(departure_s=60))
    clock.wait(60)
    station.advance()
    assert (evse.connectors[1].plugged_in, evse.transfer) == (False, Transfer.CHARGING)


@pytest.mark.parametrize(
    "leave", [lambda connector: connector.unplug(), lambda connector: connector.disconnect_vehicle()]
)
def test_the_contactor_that_was_closed_for_one_vehicle_does_not_serve_the_next(
    evse: Evse, leave: Callable[[Connector], None]
) -> None:
    charging(evse)
    evse.connectors[1].plug_in()
    leave(evse.connectors[0])
    assert (evse.plugged, evse.contactor.closed) == (evse.connectors[1], False)
    assert (evse.transfer, evse.meter.power_w) == (Transfer.CONNECTED, 0)
    assert evse.contactor.close()
    assert evse.transfer is Transfer.CHARGING


def test_each_evse_changes_by_itself(clock: HandClock, station: Hardware) -> None:
    first, second = station.evses
    charging(first, Vehicle(departure_s=600))
    charging(second, Vehicle(departure_s=300))
    assert station.next_change_at() == 300
    clock.wait(300)
    station.advance()
    assert (station.next_change_at(), first.transfer, second.transfer) == (600, Transfer.CHARGING, Transfer.IDLE)
