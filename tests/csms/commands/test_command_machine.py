"""Whatever happens in whatever order: no command is done twice that must not be, and each comes to its end in time.

Hypothesis makes up the story: an operator, a station that answers, refuses, is silent or goes away, a CSMS that is
killed, and the time between. The CSMS is whole, and the station is on the wire.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from csms.commands.states import MAX_SENT, CommandState
from shared.ocppj.errors import UNREADABLE_MESSAGE_ID
from shared.websocket import WebSocketClosed
from tests.csms.fake_station import FakeStation, Frame
from tests.csms.site import Site, settle

EXPIRIES_S = [5, 40, 100]
ONCE, REPEATABLE = "RequestStopTransaction", "GetTransactionStatus"


class Story:
    """One CSMS and one station. Each command is told on the wire by its transactionId."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.station: FakeStation | None = None
        self.made: dict[str, tuple[str, str]] = {}
        self.received: Counter[str] = Counter()
        self.unanswered: list[Frame] = []

    async def post(self, action: str, expires_in_s: int) -> None:
        name = f"tx-{len(self.made)}"
        order = {
            "station_id": "CP_1",
            "action": action,
            "payload": {"transactionId": name},
            "expires_in_s": expires_in_s,
            "deduplication_key": name,
        }
        answer = await self.site.post("/api/v1/commands", order)
        assert answer.status == 202
        assert (await self.site.post("/api/v1/commands", order)).status == 200
        self.made[name] = (action, answer.json["command_id"])

    async def connect(self) -> None:
        if self.station is None:
            await settle()
            self.station = await self.site.connect_ready()

    async def vanish(self) -> None:
        if self.station is not None:
            await self.listen()
            await self.station.vanish()
            self.station = None
            self.unanswered.clear()

    async def answer(self, make: Callable[[Frame], Frame]) -> None:
        """Answer the oldest request that was not answered, in time or not."""
        await self.listen()
        if self.station is not None and self.unanswered:
            await self.station.send(make(self.unanswered.pop(0)))

    async def cancel(self, number: int) -> None:
        if self.made:
            _, command_id = list(self.made.values())[number % len(self.made)]
            assert (await self.site.delete(f"/api/v1/commands/{command_id}")).status in (200, 409)

    async def wait(self, seconds: int) -> None:
        await trio.sleep(seconds)

    async def restart(self) -> None:
        await self.listen()
        await self.site.restart()
        await self.site.put("/api/v1/stations/CP_1", {"password": "station-password-1"})
        self.station = None
        self.unanswered.clear()

    async def listen(self) -> None:
        """See what the station has got."""
        await settle()
        if self.station is None:
            return
        for frame in self.station.unread():
            if frame[0] == 2:
                self.received[frame[3]["transactionId"]] += 1
                self.unanswered.append(frame)
            else:
                assert frame[1] != UNREADABLE_MESSAGE_ID
        self.station.forget_unread()

    async def check(self) -> None:
        await self.listen()
        for name, (action, command_id) in self.made.items():
            command = (await self.site.get(f"/api/v1/commands/{command_id}")).json
            sent = [entry["state"] for entry in command["history"]].count("Sent")
            assert self.received[name] <= sent <= (1 if action == ONCE else MAX_SENT)
            if command["state"] in (CommandState.EXPIRED, CommandState.CANCELLED):
                assert sent == 0
            if command["expires_at"] <= self.now():
                assert CommandState(command["state"]).is_final
            assert (command["state"] in ("Succeeded", "Refused")) == (command["result"] is not None)

    def now(self) -> str:
        return self.site.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _result(frame: Frame) -> Frame:
    is_stop = frame[2] == ONCE
    return [3, frame[1], {"status": "Accepted"} if is_stop else {"messagesInQueue": False}]


def _refusal(frame: Frame) -> Frame:
    return [4, frame[1], "InternalError", "", {}]


Step = tuple[Any, ...]
STEPS = st.one_of(
    st.tuples(st.just(Story.post), st.sampled_from([ONCE, REPEATABLE]), st.sampled_from(EXPIRIES_S)),
    st.tuples(st.just(Story.connect)),
    st.tuples(st.just(Story.vanish)),
    st.tuples(st.just(Story.answer), st.sampled_from([_result, _refusal])),
    st.tuples(st.just(Story.cancel), st.integers(0, 9)),
    st.tuples(st.just(Story.wait), st.sampled_from([1, 4, 29, 31])),
    st.tuples(st.just(Story.restart)),
)


async def _tell(steps: list[Step]) -> None:
    async with trio.open_nursery() as nursery:
        site = Site(nursery)
        await site.put("/api/v1/stations/CP_1", {"password": "station-password-1"})
        story = Story(site)
        for function, *arguments in steps:
            try:
                await function(story, *arguments)
            except WebSocketClosed:
                story.station = None
            await story.check()
        await trio.sleep(max(EXPIRIES_S) + 1)
        await story.check()
        for _, command_id in story.made.values():
            state = (await site.get(f"/api/v1/commands/{command_id}")).json["state"]
            assert CommandState(state).is_final
        site.kill()
        nursery.cancel_scope.cancel()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=25))
def test_nothing_is_done_twice_and_everything_ends(steps: list[Step]) -> None:
    trio.run(_tell, steps, clock=MockClock(autojump_threshold=0))
