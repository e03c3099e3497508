"""How long things took: many measurements in few numbers, each known to 2 %."""

from __future__ import annotations

import math
from array import array
from typing import Final, Self

LEAST_S: Final = 1e-5
_MOST_S: Final = 1e4
_STEPS_PER_DOUBLING: Final = 32
_BUCKETS: Final = 2 + math.ceil(math.log2(_MOST_S / LEAST_S) * _STEPS_PER_DOUBLING)


class Histogram:
    """Counts seconds in buckets whose bounds grow by a constant factor; below 10 us and above 10,000 s there is one."""

    __slots__ = ("_counts", "count", "greatest_s")

    def __init__(self, counts: array[int] | None = None, *, greatest_s: float = 0.0) -> None:
        self._counts = array("Q", bytes(8 * _BUCKETS)) if counts is None else counts
        self.count = sum(self._counts)
        self.greatest_s = greatest_s

    def add(self, seconds: float) -> None:
        """One more that took so long."""
        self._counts[_bucket(seconds)] += 1
        self.count += 1
        self.greatest_s = max(self.greatest_s, seconds)

    def quantile(self, share: float) -> float | None:
        """A value that `share` of all do not exceed, by nearest rank; None: there are none. 0 < share <= 1."""
        rank = math.ceil(share * self.count)
        if rank == 0:
            return None
        for bucket, count in enumerate(self._counts):
            rank -= count
            if rank <= 0:
                return min(_middle_s(bucket), self.greatest_s)
        raise AssertionError("the counts do not add up")

    def copy(self) -> Self:
        """As it is now."""
        return type(self)(self._counts[:], greatest_s=self.greatest_s)

    def since(self, earlier: Self) -> Self:
        """What has come since it was copied; greatest_s is that of all."""
        counts = array("Q", map(int.__sub__, self._counts, earlier._counts))
        return type(self)(counts, greatest_s=self.greatest_s)


def _bucket(seconds: float) -> int:
    if seconds < LEAST_S:
        return 0
    return min(1 + int(math.log2(seconds / LEAST_S) * _STEPS_PER_DOUBLING), _BUCKETS - 1)


def _middle_s(bucket: int) -> float:
    if bucket == 0:
        return LEAST_S
    return LEAST_S * math.exp2((bucket - 0.5) / _STEPS_PER_DOUBLING)
