"""The orderly end: nobody new is let in, and everybody gets a goodbye."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from csms.gateway import GRACE_S
from shared.handshake import HandshakeRefused
from shared.websocket import WebSocketClosed
from tests.csms.fake_station import PATIENCE_S, FakeStation
from tests.csms.site import MemoryListener, Site, settle


class Running:
    """A CSMS whose stations' port is open."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.port = MemoryListener()
        self._stop = trio.Event()
        self._ended = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        listeners: Any = [self.port]
        await self.site.csms.gateway.serve(listeners, self._stop, task_status=task_status)
        self._ended.set()

    async def connect(self, identity: str = "CP_1") -> FakeStation:
        """A station that has connected and said nothing yet."""
        return await self.site.connect(identity, stream=await self.port.dial())

    async def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()
        await settle()

    async def takes_s(self) -> float:
        """How long the end takes, from now on."""
        started = trio.current_time()
        with trio.fail_after(PATIENCE_S):
            await self._ended.wait()
        return trio.current_time() - started


@pytest.fixture
async def running(site: Site, nursery: trio.Nursery) -> Running:
    running = Running(site)
    await nursery.start(running.run)
    return running


async def test_everybody_is_told_1001(running: Running) -> None:
    stations = [await running.connect(f"CP_{number}") for number in range(3)]
    stations.append(await running.connect("CP_0"))  # a second one, that has not taken over
    await running.stop()
    assert [(await station.goodbye()).code for station in stations] == [1001] * 4
    assert await running.takes_s() == 0
    assert (await running.site.get("/list")).json == {"cp_ids": []}


async def test_nobody_new_is_let_in(running: Running) -> None:
    (await running.connect()).fall_silent()  # so that the end takes a while
    await running.stop()
    with pytest.raises(trio.BrokenResourceError):
        await running.port.dial()


async def test_who_does_not_answer_the_goodbye_is_not_waited_for_long(running: Running) -> None:
    for number in range(3):
        (await running.connect(f"CP_{number}")).fall_silent()
    await running.stop()
    assert await running.takes_s() <= GRACE_S


async def test_calls_that_wait_fail(running: Running) -> None:
    station = await running.connect()
    await station.boot()
    asking = [running.site.call_later("ClearCache") for _ in range(2)]
    await station.expect("ClearCache")
    await running.stop()
    assert [(await one.get()).status for one in asking] == [503, 503]


async def test_handshakes_are_not_waited_for(running: Running) -> None:
    stream = await running.port.dial()
    await stream.send_all(b"GET ")
    await settle()
    await running.stop()
    assert await running.takes_s() == 0


async def test_no_handshake_becomes_a_session_any_more(
    running: Running, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = trio.Event()

    async def hash_later(_password: str) -> str:
        await go_on.wait()
        return "hash"

    async def try_to_connect() -> None:
        with pytest.raises((HandshakeRefused, WebSocketClosed)):
            await running.connect()
        turned_away.set()

    turned_away = trio.Event()
    (await running.connect("CP_0")).fall_silent()  # so that the end takes a while
    monkeypatch.setattr(running.site.csms.passwords, "hash", hash_later)
    nursery.start_soon(try_to_connect)
    await settle()
    await running.stop()
    go_on.set()
    with trio.fail_after(1):
        await turned_away.wait()
