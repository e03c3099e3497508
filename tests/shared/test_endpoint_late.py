"""Answers that come after the message time-out (Part 4 §4.1.1): who asked for them is told all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from shared.endpoint import Endpoint, Language
from shared.message_log import MessageLog
from shared.ocppj.errors import CallFailed, CallRefused, CallTimedOut, InvalidAnswer
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Side
from shared.websocket import Patience, WebSocket
from tests.shared.wire import open_pair

LANGUAGE = Language(V201, Schemas.load(V201), Side.CSMS)
NO_PINGS = Patience(ping_interval_s=0)


class Line:
    """An endpoint with a time-out of 30 s whose message ids count up, and its peer."""

    def __init__(self, ws: WebSocket, peer: WebSocket) -> None:
        ids = iter(range(1, 100))
        self.peer = peer
        self.heard: list[tuple[str, Any]] = []
        self.endpoint = Endpoint(
            ws,
            LANGUAGE,
            self._answer,
            lambda _action: None,
            messages=MessageLog("CP_1"),
            new_message_id=lambda: str(next(ids)),
            call_timeout_s=30,
        )

    async def call_in_vain(self, name: str) -> None:
        def hear(result: dict[str, Any] | CallFailed) -> None:
            self.heard.append((name, result))

        with pytest.raises(CallTimedOut):
            await self.endpoint.call("ClearCache", {}, late=hear)

    async def send(self, frame: list[Any]) -> None:
        await self.peer.send(json.dumps(frame))
        await trio.testing.wait_all_tasks_blocked()

    async def _answer(self, _action: str, _payload: dict[str, Any]) -> dict[str, Any]:
        return {}


@pytest.fixture
async def line(nursery: trio.Nursery) -> Line:
    ws, peer = await open_pair(server=NO_PINGS, client=NO_PINGS)
    line = Line(ws, peer)
    nursery.start_soon(line.endpoint.run)
    return line


async def test_a_late_result_is_told_once(line: Line, autojump_clock: MockClock) -> None:
    await line.call_in_vain("first")
    await line.send([3, "1", {"status": "Accepted"}])
    await line.send([3, "1", {"status": "Accepted"}])
    assert line.heard == [("first", {"status": "Accepted"})]


async def test_a_late_callerror_is_told(line: Line, autojump_clock: MockClock) -> None:
    await line.call_in_vain("first")
    await line.send([4, "1", "NotSupported", "no cache", {}])
    [(_, error)] = line.heard
    assert isinstance(error, CallRefused)
    assert (error.code, error.description) == ("NotSupported", "no cache")


async def test_a_late_result_that_does_not_fit_the_schema_is_told(line: Line, autojump_clock: MockClock) -> None:
    await line.call_in_vain("first")
    await line.send([3, "1", {"status": "Perhaps"}])
    assert isinstance(line.heard[0][1], InvalidAnswer)


async def test_it_does_not_disturb_the_call_that_is_under_way(
    line: Line, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    await line.call_in_vain("first")
    results: list[dict[str, Any]] = []

    async def call() -> None:
        results.append(await line.endpoint.call("ClearCache", {}))

    nursery.start_soon(call)
    await trio.testing.wait_all_tasks_blocked()
    await line.send([3, "1", {"status": "Rejected"}])
    await line.send([3, "2", {"status": "Accepted"}])
    assert (line.heard, results) == ([("first", {"status": "Rejected"})], [{"status": "Accepted"}])


async def test_the_last_eight_that_timed_out_are_remembered(line: Line, autojump_clock: MockClock) -> None:
    for number in range(1, 11):
        await line.call_in_vain(str(number))
    for number in range(1, 11):
        await line.send([3, str(number), {"status": "Accepted"}])
    assert [name for name, _ in line.heard] == [str(number) for number in range(3, 11)]


async def test_an_answer_in_time_is_not_told_as_late(
    line: Line, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    results: list[dict[str, Any]] = []

    async def call() -> None:
        results.append(await line.endpoint.call("ClearCache", {}, late=lambda result: line.heard.append(("x", result))))

    nursery.start_soon(call)
    await trio.testing.wait_all_tasks_blocked()
    await line.send([3, "1", {"status": "Accepted"}])
    assert (line.heard, results) == ([], [{"status": "Accepted"}])
