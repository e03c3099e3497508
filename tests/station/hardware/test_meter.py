"""The meter: an exact register, and readings in which all values agree."""

from __future__ import annotations

import math

import pytest

from station.hardware import Limits, Supply, Vehicle
from station.hardware.power import Draw, draw, least_offer
from station.hardware.world import Mains
from tests.station.hardware.bench import FLAT, HOUR_S, HandClock, charging, dc_vehicle, hardware


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_a_constant_power_is_counted_as_power_times_time(clock: HandClock) -> None:
    evse = charging(hardware(clock, ["cCCS2"]).evses[0], dc_vehicle(curve=FLAT, capacity_wh=1e6))
    clock.wait(1.5 * HOUR_S)
    assert evse.meter.power_w == 100_000
    assert evse.meter.energy_wh == pytest.approx(150_000, rel=1e-12)


def test_a_falling_power_is_counted_in_closed_form(clock: HandClock) -> None:
    vehicle = dc_vehicle(soc=0.0, curve=((0.0, 1.0), (1.0, 0.5)), efficiency=1.0, capacity_wh=50_000.0)
    evse = charging(hardware(clock, ["cCCS2"]).evses[0], vehicle)
    clock.wait(0.25 * HOUR_S)
    # dP/dt = -0.5 * 100 kW / 50 kWh * P: it falls by 1/e in an hour
    assert evse.meter.power_w == pytest.approx(100_000 * math.exp(-0.25), rel=1e-12)
    assert evse.meter.energy_wh == pytest.approx(100_000 * (1 - math.exp(-0.25)), rel=1e-12)


@pytest.mark.parametrize(
    ("connector_type", "vehicle", "limits"),
    [
        ("cType2", Vehicle(soc=0.7), Limits()),
        ("cType2", Vehicle(soc=0.7, max_power_w=22_000, max_current_a=32), Limits(power_w=9_000)),
        (
            "cCCS2",
            dc_vehicle(soc=0.05, curve=((0, 0.3), (0.1, 1), (0.5, 0.9), (0.5, 0.6), (1, 0.1))),
            Limits(),
        ),
        ("cCCS2", dc_vehicle(soc=0.2, curve=((0, 1), (0.6, 1), (1, 0.1))), Limits(current_a=150)),
    ],
)
def test_the_register_is_what_small_steps_would_count(
    clock: HandClock, connector_type: str, vehicle: Vehicle, limits: Limits
) -> None:
    station = hardware(clock, [connector_type], seed=5)
    evse = station.evses[0]
    evse.set_limits(limits)
    charging(evse, vehicle)
    offered = least_offer(evse.connectors[0].spec, evse.spec, math.inf, limits)
    # What the seed of the mains is, only the station knows; so the steps take their voltage from its meter.
    soc, energy_wh, step_s = vehicle.soc, 0.0, 2.0
    for _ in range(3_000):
        voltages_v = evse.meter.read().voltages_v * 2
        mains = Mains((voltages_v[0], voltages_v[-2], voltages_v[-1]), 50.0, 20.0)
        before = draw(offered, vehicle, soc, mains)
        if not isinstance(before, Draw):
            break
        middle = draw(offered, vehicle, soc + before.power.value * vehicle.gain * step_s / 2 / HOUR_S, mains)
        if not isinstance(middle, Draw):
            break
        energy_wh += middle.power.value * step_s / HOUR_S
        soc = vehicle.soc + energy_wh * vehicle.gain
        clock.wait(step_s)
    assert evse.vehicle is not None
    assert evse.meter.energy_wh == pytest.approx(energy_wh, rel=2e-4)
    assert evse.vehicle.soc == pytest.approx(soc, rel=2e-4)
    assert energy_wh > 10_000


def test_an_ac_reading_agrees_with_itself(clock: HandClock) -> None:
    vehicle = Vehicle(phases=2, max_current_a=32, max_power_w=22_000, power_factor=0.95, curve=FLAT, soc=0.1)
    evse = charging(hardware(clock, ["cType2"]).evses[0], vehicle)
    evse.set_limits(Limits(current_a=20))
    clock.wait(1000)
    reading = evse.meter.read(since_wh=100)
    assert (reading.phases, reading.phases_used, reading.soc) == (("L1", "L2", "L3"), 2, None)
    assert reading.currents_a == pytest.approx((20, 20, 0))
    assert sum(reading.powers_w) == pytest.approx(reading.power_w)
    assert reading.power_w == pytest.approx(0.95 * 20 * sum(reading.voltages_v[:2]))
    assert reading.power_reactive_var == pytest.approx(reading.power_w * math.sqrt(1 - 0.95**2) / 0.95)
    assert reading.current_offered_a == 20
    assert reading.power_offered_w == pytest.approx(20 * sum(reading.voltages_v))
    assert reading.power_factor == 0.95
    assert len(set(reading.voltages_v)) == 3
    assert all(223.1 <= voltage_v <= 230 for voltage_v in reading.voltages_v)
    assert (reading.energy_wh, reading.energy_interval_wh) == (evse.meter.energy_wh, evse.meter.energy_wh - 100)
    share = math.sqrt(1 - 0.95**2) / 0.95
    assert reading.energy_reactive_varh == pytest.approx(reading.energy_wh * share)


def test_a_dc_reading_agrees_with_itself(clock: HandClock) -> None:
    vehicle = dc_vehicle(soc=0.4, curve=FLAT, voltage_v=(300.0, 400.0), power_factor=0.9)
    evse = charging(hardware(clock, ["cCCS2"]).evses[0], vehicle)
    clock.wait(600)
    reading = evse.meter.read()
    assert (reading.phases, reading.phases_used, reading.power_factor) == ((None,), 0, 1)
    assert (reading.energy_reactive_varh, reading.power_reactive_var) == (0, 0)
    assert reading.soc is not None
    assert reading.soc > 0.5
    assert reading.voltages_v == pytest.approx((300 + 100 * reading.soc,))
    assert reading.power_w == pytest.approx(reading.voltages_v[0] * reading.currents_a[0])
    assert reading.power_offered_w == 150_000
    assert reading.current_offered_a == pytest.approx(150_000 / reading.voltages_v[0])


def test_when_nothing_flows_the_meter_shows_the_mains_and_no_offer(clock: HandClock) -> None:
    ac, dc, single = hardware(clock, ["cType2"], ["cCCS2"], ["sCEE-7-7"]).evses
    reading = ac.meter.read()
    assert (reading.power_w, reading.currents_a, reading.powers_w) == (0, (0, 0, 0), (0, 0, 0))
    assert min(reading.voltages_v) > 223
    assert (reading.current_offered_a, reading.power_offered_w, reading.energy_interval_wh) == (0, 0, 0)
    assert (dc.meter.read().voltages_v, dc.meter.read().phases) == ((0,), (None,))
    assert (single.meter.read().voltages_v, single.meter.read().phases) == (reading.voltages_v[:1], ("L1",))
    ac.trip_breaker()
    assert ac.meter.read().voltages_v == (0, 0, 0)


def test_a_dc_outlet_has_the_voltage_of_a_battery_that_takes_nothing(clock: HandClock) -> None:
    evse = hardware(clock, ["cCCS2"]).evses[0]
    evse.connectors[0].plug_in(Vehicle(supply=Supply.DC, soc=0.5, ready=False, voltage_v=(300.0, 400.0)))
    assert evse.meter.read().voltages_v == (0,)
    evse.contactor.close()
    reading = evse.meter.read()
    assert (reading.voltages_v, reading.currents_a, reading.soc) == ((350,), (0,), 0.5)


def test_the_register_only_grows_through_all_vehicles(clock: HandClock) -> None:
    evse = hardware(clock, ["cType2"]).evses[0]
    registers = []
    for _ in range(3):
        charging(evse, Vehicle(curve=FLAT))
        clock.wait(HOUR_S)
        evse.connectors[0].unplug()
        registers.append(evse.meter.energy_wh)
        clock.wait(HOUR_S)
        assert evse.meter.energy_wh == registers[-1]
    assert registers == sorted(registers)
    assert registers[0] > 10_000


def test_an_evse_gets_warm_and_cools_down(clock: HandClock) -> None:
    evse = charging(
        hardware(clock, ["cType2"]).evses[0], Vehicle(max_current_a=32, max_power_w=22_000, capacity_wh=1e6)
    )
    cold_c = evse.meter.read().temperature_c
    clock.wait(2 * HOUR_S)
    warm_c = evse.meter.read().temperature_c
    evse.contactor.open()
    clock.wait(5 * HOUR_S)
    assert cold_c + 15 < warm_c < cold_c + 23
    assert evse.meter.read().temperature_c == pytest.approx(cold_c, abs=1.1)


def test_the_noise_is_that_of_the_seed(clock: HandClock) -> None:
    def readings(seed: int) -> list[tuple[float, ...]]:
        clock.seconds = 0
        evse = charging(hardware(clock, ["cType2"], seed=seed).evses[0])
        seen = []
        for _ in range(20):
            clock.wait(400)
            reading = evse.meter.read()
            seen.append((*reading.voltages_v, reading.frequency_hz, reading.energy_wh, reading.temperature_c))
        return seen

    assert readings(1) == readings(1)
    assert len({frequency_hz for *_, frequency_hz, _, _ in readings(1)}) == 20
    assert not set(readings(1)) & set(readings(2))
