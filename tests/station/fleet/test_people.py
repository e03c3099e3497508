"""Who comes to charge: distributions, drawn from a seed."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from station.fleet.people import Cards, busyness, card, draw_plan, next_arrival_s
from station.hardware import Supply
from station.id_token import NO_AUTHORIZATION

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def arrivals(per_hour: float, days: int, seed: int = 1) -> list[datetime]:
    random, at, end, times = Random(seed), MIDNIGHT, MIDNIGHT + timedelta(days=days), []  # noqa: S311  # repeatable
    while (at := at + timedelta(seconds=next_arrival_s(random, per_hour, at))) < end:
        times.append(at)
    return times


def test_a_day_has_as_many_arrivals_as_it_should_on_average() -> None:
    assert sum(busyness(MIDNIGHT + timedelta(hours=hour)) for hour in range(24)) == pytest.approx(24)
    assert len(arrivals(2.0, days=100)) == pytest.approx(2.0 * 24 * 100, rel=0.05)


def test_each_hour_is_as_busy_as_it_should_be() -> None:
    hours = Counter(time.hour for time in arrivals(2.0, days=200))
    for hour in (3, 8, 17):
        expected = 2.0 * 200 * busyness(MIDNIGHT + timedelta(hours=hour))
        assert hours[hour] == pytest.approx(expected, abs=5 * math.sqrt(expected))


def test_at_a_rate_of_zero_nobody_comes() -> None:
    assert next_arrival_s(Random(1), 0, MIDNIGHT) == math.inf  # noqa: S311  # repeatable


@pytest.mark.parametrize("supply", list(Supply))
def test_plans_are_plausible_and_differ(supply: Supply) -> None:
    plans = [draw_plan(Random(seed), supply, Cards(100, 0.1)) for seed in range(500)]  # noqa: S311  # repeatable
    assert {plan.vehicle.supply for plan in plans} == {supply}
    assert len({plan.vehicle.capacity_wh for plan in plans}) >= 3
    assert all(0.05 <= plan.vehicle.soc <= 0.95 for plan in plans)
    assert {plan.leaves_when_full for plan in plans} == {plan.pulls_plug for plan in plans} == {True, False}
    stays_s = sorted(plan.stays_s for plan in plans)
    assert stays_s[0] >= 60
    assert (1200 if supply is Supply.DC else 1800) < stays_s[250] < 3 * 3600
    strangers = [plan for plan in plans if plan.token["idToken"].startswith("STRANGER")]
    assert 25 <= len(strangers) <= 80


def test_the_same_seed_draws_the_same_plan() -> None:
    first, second = (draw_plan(Random("7"), Supply.AC, Cards(10, 0.5)) for _ in range(2))  # noqa: S311  # repeatable
    assert first == second


def test_cards_are_those_of_the_pool_and_without_a_pool_nobody_has_one() -> None:
    random = Random(1)  # noqa: S311  # repeatable
    known = [card(1), card(2), card(3)]
    drawn = [Cards(3, 0.0).draw(random) for _ in range(100)]
    assert all(token in known for token in drawn)
    assert all(token in drawn for token in known)
    assert card(12) == {"idToken": "FLEET000012", "type": "ISO14443"}
    assert Cards(0, 1.0).draw(random) is NO_AUTHORIZATION
