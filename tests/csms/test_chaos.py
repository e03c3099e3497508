"""Anything in any order: nothing crashes, the list tells the truth, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Final

import pytest
import trio

from shared.handshake import HandshakeRefused
from shared.websocket import WebSocketClosed
from tests.csms.fake_station import BOOT, FakeStation, Frame
from tests.csms.rest import Asking
from tests.csms.site import OpenSite, Site, settle

IDENTITIES: Final = ("CP_1", "CP_2")
REGISTRATIONS: Final = ("Accepted", "Accepted", "Pending", "Rejected")
STATUSES: Final = ("Available", "Available", "Occupied", "Reserved", "Faulted")
STEPS: Final = 60


class Chaos:
    """Two stations with several connections each, and an operator, all of whom do as chance has it."""

    def __init__(self, site: Site, nursery: trio.Nursery, chance: Random) -> None:
        self._site = site
        self._nursery = nursery
        self._chance = chance
        self._connections: list[FakeStation] = []
        self.asked: list[Asking] = []

    async def step(self) -> None:
        """Something happens."""
        weights: dict[Callable[[], Awaitable[None]], int] = {
            self.connect: 4,
            self.speak: 8,
            self.answer: 4,
            self.go: 2,
            self.fall_silent: 1,
            self.ask: 4,
            self.reserve: 2,
            self.change_registration: 2,
            self.delete: 1,
            self.wait: 2,
        }
        [what] = self._chance.choices(list(weights), list(weights.values()))
        await what()
        await settle()

    async def connect(self) -> None:
        identity = self._chance.choice(IDENTITIES)
        with suppress(HandshakeRefused, WebSocketClosed):
            self._connections.append(await self._site.connect(identity))

    async def speak(self) -> None:
        station = self._any()
        if station is None:
            return
        status = {
            "timestamp": "2026-11-22T03:52:54Z",
            "connectorStatus": self._chance.choice(STATUSES),
            "evseId": self._chance.randint(0, 2),
            "connectorId": 1,
        }
        calls = [("BootNotification", BOOT), ("Heartbeat", {}), ("StatusNotification", status), ("Nonsense", {})]
        frames: list[Frame] = [[2, self._id(), action, payload] for action, payload in calls]
        with suppress(WebSocketClosed):
            await station.send(self._chance.choice([*frames, [3, self._id(), {}], ["?"]]))

    async def answer(self) -> None:
        station = self._any()
        if station is None:
            return
        for frame in station.take():
            if frame[0] == 2 and self._chance.random() < 0.9:
                status = self._chance.choice(("Accepted", "Rejected", "Nonsense"))
                with suppress(WebSocketClosed):
                    await station.send([3, frame[1], {"status": status}])

    async def go(self) -> None:
        if self._connections:
            station = self._connections.pop(self._chance.randrange(len(self._connections)))
            await (station.vanish() if self._chance.random() < 0.5 else station.hang_up())

    async def fall_silent(self) -> None:
        station = self._any()
        if station is not None:
            station.fall_silent()

    async def ask(self) -> None:
        identity = self._chance.choice(IDENTITIES)
        self.asked.append(self._site.call_later("ClearCache", identity=identity))
        if self._chance.random() < 0.2:
            self._chance.choice(self.asked).give_up()

    async def reserve(self) -> None:
        self.asked.append(self._site.post_later(self._chance.choice(("/reserve", "/reserve/CP_1"))))

    async def change_registration(self) -> None:
        path = f"/api/v1/stations/{self._chance.choice(IDENTITIES)}"
        await self._site.patch(path, {"registration": self._chance.choice(REGISTRATIONS)})

    async def delete(self) -> None:
        if self._chance.random() < 0.3:
            await self._site.delete(f"/api/v1/stations/{self._chance.choice(IDENTITIES)}")

    async def wait(self) -> None:
        await trio.sleep(self._chance.choice((0.1, 3, 11, 31, 70)))

    async def everybody_goes(self) -> None:
        for station in self._connections:
            await station.vanish()

    def _any(self) -> FakeStation | None:
        return self._chance.choice(self._connections) if self._connections else None

    def _id(self) -> str:
        return str(self._chance.getrandbits(64))


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens(open_site: OpenSite, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chance = Random(seed)  # noqa: S311 - to be the same every time
    async with trio.open_nursery() as nursery:
        site = open_site(nursery=nursery, call_timeout=5.0)
        await settle()
        idle = nursery.child_tasks
        chaos = Chaos(site, nursery, chance)
        for _ in range(STEPS):
            await chaos.step()
            listed = (await site.get("/list")).json["cp_ids"]
            described = (await site.get("/api/v1/stations")).json["stations"]
            assert sorted(listed) == [one["station_id"] for one in described if one["connected"]]
        await chaos.everybody_goes()
        for later in chaos.asked:
            await later.ended()
        await trio.sleep(200)
        assert (await site.get("/list")).json == {"cp_ids": []}
        assert site.csms.switchboard.seats() == []
        assert nursery.child_tasks == idle, "nobody is left but who was there before"
        nursery.cancel_scope.cancel()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
