"""A week of one station's life, in virtual time and from one seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio
from trio._core import _run
from trio.testing import MockClock

from shared.ocppj.errors import CallFailed, InternalError
from shared.ocppj.schemas import Schemas
from shared.websocket import Patience
from station.app import Station
from station.device_model import DeviceModel
from tests.station.fake_csms import FakeCsms, station_on_fake_csms
from tests.station.life.chance import HOUR_S, Chance
from tests.station.life.drivers import CARDS
from tests.station.life.ledger import (
    WitnessedState,
    accepted_events,
    check_transactions,
    energy_by_evse,
)
from tests.station.life.world import World

PING_INTERVAL_S = 300
"""Pings are most of what a station does in a week."""
ROUNDING_WH = 0.001
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


@contextmanager
def scheduling_of(seed: int) -> Iterator[None]:
    """Which of several tasks runs first is chance, too; Trio draws it from a generator of its own."""
    before = _run._r.getstate(), _run._ALLOW_DETERMINISTIC_SCHEDULING  # noqa: SLF001  # there is no other way
    _run._r.seed(seed)  # noqa: SLF001  # as above
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]  # noqa: SLF001  # as Hypothesis has it set
    try:
        yield
    finally:
        _run._r.setstate(before[0])  # noqa: SLF001  # as above
        _run._ALLOW_DETERMINISTIC_SCHEDULING = before[1]  # type: ignore[misc]  # noqa: SLF001  # as above


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
                variables=DeviceModel(state),
                interval_s=600,
                patience=Patience(ping_interval_s=PING_INTERVAL_S),
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

    with scheduling_of(seed):
        return trio.run(main, clock=MockClock(autojump_threshold=0))


def check(life: Lived, days: float) -> None:
    """What holds after any life."""
    told, transmissions = accepted_events(life.frames)
    assert told == life.kept, "the CSMS knows what the station kept, and nothing else"
    check_transactions(told)
    assert transmissions >= sum(map(len, told.values()))

    drawn = energy_by_evse(told)
    for evse_id, register_wh in life.registers.items():
        assert drawn[evse_id] == pytest.approx(register_wh, abs=ROUNDING_WH * len(told)), "energy flows in transactions"

    messages = [json.loads(text) for text in life.frames]
    errors = Counter((message[2], message[3]) for message in messages if message[0] == 4)
    assert set(errors) <= {("InternalError", "no room"), ("InternalError", "")}, "but for those that were asked for"

    assert life.view["events_queued"] == 0
    assert life.view["transactions"] == life.view["authorized"] == life.view["reservations"] == []
    assert life.view["online"]
    for connector in {(1, 1), (2, 1)}:
        latest = [status for evse_id, connector_id, status in life.statuses if (evse_id, connector_id) == connector]
        assert latest[-1] == "Available"
    kinds = Counter(key.partition("/")[0] for key in life.keys)
    assert set(kinds) <= {"authorization-cache", "variables", "network-profile-last-good", "reservations"}
    assert kinds["authorization-cache"] <= len(CARDS)

    weather = life.world.weather
    assert weather.outages + weather.power_cuts + weather.defects + weather.storms > 3 * days, "or it shows little"
    assert len(told) > days


@pytest.mark.parametrize("seed", [3])
def test_a_day_of_a_station_s_life_from_one_seed_is_twice_the_same(schemas: Schemas, seed: int) -> None:
    life = live(schemas, seed, 1)
    check(life, 1)
    assert live(schemas, seed, 1).frames == life.frames


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_week_of_a_station_s_life_from_one_seed_is_twice_the_same(schemas: Schemas, seed: int) -> None:
    life = live(schemas, seed, 7)
    check(life, 7)
    assert live(schemas, seed, 7).frames == life.frames
