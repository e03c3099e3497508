"""Moments come in their order, whenever they were set."""

from __future__ import annotations

from datetime import timedelta

import trio
from trio.testing import MockClock

from csms.alarm import Alarm
from shared.clock import TrioClock
from tests.csms.site import START


def never(_key: str) -> bool:
    return False


async def test_the_earliest_rings_first(autojump_clock: MockClock) -> None:
    alarm = Alarm[str](TrioClock(START), never)
    for seconds, key in ((30, "late"), (10, "early"), (20, "between")):
        alarm.set(START + timedelta(seconds=seconds), key)
    assert [await alarm.next(), trio.current_time()] == ["early", 10]
    assert [await alarm.next(), trio.current_time()] == ["between", 20]
    assert [await alarm.next(), trio.current_time()] == ["late", 30]


async def test_one_that_is_set_meanwhile_and_is_earlier_wakes_who_waits(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    alarm = Alarm[str](TrioClock(START), never)
    rung: list[tuple[str, float]] = []

    async def listen() -> None:
        while True:
            rung.append((await alarm.next(), trio.current_time()))

    nursery.start_soon(listen)
    await trio.sleep(1)
    alarm.set(START + timedelta(days=9), "late")
    await trio.sleep(1)
    alarm.set(START + timedelta(seconds=5), "early")
    await trio.sleep(10)
    assert rung == [("early", 5)]


async def test_a_clock_that_is_set_ahead_is_noticed_within_a_minute(autojump_clock: MockClock) -> None:
    clock = TrioClock(START)
    alarm = Alarm[str](clock, never)
    alarm.set(START + timedelta(hours=1), "noon")
    clock.set(START + timedelta(hours=2))
    assert await alarm.next() == "noon"
    alarm.set(START + timedelta(hours=4), "evening")
    with trio.move_on_after(1):
        await alarm.next()
    clock.set(START + timedelta(hours=5))
    with trio.fail_after(60):
        assert await alarm.next() == "evening"


async def test_what_is_over_does_not_pile_up(autojump_clock: MockClock) -> None:
    alarm = Alarm[str](TrioClock(START), lambda key: key != "kept")
    for number in range(1000):
        alarm.set(START + timedelta(seconds=number), "kept" if number in (500, 600) else f"over {number}")
    assert len(alarm) < 100
    assert "kept" in [await alarm.next() for _ in range(len(alarm))]
