"""The full intervals of the clock, at which aligned values are taken (J01.FR.14)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_DAY: Final = timedelta(days=1)

_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def next_aligned(now: datetime, interval_s: int) -> datetime:
    """The next moment, after now, that is a multiple of the interval since midnight, UTC; midnight itself is one."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (now - midnight) // timedelta(seconds=interval_s)
    try:
        return min(midnight + timedelta(seconds=interval_s * (passed + 1)), midnight + _DAY)
    except OverflowError:  # the CSMS has set the clock to the last day there is
        return _LATEST


class Aligned:
    """At every full interval of the clock; it may be set, and the interval may be changed meanwhile."""

    __slots__ = ("_for_interval_s", "_interval_s", "_next")

    def __init__(self, interval_s: Callable[[], int | None]) -> None:
        """interval_s: the interval now, None while there is none."""
        self._interval_s = interval_s
        self._for_interval_s: int | None = None
        self._next: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether the time has come; it has then passed. The first time it is asked it has not."""
        interval_s = self._interval_s()
        if interval_s is None:
            self._for_interval_s = self._next = None
            return False
        fits = self._next is not None and self._for_interval_s == interval_s
        due = fits and self._next is not None and now >= self._next
        if due or not fits or self._next is None or self._next - now > timedelta(seconds=interval_s):
            self._for_interval_s, self._next = interval_s, next_aligned(now, interval_s)
        return due

    def wait_s(self, now: datetime) -> float:
        """Seconds until the next one; infinite where none is wanted."""
        return math.inf if self._next is None else max((self._next - now).total_seconds(), 0.001)
