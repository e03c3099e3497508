"""What a transaction costs by a tariff."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csms.tariffs import Cost, Tariff, cost_of

HOUR_MS = 3_600_000

prices = st.floats(0, 100)
energies = st.floats(-1e6, 1e9)
durations = st.integers(-HOUR_MS, 1000 * HOUR_MS)


def amount(tariff: Tariff, energy_wh: float | None = 0.0, hours: float = 0.0) -> str:
    cost = cost_of(tariff, energy_wh, round(hours * HOUR_MS))
    assert cost is not None
    return str(cost.amount)


def test_energy_time_and_start_are_added() -> None:
    tariff = Tariff(currency="EUR", energy_price=0.4, time_price=1.2, start_price=0.5)
    assert amount(tariff, 10_000, 1.5) == "6.30"


def test_prices_are_what_was_written_not_the_binary_fraction_next_to_it() -> None:
    tariff = Tariff(currency="EUR", energy_price=1.005)
    assert amount(tariff, 1000) == "1.01"
    assert amount(Tariff(currency="EUR", energy_price=0.1), 1050) == "0.11"


@pytest.mark.parametrize(("currency", "expected"), [("EUR", "0.12"), ("JPY", "0"), ("KWD", "0.123")])
def test_amounts_are_whole_in_the_smallest_of_the_currency(currency: str, expected: str) -> None:
    assert amount(Tariff(currency=currency, energy_price=0.123), 1000) == expected


def test_without_a_reading_the_cost_is_known_only_where_energy_is_free() -> None:
    assert cost_of(Tariff(currency="EUR", energy_price=0.4), None, HOUR_MS) is None
    assert cost_of(Tariff(currency="EUR", energy_price=0, time_price=2), None, HOUR_MS) == Cost(Decimal("2.00"), "EUR")


@given(st.builds(Tariff, currency=st.just("EUR"), energy_price=prices, time_price=prices, start_price=prices),
       energies, durations, energies, durations)  # fmt: skip
def test_no_cost_is_negative_and_more_never_costs_less(
    tariff: Tariff, energy: float, duration: int, more_energy: float, more_time: int
) -> None:
    cost = cost_of(tariff, energy, duration)
    higher = cost_of(tariff, energy + abs(more_energy), duration + abs(more_time))
    assert cost is not None
    assert higher is not None
    assert 0 <= cost.amount <= higher.amount


@given(st.floats(0, 1e9), st.floats(-1e18, 1e18), st.integers(-(2**53), 2**53))
def test_whatever_a_station_claims_has_a_cost(price: float, energy: float, duration: int) -> None:
    tariff = Tariff(currency="JPY", energy_price=price, time_price=price, start_price=price)
    assert cost_of(tariff, energy, duration) is not None
