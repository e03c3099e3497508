"""The time of day, the system's and one that follows virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import trio
from trio.testing import MockClock

from shared.clock import SystemClock, TrioClock


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


async def test_it_tells_utc_whatever_zone_it_was_set_in(autojump_clock: MockClock) -> None:
    clock = TrioClock(datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now().isoformat() == "2026-11-22T10:00:00+00:00"


def test_the_systems_clock_tells_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert before <= now <= datetime.now(UTC)
