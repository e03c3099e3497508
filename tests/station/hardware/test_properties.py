"""Whatever happens to a station: no energy appears or is lost, no limit is exceeded, and who looks changes nothing.

Two stations of one seed live through the same; one of them is looked at all the time, the other never in between.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from station.hardware import (
    ConnectedVehicle,
    ConnectorSpec,
    Evse,
    EvseSpec,
    Hardware,
    Limits,
    Supply,
    Transfer,
    Vehicle,
)
from tests.station.hardware.bench import HOUR_S, HandClock, built, charging, hardware

NEARLY = 1 + 1e-9
SHARES = st.floats(0, 1)
SECONDS = st.sampled_from([0.0, 0.1, 1.0, 60.0, 300.0, 900.0, 7_200.0]) | st.floats(0, 50_000)
NUMBERS_OF_PHASES = st.integers(1, 3)
LIMITS = st.builds(
    Limits,
    power_w=st.none() | st.floats(0, 30_000),
    current_a=st.none() | st.floats(0, 64),
    phases=st.none() | NUMBERS_OF_PHASES,
)


@st.composite
def curves(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    socs = sorted(draw(st.lists(st.integers(0, 100), max_size=5)))
    return tuple((soc / 100, draw(SHARES)) for soc in [0, *socs, 100])


@st.composite
def vehicles(draw: st.DrawFn, supply: Supply) -> Vehicle:
    currents_a = sorted(draw(st.tuples(st.floats(1, 40), st.floats(1, 300))))
    voltages_v = sorted(draw(st.tuples(st.floats(200, 900), st.floats(200, 900))))
    return Vehicle(
        supply=supply,
        capacity_wh=draw(st.floats(500, 200_000)),
        soc=draw(SHARES),
        target_soc=draw(SHARES | st.just(1.0)),
        energy_requested_wh=draw(st.none() | st.floats(0, 100_000)),
        departure_s=draw(st.none() | st.floats(1, 50_000)),
        ready=draw(st.booleans()),
        phases=draw(NUMBERS_OF_PHASES),
        min_current_a=currents_a[0],
        max_current_a=currents_a[1],
        max_power_w=draw(st.floats(1_000, 300_000)),
        curve=draw(curves()),
        efficiency=draw(st.floats(0.5, 1)),
        power_factor=draw(st.floats(0.5, 1)),
        voltage_v=(voltages_v[0], voltages_v[1]),
    )


SPEC = EvseSpec((ConnectorSpec.of("sType2"), ConnectorSpec.of("cCCS2")), max_power_w=60_000, max_current_a=200)


class AnyLife(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 2**32))
    def build(self, seed: int) -> None:
        self.clock = HandClock()
        self.watched = built(self.clock, SPEC, seed=seed)
        self.alone = built(self.clock, SPEC, seed=seed)
        self.evses = (self.watched.evses[0], self.alone.evses[0])
        self.came: list[ConnectedVehicle] = []
        self.register_wh = 0.0
        self.told = Transfer.IDLE
        self.watched.watch(self.look)

    def look(self) -> None:
        self.told = self.evses[0].transfer

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.clock.wait(seconds)
        self.watched.advance()

    @rule()
    def time_passes_to_the_next_change(self) -> None:
        next_at = self.watched.next_change_at()
        if next_at < math.inf:
            assert next_at > self.clock.seconds
            self.clock.seconds = next_at
            self.watched.advance()

    @rule(data=st.data(), place=st.integers(0, 1), cable_max_a=st.none() | st.floats(6, 63))
    def plug_in(self, data: st.DataObject, place: int, cable_max_a: float | None) -> None:
        if self.evses[0].connectors[place].plugged_in or place == 1:
            cable_max_a = None
        vehicle = data.draw(vehicles(SPEC.connectors[place].supply))
        for evse in self.evses:
            evse.connectors[place].plug_in(vehicle, cable_max_a)
        newcomer = self.evses[0].connectors[place].vehicle
        assert newcomer is not None
        if newcomer not in self.came:
            self.came.append(newcomer)

    @rule(place=st.integers(0, 1))
    def pull_out_of_the_vehicle(self, place: int) -> None:
        for evse in self.evses:
            evse.connectors[place].disconnect_vehicle()

    @rule(place=st.integers(0, 1), lock=st.booleans())
    def turn_the_lock(self, place: int, *, lock: bool) -> None:
        self.alone.advance()  # a driver who has left in time was not stopped by a lock that was turned later
        for evse in self.evses:
            _ = evse.connectors[place].lock() if lock else evse.connectors[place].unlock()

    @rule()
    def close(self) -> None:
        for evse in self.evses:
            evse.contactor.close()

    @rule()
    def open(self) -> None:
        for evse in self.evses:
            evse.contactor.open()

    @rule(limits=LIMITS)
    def limit(self, limits: Limits) -> None:
        for evse in self.evses:
            evse.set_limits(limits)

    @precondition(lambda self: self.evses[0].vehicle is not None)
    @rule(ready=st.booleans())
    def change_the_vehicles_mind(self, *, ready: bool) -> None:
        self.alone.advance()  # it may be another vehicle's turn, as one has left
        for evse in self.evses:
            if evse.vehicle is not None:
                evse.vehicle.set_ready(ready=ready)

    @rule(code=st.sampled_from(["GroundFailure", None]))
    def fail(self, code: str | None) -> None:
        for evse in self.evses:
            if code is None:
                evse.clear_fault()
            else:
                evse.fault(code)

    @rule()
    def cycle_power(self) -> None:
        for station in (self.watched, self.alone):
            station.lose_power()
            station.restore_power()

    @invariant()
    def energy_is_conserved(self) -> None:
        register_wh = self.evses[0].meter.energy_wh
        assert register_wh >= self.register_wh
        self.register_wh = register_wh
        taken_wh = sum((car.soc - car.spec.soc) * car.spec.capacity_wh / car.spec.efficiency for car in self.came)
        assert register_wh == pytest.approx(taken_wh, rel=1e-9, abs=1e-6)

    @invariant()
    def no_battery_is_filled_beyond_what_its_driver_wants(self) -> None:
        for vehicle in self.came:
            assert vehicle.soc <= max(vehicle.spec.soc, vehicle.spec.stop_soc)

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        evse = self.evses[0]
        reading = evse.meter.read()
        assert reading.power_w == pytest.approx(sum(reading.powers_w))
        assert reading.power_w <= reading.power_offered_w * NEARLY
        assert max(reading.currents_a) <= reading.current_offered_a * NEARLY
        assert (reading.power_w > 0) == (evse.transfer is Transfer.CHARGING)
        if reading.power_w == 0:
            return
        assert evse.plugged is not None
        assert evse.vehicle is not None
        connector, vehicle, limits = evse.plugged, evse.vehicle.spec, evse.limits
        powers_w = (connector.max_power_w, SPEC.max_power_w, vehicle.max_power_w, limits.power_w)
        currents_a = (
            connector.max_current_a,
            SPEC.max_current_a,
            connector.cable_max_a,
            vehicle.max_current_a,
            limits.current_a,
        )
        assert reading.power_w <= min(power_w for power_w in powers_w if power_w is not None) * NEARLY
        assert max(reading.currents_a) <= min(amps for amps in currents_a if amps is not None) * NEARLY
        assert max(reading.currents_a) >= vehicle.min_current_a / NEARLY
        if connector.phases:
            assert reading.phases_used <= min(connector.phases, vehicle.phases, limits.phases or 3)

    @invariant()
    def the_watchers_know_how_it_is(self) -> None:
        assert self.evses[0].transfer is self.told

    def teardown(self) -> None:
        if hasattr(self, "alone"):
            self.alone.advance()
            seldom, often = (evse.meter.read() for evse in reversed(self.evses))
            assert seldom.energy_wh == pytest.approx(often.energy_wh, rel=1e-6, abs=1e-9)
            assert seldom.power_w == pytest.approx(often.power_w, rel=1e-6)
            assert seldom.soc == often.soc or seldom.soc == pytest.approx(often.soc, rel=1e-6)
            assert self.evses[0].transfer is self.evses[1].transfer


AnyLife.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnyLife = AnyLife.TestCase


@settings(max_examples=60, deadline=None)
@given(
    vehicle=vehicles(Supply.AC) | vehicles(Supply.DC),
    seed=st.integers(0, 2**32),
    looks=st.lists(st.floats(0, 20 * HOUR_S), max_size=30),
)
def test_the_register_is_the_same_however_often_somebody_looks(vehicle: Vehicle, seed: int, looks: list[float]) -> None:
    def charge(moments: list[float]) -> tuple[Any, ...]:
        clock = HandClock()
        station = built(clock, SPEC, seed=seed)
        evse = station.evses[0]
        evse.connectors[0 if vehicle.supply is Supply.AC else 1].plug_in(vehicle)
        evse.contactor.close()
        for moment in moments:
            clock.seconds = moment
            evse.meter.read()
            station.next_change_at()
        clock.seconds = 20 * HOUR_S
        return tuple(evse.meter.read()[:3])

    assert charge(sorted(looks)) == charge([])


@settings(max_examples=60, deadline=None)
@given(vehicle=vehicles(Supply.AC) | vehicles(Supply.DC), seed=st.integers(0, 2**32), share=SHARES)
def test_power_is_what_the_register_grows_by(vehicle: Vehicle, seed: int, share: float) -> None:
    vehicle = replace(vehicle, soc=0.1, target_soc=0.9, min_current_a=1.0, ready=True, energy_requested_wh=None)
    clock = HandClock()
    station = built(clock, SPEC, seed=seed)
    evse = station.evses[0]
    evse.connectors[0 if vehicle.supply is Supply.AC else 1].plug_in(vehicle)
    evse.contactor.close()
    assume(evse.transfer is Transfer.CHARGING)
    clock.seconds = share * station.next_change_at()
    before = evse.meter.read()
    clock.wait(0.01)
    after = evse.meter.read()
    low_w, high_w = sorted((before.power_w, after.power_w))
    # A curve may turn in between, or the mains change.
    slack_w = 0.03 * high_w + 1e-3
    grown_w = (after.energy_wh - before.energy_wh) / 0.01 * HOUR_S
    assert low_w - slack_w <= grown_w <= high_w + slack_w


def test_a_week_from_one_seed_is_twice_the_same() -> None:
    def week(looks_every_s: float) -> list[float]:
        clock = HandClock()
        station = hardware(clock, ["sType2"], ["cCCS2"], seed=3)
        registers = []
        for day in range(7):
            for evse in station.evses:
                charging(evse)
                evse.set_limits(Limits(current_a=10 + day))
            while clock.seconds < (day + 0.9) * 24 * HOUR_S:
                clock.wait(looks_every_s)
                station.advance()
            for evse in station.evses:
                evse.connectors[0].unplug()
                registers.append(evse.meter.energy_wh)
            clock.seconds = (day + 1) * 24 * HOUR_S
        return registers

    assert week(900) == week(900) == week(10_800)


def _parts(station: Hardware) -> list[object]:
    """Every object that belongs to this station alone."""
    evse: Evse
    parts: list[object] = [station, station.evses]
    for evse in station.evses:
        parts += [evse, evse.flow, evse.meter, evse.reader, evse.contactor, evse.stop_pressed, evse.connectors]
        parts += evse.connectors
    return parts


def test_a_station_is_light_for_thousands_of_them_live_in_one_process() -> None:
    for part in _parts(hardware(HandClock(), ["cType2"])):
        assert not hasattr(part, "__dict__"), part
