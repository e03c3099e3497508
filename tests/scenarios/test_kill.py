"""The CSMS is killed again and again while stations send: what it has acknowledged is there, and once."""

from __future__ import annotations

from random import Random
from signal import SIGKILL
from typing import Final

import pytest
import trio

from tests.processes import HOST, Csms, Programs
from tests.scenarios.books import audit
from tests.scenarios.senders import Senders

STATIONS: Final = 20
QUIET: Final = ("--log-level", "warning")
_STARTING_S: Final = 1.5  # about as long as a CSMS takes to start


@pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=pytest.mark.slow)])
async def test_what_was_acknowledged_outlives_kill_9_and_is_there_once(
    programs: Programs, database_url: str, rounds: int
) -> None:
    chance = Random(rounds)  # noqa: S311 - to be the same every time
    senders = Senders(STATIONS, seed=rounds)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(senders.run)
        for number in range(rounds):
            if number % 3 == 0:
                await kill_while_it_starts(programs, database_url, chance)
            csms = await start(programs, database_url)
            senders.url = csms.url
            await senders.acknowledged(chance.randint(1, 400))
            await trio.sleep(chance.uniform(0, 0.02))
            assert await csms.stop(SIGKILL) == -SIGKILL
        csms = await start(programs, database_url)
        senders.url = csms.url
        await senders.acknowledged(1)
        await senders.finish()
    findings = await audit(csms, database_url, senders)
    print(f"{rounds} rounds: {findings}; sent {senders.tries} times in all")
    findings.assert_clean()
    assert set(senders.answers) == set(senders.sent), "in the end each was acknowledged"
    assert not senders.refusals
    assert await csms.stop() == 0


async def start(programs: Programs, database_url: str) -> Csms:
    """A CSMS on that database, ready."""
    return await programs.csms("--database", database_url, *QUIET)


async def kill_while_it_starts(programs: Programs, database_url: str, chance: Random) -> None:
    """Kill a CSMS at some moment of its start."""
    where = ("--host", HOST, "--port", "0", "--api-port", "0")
    csms = await programs.module("csms", "--database", database_url, *where, *QUIET)
    await trio.sleep(chance.uniform(0.3, 1) * _STARTING_S)
    await csms.stop(SIGKILL)
