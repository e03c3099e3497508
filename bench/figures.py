"""Arithmetic on measurements: percentiles within a round, medians and ranges over rounds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A value over the rounds: their median, and the least and the greatest of them."""

    median: float
    least: float
    greatest: float


def percentile(ascending: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the least value that `share` (0 < share <= 1) of all values do not exceed.

    ascending: sorted values, at least one; else ValueError.
    """
    if not ascending or not 0 < share <= 1:
        raise ValueError("needs a value, and a share above 0 and up to 1")
    return ascending[math.ceil(share * len(ascending)) - 1]


def spread(values: Sequence[float]) -> Spread | None:
    """Median, least and greatest; None where nothing was measured."""
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))


def ratio(above: Mapping[int, float], below: Mapping[int, float]) -> Spread | None:
    """How many times `below` is `above`, compared within each round, so that a slow minute slows both.

    Each maps a round's number to its value; rounds that only one of them has are left out, and so are zeros below.
    """
    return spread([value / below[key] for key, value in above.items() if below.get(key)])
