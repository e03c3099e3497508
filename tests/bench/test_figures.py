"""Percentiles, medians and ratios."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Spread, percentile, ratio, spread


@pytest.mark.parametrize(
    ("count", "share", "rank"), [(1, 0.5, 1), (1, 0.99, 1), (4, 0.5, 2), (5, 0.5, 3), (100, 0.99, 99), (101, 0.99, 100)]
)
def test_percentile_is_that_of_the_nearest_rank(count: int, share: float, rank: int) -> None:
    assert percentile([float(number) for number in range(1, count + 1)], share) == rank


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_percentile_is_the_least_value_that_this_share_does_not_exceed(values: list[float], share: float) -> None:
    found = percentile(sorted(values), share)
    not_above = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert below < share * len(values) <= not_above


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0), ([1.0], 1.1)])
def test_percentile_needs_a_value_and_a_share(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile(values, share)


def test_spread_is_median_least_and_greatest_and_nothing_of_nothing() -> None:
    assert spread([5.0, 1.0, 2.0]) == Spread(2.0, 1.0, 5.0)
    assert spread([]) is None


def test_ratio_compares_within_rounds_and_leaves_out_what_one_side_lacks() -> None:
    assert ratio({1: 10.0, 2: 30.0, 3: 50.0}, {1: 5.0, 2: 10.0, 4: 1.0}) == Spread(2.5, 2.0, 3.0)
    assert ratio({1: 10.0}, {1: 0.0}) is None
    assert ratio({1: 10.0}, {2: 10.0}) is None
