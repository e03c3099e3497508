"""The offline queue under random power cuts never loses, doubles or reorders an event, in memory or on disk.

A station makes events, sends them and keeps what it knows; the power fails at any of these. A model on the side knows
which events were kept, and which answers. On disk a power cut is an image of the files at that moment, also in the
middle of a commit, and the next boot reads the image.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.ocppj.errors import CallRefused, CallTimedOut, ConnectionLost
from station.device_model import MESSAGE_ATTEMPTS, DeviceModel
from station.outgoing import Payload
from station.state import MemoryState, State, open_state
from station.transaction_queue import TransactionQueue
from tests.station.test_transaction_queue import event

NEXT_SEQ_NO = "next-seq-no"
"""The transaction's own memory, in the same state as the queue."""

STEPS = st.sampled_from(
    [
        "make one",
        "make many",
        "keep",
        "keep",
        "deliver",
        "deliver",
        "deliver and keep",
        "lose the connection",
        "refuse",
        "answer late",
        "cut",
        "cut before the answer",
        "cut while keeping",
    ]
)


class World(ABC):
    """What survives a power cut."""

    state: State

    @abstractmethod
    async def cut_power(self, *, keeping: bool) -> None:
        """Take the power away, in the middle of a `keep()` if `keeping`, and give it back: `state` is another one."""


class MemoryWorld(World):
    def __init__(self) -> None:
        self.state = MemoryState()

    async def cut_power(self, *, keeping: bool) -> None:
        if keeping:
            with trio.CancelScope() as scope:
                scope.cancel()
                await self.state.keep()
        self.state.lose_power()


class DiskWorld(World):
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._boots = itertools.count()
        self._running = AsyncExitStack()

    async def boot(self) -> None:
        self._home = self._directory / str(next(self._boots))
        self.state = await self._running.enter_async_context(open_state(self._home, "CP_1"))

    async def cut_power(self, *, keeping: bool) -> None:
        image = self._directory / str(next(self._boots))
        async with trio.open_nursery() as nursery:
            if keeping:
                nursery.start_soon(self.state.keep)
                await trio.lowlevel.checkpoint()
            shutil.copytree(self._home, image)
        await self._running.aclose()
        self._home = image
        self.state = await self._running.enter_async_context(open_state(image, "CP_1"))

    async def shut_down(self) -> None:
        await self._running.aclose()


@asynccontextmanager
async def world_on(medium: str) -> AsyncIterator[World]:
    if medium == "memory":
        yield MemoryWorld()
        return
    with tempfile.TemporaryDirectory() as directory:
        world = DiskWorld(Path(directory))
        await world.boot()
        try:
            yield world
        finally:
            await world.shut_down()


@dataclass
class Life:
    """One station's life, and what was seen of it."""

    world: World
    now: float = 0.0
    made: int = 0
    contents: dict[int, Payload] = field(default_factory=dict)
    received: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    kept_next: int = 0
    kept_answers: int = 0

    def boot(self) -> None:
        self.state = self.world.state
        self.next_seq_no = self.state.get(NEXT_SEQ_NO) or 0
        variables = DeviceModel()
        variables[MESSAGE_ATTEMPTS] = 10**6
        self.queue = TransactionQueue(
            "CP_1", self.state, variables, monotonic=lambda: self.now, answered=self.on_answer, capacity=10**6
        )

    def on_answer(self, request: Payload, response: Payload) -> None:
        assert response == {"updatedPersonalMessage": request["seqNo"]}
        self.answered.append(request["seqNo"])

    def make(self) -> None:
        """Something happens at the station; it is another thing if it happens again after a power cut."""
        self.made += 1
        self.queue.append(event(self.next_seq_no, triggerReason="Trigger", customData={"made": self.made}))
        self.next_seq_no += 1
        self.state.put(NEXT_SEQ_NO, self.next_seq_no)

    async def keep(self) -> None:
        await self.state.keep()
        self.kept_next = self.next_seq_no
        self.kept_answers = len(self.delivered)

    @property
    def delivered(self) -> set[int]:
        return set(self.answered)

    def send(self, step: str) -> bool:
        """Send what is to be sent, and have the CSMS do as `step` says. Returns whether there was anything."""
        self.now += 10**9
        outgoing = self.queue.next_call()
        if outgoing is None:
            return False
        seq_no = outgoing.payload["seqNo"]
        self.see(seq_no, outgoing.payload)
        response = {"updatedPersonalMessage": seq_no}
        match step:
            case "deliver":
                outgoing.answered(response)
            case "lose the connection":
                outgoing.failed(ConnectionLost())
                self.queue.disconnected()
            case "refuse":
                outgoing.failed(CallRefused("InternalError"))
            case "answer late":
                outgoing.failed(CallTimedOut())
                assert outgoing.late is not None
                outgoing.late(response)
            case _:
                pass  # the power fails before the answer
        return True

    def see(self, seq_no: int, payload: Payload) -> None:
        """What a CSMS may rely on, at each event it receives."""
        content = {name: value for name, value in payload.items() if name != "offline"}
        assert self.contents.setdefault(seq_no, content) == content  # never with another content
        assert seq_no < self.kept_next  # never before it is on disk
        assert seq_no >= self.kept_answers  # never again when its answer is on disk
        last = self.received[-1] if self.received else -1
        assert seq_no <= last + 1  # none is left out, none overtakes another
        self.received.append(seq_no)

    async def cut_power(self, *, keeping: bool) -> None:
        before, answered = self.next_seq_no, len(self.delivered)
        await self.world.cut_power(keeping=keeping)
        self.boot()
        assert self.next_seq_no in ({self.kept_next, before} if keeping else {self.kept_next})
        if keeping and self.next_seq_no == before and self.first_waiting() == answered:
            self.kept_next, self.kept_answers = before, answered
        assert self.first_waiting() == min(self.kept_answers, self.next_seq_no)
        del self.answered[:]
        self.answered.extend(range(self.first_waiting()))

    def first_waiting(self) -> int:
        """The seqNo of the first event in the queue, or of the one that will be made next."""
        waiting = [self.state.get(key)[1]["seqNo"] for key in self.state.keys("transaction-events/")]
        assert waiting == list(range(self.next_seq_no - len(waiting), self.next_seq_no))
        return self.next_seq_no - len(waiting)


async def live(medium: str, steps: Sequence[str]) -> None:
    async with world_on(medium) as world:
        life = Life(world)
        life.boot()
        for step in steps:
            match step:
                case "make one" | "make many":
                    for _ in range(1 if step == "make one" else 6):
                        life.make()
                case "keep":
                    await life.keep()
                case "deliver and keep":
                    life.send("deliver")
                    await life.keep()
                case "cut" | "cut while keeping":
                    await life.cut_power(keeping=step == "cut while keeping")
                case "cut before the answer":
                    if life.send(step):
                        await life.cut_power(keeping=False)
                case _:
                    life.send(step)
        await life.keep()
        while life.send("deliver"):
            await life.keep()
        assert life.delivered == set(range(life.next_seq_no))  # none is lost
        assert set(life.received) == life.delivered
        assert not life.queue.pending()
        await life.cut_power(keeping=False)
        assert not life.queue.pending()


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, min_size=20, max_size=60))
def test_in_memory_the_queue_never_loses_doubles_or_reorders_an_event(steps: list[str]) -> None:
    trio.run(live, "memory", steps)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=20, max_size=40))
def test_on_disk_the_queue_never_loses_doubles_or_reorders_an_event(steps: list[str]) -> None:
    trio.run(live, "disk", steps)
