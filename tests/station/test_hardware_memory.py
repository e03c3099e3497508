"""Registers and cables outlive the process, together with what the firmware remembers."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import trio

from station.hardware import Hardware
from station.hardware_memory import remember_hardware
from station.state import MemoryState, StateUnavailable, open_state


class Killed(Exception):
    """The process ends without a last word."""


class HandClock:
    """Monotonic seconds, turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def hardware(clock: HandClock, evses: int = 1) -> Hardware:
    return Hardware.of([["cType2"]] * evses, monotonic=clock, random=Random(1))  # noqa: S311  # repeatable on purpose


async def test_after_a_kill_the_meter_shows_what_it_showed_when_something_was_last_kept(tmp_path: Path) -> None:
    clock, told_wh = HandClock(), 0.0
    with suppress(Killed):
        async with open_state(tmp_path, "CP_1") as state:
            before = hardware(clock)
            remember_hardware(before, state)
            (evse,) = before.evses
            evse.connectors[0].plug_in()
            evse.contactor.close()
            clock.now = 1800.0
            told_wh = evse.meter.energy_wh
            state.put("event", told_wh)
            await state.keep()
            clock.now = 3600.0
            assert evse.meter.energy_wh > told_wh > 1000.0
            raise Killed
    async with open_state(tmp_path, "CP_1") as state:
        after = hardware(clock)
        remember_hardware(after, state)
        assert after.evses[0].meter.energy_wh == told_wh
        assert after.evses[0].plugged_in


async def test_in_an_orderly_end_nothing_is_lost(tmp_path: Path) -> None:
    clock = HandClock()
    async with open_state(tmp_path, "CP_1") as state:
        before = hardware(clock)
        remember_hardware(before, state)
        before.evses[0].connectors[0].plug_in()
        before.evses[0].contactor.close()
        clock.now = 3600.0
    async with open_state(tmp_path, "CP_1") as state:
        after = hardware(clock)
        remember_hardware(after, state)
        assert after.evses[0].meter.energy_wh == before.evses[0].meter.energy_wh > 1000.0


async def test_a_station_that_was_built_otherwise_is_refused(tmp_path: Path) -> None:
    async with open_state(tmp_path, "CP_1") as state:
        remember_hardware(hardware(HandClock(), evses=2), state)
    async with open_state(tmp_path, "CP_1") as state:
        with pytest.raises(StateUnavailable, match="a station with other EVSEs and connectors"):
            remember_hardware(hardware(HandClock(), evses=1), state)


async def test_in_memory_the_hardware_is_its_own_memory() -> None:
    state = MemoryState()
    remember_hardware(hardware(HandClock()), state)
    state.put("event", 1)
    await state.keep()
    await trio.lowlevel.checkpoint()
    assert state.keys() == ["event"]
