"""The operating point: what is offered, and what is taken of it."""

from __future__ import annotations

import math

import pytest

from station.hardware import DC_VEHICLE, ConnectorSpec, EvseSpec, Limits, Supply, Vehicle
from station.hardware.power import Draw, Offer, Refusal, draw, least_offer
from station.hardware.world import BEST_MAINS, NOMINAL_VOLTAGE_V, VOLTAGE_DROP, Mains, mains_at
from tests.station.hardware.bench import FLAT

TYPE_2 = ConnectorSpec.of("cType2")
CCS = ConnectorSpec.of("cCCS2")
WEAK = Mains((220.0, 225.0, 230.0), 50.0, 20.0)


def offer(
    connector: ConnectorSpec = TYPE_2,
    *,
    evse_w: float = math.inf,
    evse_a: float = math.inf,
    cable_a: float = math.inf,
    limits: Limits | None = None,
) -> Offer:
    return least_offer(connector, EvseSpec((connector,), evse_w, evse_a), cable_a, limits or Limits())


@pytest.mark.parametrize(
    ("offered", "phases", "current_a", "power_w"),
    [
        (offer(), 3, 32, 22_080),  # the connector
        (offer(evse_w=11_040), 3, 16, 11_040),
        (offer(evse_a=25), 3, 25, 17_250),
        (offer(cable_a=20), 3, 20, 13_800),
        (offer(limits=Limits(current_a=10)), 3, 10, 6_900),
        (offer(limits=Limits(power_w=4_140)), 3, 6, 4_140),
        (offer(limits=Limits(phases=1)), 1, 32, 7_360),
        (offer(limits=Limits(power_w=4_140, phases=1)), 1, 18, 4_140),
        (offer(ConnectorSpec.of("cType1"), limits=Limits(phases=3)), 1, 32, 7_360),
        (offer(CCS), 0, 500, 150_000),
        (offer(CCS, evse_w=50_000, limits=Limits(current_a=100)), 0, 100, 50_000),
        (offer(CCS, limits=Limits(power_w=500)), 0, 500, 500),
    ],
)
def test_what_is_offered_is_the_least_of_all_limits(
    offered: Offer, phases: int, current_a: float, power_w: float
) -> None:
    assert offered == pytest.approx((phases, current_a, power_w))


@pytest.mark.parametrize(
    "offered",
    [
        offer(limits=Limits(current_a=5.9)),
        offer(limits=Limits(power_w=4_139)),
        offer(limits=Limits(power_w=0)),
        offer(CCS, limits=Limits(power_w=0)),
        offer(CCS, limits=Limits(current_a=0)),
    ],
)
def test_iec_61851_less_than_six_amperes_of_ac_or_nothing_of_dc_is_no_offer(offered: Offer) -> None:
    assert offered[1:] == (0, 0)


@pytest.mark.parametrize("values", [{"power_w": -1.0}, {"current_a": math.nan}, {"phases": 0}, {"phases": 4}])
def test_a_limit_that_cannot_be_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"a limit is zero at least|1 to 3 phases can be used"):
        Limits(**values)  # type: ignore[arg-type]  # wrong on purpose


def drawn_w(offered: Offer, vehicle: Vehicle, soc: float = 0.5, mains: Mains = WEAK) -> float:
    drawn = draw(offered, vehicle, soc, mains)
    return drawn.power.value if isinstance(drawn, Draw) else 0.0


def test_an_ac_vehicle_takes_the_offered_current_at_the_voltage_there_is() -> None:
    vehicle = Vehicle(max_current_a=32, max_power_w=22_000, curve=FLAT, power_factor=0.98)
    assert drawn_w(offer(limits=Limits(current_a=10)), vehicle) == pytest.approx(0.98 * 10 * (220 + 225 + 230))
    assert drawn_w(offer(limits=Limits(current_a=10, phases=2)), vehicle) == pytest.approx(0.98 * 10 * (220 + 225))


def test_an_ac_vehicle_takes_no_more_than_it_can() -> None:
    assert drawn_w(offer(), Vehicle(phases=1, power_factor=1, curve=FLAT)) == pytest.approx(16 * 220)
    assert drawn_w(offer(), Vehicle(max_power_w=5_000, curve=FLAT)) == 5_000
    assert drawn_w(offer(), Vehicle(max_power_w=11_000, curve=((0.0, 1.0), (1.0, 0.5)))) == pytest.approx(8_250)


def test_a_dc_vehicle_takes_current_at_the_voltage_of_its_battery() -> None:
    vehicle = Vehicle(
        supply=Supply.DC, min_current_a=1, max_current_a=200, max_power_w=150_000, curve=FLAT, voltage_v=(300.0, 400.0)
    )
    assert drawn_w(offer(CCS, limits=Limits(current_a=100)), vehicle) == pytest.approx(100 * 350)
    assert drawn_w(offer(CCS), vehicle) == pytest.approx(200 * 350)
    assert drawn_w(offer(CCS, limits=Limits(power_w=40_000)), vehicle) == 40_000


def test_below_its_minimum_a_vehicle_takes_nothing_and_goes_on_when_more_is_offered() -> None:
    zoe = Vehicle(min_current_a=10, curve=FLAT)
    assert draw(offer(limits=Limits(current_a=9.9)), zoe, 0.5, WEAK) == Refusal(finished=False)
    assert drawn_w(offer(limits=Limits(current_a=10)), zoe) > 0
    assert draw(offer(CCS, limits=Limits(power_w=300)), DC_VEHICLE, 0.5, WEAK) == Refusal(finished=False)


def test_a_vehicle_has_finished_when_it_is_full_or_its_curve_falls_below_its_minimum() -> None:
    assert draw(offer(), Vehicle(target_soc=0.8), 0.8, WEAK) == Refusal(finished=True)
    tapering = Vehicle(max_power_w=11_000, curve=((0.0, 1.0), (1.0, 0.0)))
    falls_at = 1 - 6 * 0.99 * (220 + 225 + 230) / 11_000
    drawn = draw(offer(), tapering, 0.6, WEAK)
    assert isinstance(drawn, Draw)
    assert (drawn.stops, drawn.finished) == (True, True)
    assert drawn.until_soc == pytest.approx(falls_at)
    assert draw(offer(), tapering, falls_at + 1e-6, WEAK) == Refusal(finished=True)


def test_an_empty_battery_below_the_first_rise_of_its_curve_takes_nothing() -> None:
    assert draw(offer(), Vehicle(curve=((0.0, 0.0), (0.1, 1.0), (1.0, 1.0))), 0.0, WEAK) == Refusal(finished=True)


def test_a_draw_goes_on_straight_until_another_limit_takes_over() -> None:
    vehicle = Vehicle(max_power_w=11_000, curve=((0.0, 1.0), (0.2, 1.0), (1.0, 0.5)))
    at_six_kw = offer(limits=Limits(power_w=8_250))
    drawn = draw(at_six_kw, vehicle, 0.3, BEST_MAINS)
    assert isinstance(drawn, Draw)
    assert drawn.power == pytest.approx((8_250 * 0.99, 0))
    assert drawn.until_soc == pytest.approx(0.2 + 0.8 * (1 - 0.7425) / 0.5)
    after = draw(at_six_kw, vehicle, drawn.until_soc, BEST_MAINS)
    assert isinstance(after, Draw)
    assert after.power == pytest.approx((8_250 * 0.99, -11_000 * 0.5 / 0.8))


def test_a_curve_may_have_steps() -> None:
    stepping = Vehicle(max_power_w=10_000, curve=((0.0, 1.0), (0.5, 1.0), (0.5, 0.6), (1.0, 0.6)))
    before = draw(offer(), stepping, 0.4, BEST_MAINS)
    assert isinstance(before, Draw)
    assert (before.power.value, before.until_soc) == (10_000, 0.5)
    assert drawn_w(offer(), stepping, 0.5) == pytest.approx(6_000)


def test_the_mains_waver_below_the_nominal_voltage_and_are_the_same_for_the_same_seed() -> None:
    seen = [mains_at(7, index) for index in range(2_000)]
    voltages_v = [voltage_v for mains in seen for voltage_v in mains.voltages_v]
    assert (1 - VOLTAGE_DROP) * NOMINAL_VOLTAGE_V <= min(voltages_v) < 224
    assert 229 < max(voltages_v) <= NOMINAL_VOLTAGE_V
    frequencies_hz = [mains.frequency_hz for mains in seen]
    assert 49.97 < min(frequencies_hz) < 49.99 < 50.01 < max(frequencies_hz) < 50.03
    assert 17.4 < min(mains.ambient_c for mains in seen) < max(mains.ambient_c for mains in seen) < 18.6
    assert seen == [mains_at(7, index) for index in range(2_000)]
    assert len(set(seen)) == 2_000
    assert not set(seen) & {mains_at(8, index) for index in range(2_000)}
