"""Wakes one task when the earliest of many moments has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final, Generic, TypeVar

import trio

from shared.clock import Clock

LONGEST_NAP_S: Final = 60.0  # the wall clock may be set while somebody sleeps
_SWEPT_FROM: Final = 64
_SHORTEST_NAP_S: Final = 0.001

Key = TypeVar("Key")


class Alarm(Generic[Key]):
    """Moments, each with what it is for. One that is over may ring all the same: who hears it looks again."""

    def __init__(self, clock: Clock, is_over: Callable[[Key], bool]) -> None:
        """is_over: whether a key need not ring any more. Those are forgotten, so that they do not pile up."""
        self._clock = clock
        self._is_over = is_over
        self._sweep_at = _SWEPT_FROM
        self._moments: list[tuple[datetime, int, Key]] = []
        self._numbers = count()  # of two of one moment the first comes first, and keys are never compared
        self._set = trio.Event()

    def __len__(self) -> int:
        """How many moments it has in mind."""
        return len(self._moments)

    def set(self, moment: datetime, key: Key) -> None:
        """Have `next()` return `key` once `moment` has come."""
        if len(self._moments) >= self._sweep_at:
            self._moments = [entry for entry in self._moments if not self._is_over(entry[2])]
            heapify(self._moments)
            self._sweep_at = max(_SWEPT_FROM, 2 * len(self._moments))
        heappush(self._moments, (moment, next(self._numbers), key))
        if self._moments[0][2] is key:
            self._set.set()

    async def next(self) -> Key:
        """Wait for the next moment. For one task."""
        await trio.lowlevel.checkpoint()
        while True:
            self._set = trio.Event()
            nap_s = LONGEST_NAP_S
            if self._moments:
                left_s = (self._moments[0][0] - self._clock.now()).total_seconds()
                if left_s <= 0:
                    return heappop(self._moments)[2]
                nap_s = max(_SHORTEST_NAP_S, min(left_s, LONGEST_NAP_S))
            with trio.move_on_after(nap_s if self._moments else float("inf")):
                await self._set.wait()
