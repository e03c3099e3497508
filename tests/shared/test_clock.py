"""Time in virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import trio
from trio.testing import MockClock

from shared.clock import TrioClock


async def test_it_runs_with_trio_s_clock_and_can_be_set(autojump_clock: MockClock) -> None:
    start = datetime(2026, 11, 22, tzinfo=UTC)
    clock = TrioClock(start)
    await trio.sleep(90)
    assert clock.now() == start + timedelta(seconds=90)
    clock.set(start)
    await trio.sleep(1.5)
    assert clock.now() == start + timedelta(seconds=1.5)


async def test_it_stands_at_the_end_of_time(autojump_clock: MockClock) -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    clock = TrioClock(end)
    await trio.sleep(90)
    assert clock.now() == end
