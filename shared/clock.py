"""Wall-clock time for code that must also run in virtual time.

Nothing else reads the system's clock: a program gets one of these from its composition root.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import trio


class Clock(Protocol):
    """Tells the time of day."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


class SystemClock:
    """The operating system's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class TrioClock:
    """A clock of its own that runs as Trio's does, so that it follows virtual time, and that can be set."""

    def __init__(self, start: datetime) -> None:
        """start: the time it shows now."""
        self.set(start)

    def now(self) -> datetime:
        try:
            return self._shown + timedelta(seconds=trio.current_time() - self._set_at)
        except OverflowError:  # a peer has set it to the end of the year 9999
            return self._shown

    def set(self, now: datetime) -> None:
        """Set the clock (B01.FR.06: a station's follows the CSMS's currentTime)."""
        self._shown = now.astimezone(UTC)
        self._set_at = trio.current_time()
