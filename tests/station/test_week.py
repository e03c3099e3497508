"""A week of one station's life, in virtual time and from one seed."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.errors import CallFailed, InternalError
from shared.ocppj.schemas import Schemas
from station.app import Station
from tests.station.fake_csms import FakeCsms, station_on_fake_csms
from tests.station.life.chance import HOUR_S, Chance
from tests.station.life.ledger import (
    WitnessedState,
    accepted_events,
    check_transactions,
    energy_by_evse,
)
from tests.station.life.world import World

TOKENS = {
    "anna": {"status": "Accepted", "groupIdToken": {"idToken": "family", "type": "Central"}},
    "bert": {"status": "Accepted", "groupIdToken": {"idToken": "family", "type": "Central"}},
    "dora": {"status": "Blocked"},
}


async def moods(csms: FakeCsms, seed: int) -> None:
    """The CSMS answers late, or not as it should, for a while."""
    chance = Chance(seed, "moods")
    while True:
        await chance.wait(10 * HOUR_S)
        if chance.happens(0.5):
            csms.thinks_s = {"TransactionEvent": chance.random.choice([2.0, 35.0]), "Authorize": 3.0}
        else:
            csms.refuses = {"TransactionEvent": InternalError("no room")}
        await chance.stay(60, HOUR_S)
        csms.thinks_s, csms.refuses = {}, {}


class Lived:
    """What is left of a life."""

    def __init__(self, station: Station, csms: FakeCsms, world: World, state: WitnessedState) -> None:
        assert station.firmware is not None
        self.frames = csms.wire.texts
        self.kept = state.events
        self.keys = state.keys()
        self.view = station.firmware.view()
        self.registers = {evse.evse_id: evse.meter.energy_wh for evse in station.hardware.evses}
        self.statuses = csms.statuses()
        self.world = world


def live(schemas: Schemas, seed: int, days: float) -> Lived:
    """So many days of a life."""

    async def main() -> Lived:
        state = WitnessedState()
        async with (
            station_on_fake_csms(
                schemas,
                connector_types=(("sType2",), ("cCCS2",)),
                seed=seed,
                state=state,
                interval_s=600,
                tokens=TOKENS,
            ) as (station, csms),
            trio.open_nursery() as nursery,
        ):

            async def ask(action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
                try:
                    return await csms.call(action, payload)
                except (CallFailed, InternalError):
                    return None

            nursery.start_soon(moods, csms, seed)
            world = World(station, seed, ask, csms.clock.now)
            await world.live(days)
            nursery.cancel_scope.cancel()
            return Lived(station, csms, world, state)
        raise AssertionError("it does not end")

    return trio.run(main, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize("seed", [1])
def test_a_week(schemas: Schemas, seed: int) -> None:
    import time
    t = time.time()
    life = live(schemas, seed, 7)
    print("took", time.time() - t, len(life.frames))
    told, transmissions = accepted_events(life.frames)
    print(len(told), sum(map(len, told.values())), transmissions, life.world.operator.answers)
    w = life.world
    print(w.weather.outages, w.weather.power_cuts, w.weather.defects, w.weather.storms, [d.visits for d in w.drivers])
    print(Counter(json.loads(x)[2] for x in life.frames if json.loads(x)[0] == 2))
    print(Counter(json.loads(x)[2] for x in life.frames if json.loads(x)[0] == 4))
    print(life.keys, life.view)
    print(energy_by_evse(told), life.registers)
    assert told == life.kept
    check_transactions(told)
    t = time.time()
    again = live(schemas, seed, 7)
    print("took", time.time() - t, len(life.frames))
    assert again.frames == life.frames
