"""TransactionEvents on their way to a CSMS that is slow, refuses or is not there, in virtual time (E04, E11, E13)."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
from trio.testing import MockClock

from shared.ocppj.errors import CallRefused, CallTimedOut, ConnectionLost
from station.device_model import DeviceModel
from station.outgoing import Outgoing
from station.pulse import Pulse
from station.state import MemoryState
from station.transaction_queue import TransactionQueue
from tests.station.test_transaction_queue import event

MESSAGE_TIMEOUT_S = 30.0


@dataclass
class Csms:
    """What comes is `received`, by time and seqNo. It answers after `thinks_s`, which says so for each CALL in turn.

    refuses: the numbers of the CALLs, from 0, that it answers CALLERROR.
    """

    thinks_s: Iterator[float] = field(default_factory=lambda: itertools.repeat(0.0))
    refuses: frozenset[int] = frozenset()
    received: list[tuple[float, int]] = field(default_factory=list)

    async def serve(self, outgoing: Outgoing, nursery: trio.Nursery, changed: Pulse) -> None:
        """Answer as Endpoint.call would, in time or late."""
        number = len(self.received)
        self.received.append((trio.current_time(), outgoing.payload["seqNo"]))
        thinks_s = next(self.thinks_s)
        await trio.sleep(min(thinks_s, MESSAGE_TIMEOUT_S))
        if thinks_s > MESSAGE_TIMEOUT_S:
            nursery.start_soon(self._answer_late, outgoing, thinks_s - MESSAGE_TIMEOUT_S, changed)
            outgoing.failed(CallTimedOut("no answer"))
        elif number in self.refuses:
            outgoing.failed(CallRefused("InternalError"))
        else:
            outgoing.answered({})

    async def _answer_late(self, outgoing: Outgoing, after_s: float, changed: Pulse) -> None:
        await trio.sleep(after_s)
        assert outgoing.late is not None
        outgoing.late({})
        changed.beat()


class Talk:
    """A station that does nothing but deliver its TransactionEvents."""

    def __init__(self, csms: Csms, nursery: trio.Nursery) -> None:
        self.state = MemoryState()
        self.changed = Pulse()
        self.answers: list[tuple[float, int]] = []
        self.queue = TransactionQueue(
            "CP_1",
            self.state,
            DeviceModel(),
            monotonic=trio.current_time,
            answered=lambda request, _: self.answers.append((trio.current_time(), request["seqNo"])),
        )
        self._csms = csms
        self._nursery = nursery
        self._connection = trio.CancelScope()

    def add(self, *seq_nos: int, offline: bool = False) -> None:
        for seq_no in seq_nos:
            self.queue.append(event(seq_no, offline=offline))
        self.changed.beat()

    async def connected(self) -> None:
        with trio.CancelScope() as self._connection:
            while True:
                while self.state.unkept:
                    await self.state.keep()
                outgoing = self.queue.next_call()
                if outgoing is None:
                    with trio.move_on_at(max(self.queue.due_at(), trio.current_time())):
                        await self.changed.wait()
                    continue
                try:
                    await self._csms.serve(outgoing, self._nursery, self.changed)
                except trio.Cancelled:
                    outgoing.failed(ConnectionLost())
                    raise
        self.queue.disconnected()

    def lose_connection(self) -> None:
        self._connection.cancel()


@asynccontextmanager
async def talking(csms: Csms) -> AsyncIterator[Talk]:
    async with trio.open_nursery() as nursery:
        talk = Talk(csms, nursery)
        nursery.start_soon(talk.connected)
        yield talk
        nursery.cancel_scope.cancel()


async def test_e13_example_a_refused_event_is_sent_again_after_60_and_another_120_seconds(
    autojump_clock: MockClock,
) -> None:
    csms = Csms(refuses=frozenset({0, 1, 2}))
    async with talking(csms) as talk:
        talk.add(7, 8)
        await trio.sleep(1000)
        assert csms.received == [(0, 7), (60, 7), (180, 7), (180, 8)]
        assert talk.answers == [(180, 8)]


async def test_e13_an_event_without_an_answer_waits_for_the_time_out_and_then_its_interval(
    autojump_clock: MockClock,
) -> None:
    csms = Csms(thinks_s=itertools.chain([10**6, 10**6, 10**6], itertools.repeat(1)))
    async with talking(csms) as talk:
        talk.add(7, 8)
        await trio.sleep(1000)
        assert csms.received == [(0, 7), (90, 7), (240, 7), (270, 8)]


async def test_a_late_answer_ends_the_wait_for_the_next_attempt(autojump_clock: MockClock) -> None:
    csms = Csms(thinks_s=itertools.chain([40], itertools.repeat(1)))
    async with talking(csms) as talk:
        talk.add(7, 8)
        await trio.sleep(1000)
        assert csms.received == [(0, 7), (40, 8)]
        assert talk.answers == [(40, 7), (41, 8)]


async def test_e04_e11_what_was_under_way_and_what_came_while_offline_is_sent_when_the_connection_is_back(
    autojump_clock: MockClock,
) -> None:
    csms = Csms(thinks_s=itertools.repeat(2))
    async with talking(csms) as talk:
        talk.add(0)
        await trio.sleep(1)
        talk.lose_connection()
        await trio.sleep(3600)
        talk.add(1, 2, offline=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.connected)
            talk.add(3)
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
        assert csms.received == [(0, 0), (3601, 0), (3603, 1), (3605, 2), (3607, 3)]
        assert [seq_no for _, seq_no in talk.answers] == [0, 1, 2, 3]
