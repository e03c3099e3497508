"""Answer times in few numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.fleet.histogram import LEAST_S, Histogram

seconds = st.floats(LEAST_S, 1000, allow_nan=False)


def histogram_of(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def nearest_rank(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


@given(st.lists(seconds, min_size=1, max_size=200), st.sampled_from((0.01, 0.5, 0.9, 0.99, 1.0)))
def test_a_quantile_is_within_two_percent_of_the_exact_one(values: list[float], share: float) -> None:
    histogram = histogram_of(values)
    assert histogram.count == len(values)
    assert histogram.quantile(share) == pytest.approx(nearest_rank(values, share), rel=0.02)


@given(st.lists(seconds, max_size=50), st.lists(seconds, max_size=50))
def test_what_came_since_a_copy_is_what_was_added(before: list[float], after: list[float]) -> None:
    histogram = histogram_of(before)
    copy = histogram.copy()
    for value in after:
        histogram.add(value)
    recent = histogram.since(copy)
    assert (copy.count, recent.count, histogram.count) == (len(before), len(after), len(before) + len(after))
    if after:
        assert recent.quantile(0.5) == pytest.approx(nearest_rank(after, 0.5), rel=0.02)


def test_of_nothing_there_is_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None


@pytest.mark.parametrize(("value", "shown"), [(0.0, 0.0), (1e-9, 1e-9), (1e9, 1e4)])
def test_what_is_out_of_its_range_is_counted_at_its_ends(value: float, shown: float) -> None:
    assert histogram_of([value]).quantile(0.99) == pytest.approx(shown, rel=0.03)


def test_no_quantile_is_above_the_greatest() -> None:
    assert histogram_of([0.0101]).quantile(0.5) == pytest.approx(0.0101, rel=0.02)
    assert histogram_of([0.0101]).quantile(1.0) is not None
    assert (histogram_of([0.0101]).quantile(1.0) or 0) <= 0.0101
