"""When which samples of a transaction are due."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Final

from shared.clock import Clock
from station.blocks.meter_values import Aligned, Sampling

ALIVE_S: Final = 60.0
"""So often it is remembered that a transaction had power, whatever else happens: so exactly is known when it failed."""


class Kind(enum.Enum):
    """What a sample is taken for."""

    UPDATED = enum.auto()  # an Updated event, every TxUpdatedInterval
    FOR_END = enum.auto()  # the Ended event, every TxEndedInterval
    ALIGNED = enum.auto()  # an Updated event, at every full AlignedDataInterval of the clock
    ALIGNED_FOR_END = enum.auto()  # the Ended event, at every full AlignedDataTxEndedInterval of the clock
    ALIVE = enum.auto()  # nobody: to remember that there is power


class _Periodic:
    """Every so many seconds since the transaction began."""

    __slots__ = ("_interval_s", "_last")

    def __init__(self, interval_s: Callable[[], float]) -> None:
        self._interval_s = interval_s
        self._last = -math.inf

    def begin(self, now: float) -> None:
        self._last = now

    def is_due(self, now: float) -> bool:
        interval_s = self._interval_s()
        if now < self._last + interval_s:
            return False
        # One at least: now may be last + interval_s and yet, by a hair, not interval_s after last.
        self._last += interval_s * max(1.0, (now - self._last) // interval_s)
        return True

    def next_at(self) -> float:
        return self._last + self._interval_s()


class Pace:
    """The samples of one EVSE's transactions."""

    __slots__ = ("_aligned", "_clock", "_monotonic", "_periodic")

    def __init__(self, sampling: Sampling, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._periodic = {
            Kind.UPDATED: _Periodic(lambda: sampling.updated_interval_s),
            Kind.FOR_END: _Periodic(lambda: sampling.ended_interval_s),
            Kind.ALIVE: _Periodic(lambda: ALIVE_S),
        }
        self._aligned = {
            Kind.ALIGNED: Aligned(lambda: sampling.aligned_updated_interval_s),
            Kind.ALIGNED_FOR_END: Aligned(lambda: sampling.aligned_ended_interval_s),
        }

    def begin(self) -> None:
        """A transaction has begun, or goes on after a power cycle."""
        for periodic in self._periodic.values():
            periodic.begin(self._monotonic())
        for aligned in self._aligned.values():
            aligned.is_due(self._clock.now())

    def due(self) -> list[Kind]:
        """The samples to take now; each of them counts as taken then."""
        now, time = self._monotonic(), self._clock.now()
        return [kind for kind, periodic in self._periodic.items() if periodic.is_due(now)] + [
            kind for kind, aligned in self._aligned.items() if aligned.is_due(time)
        ]

    def next_at(self) -> float:
        """When the next sample is due, monotonic."""
        now, time = self._monotonic(), self._clock.now()
        return min(
            *(periodic.next_at() for periodic in self._periodic.values()),
            *(now + aligned.wait_s(time) for aligned in self._aligned.values()),
        )
