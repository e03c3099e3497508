"""What a message costs on Trio is mostly hops between tasks: here they are counted, on a real socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
import trio
import trio.abc
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from shared import streams
from shared.endpoint import Endpoint, Language
from shared.message_log import MessageLog
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Side
from shared.websocket import Patience, WebSocket

CALLS = 100
LIMIT_S = 20


class Steps(trio.abc.Instrument):
    """Counts how often the tasks of an Endpoint run."""

    def __init__(self) -> None:
        self.taken = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if "Endpoint" in task.name:
            self.taken += 1


@asynccontextmanager
async def endpoint_on_a_socket() -> AsyncIterator[tuple[Endpoint, WebSocket]]:
    """An Endpoint that runs for as long as the block, and the other end."""

    async def answer(_action: str, _payload: dict[str, Any]) -> dict[str, Any]:
        return {"currentTime": "2026-11-22T03:52:53.938Z"}

    numbers = count()
    near, far = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair())
    async with (
        WebSocket(near, ServerProtocol(state=State.OPEN), Patience()) as ws,
        WebSocket(far, ClientProtocol(parse_uri("ws://csms.example/"), state=State.OPEN), Patience()) as peer,
        trio.open_nursery() as nursery,
    ):
        endpoint = Endpoint(
            ws,
            Language(V201, Schemas.load(V201), Side.CSMS),
            answer,
            lambda _action: None,
            messages=MessageLog("CP_1"),
            new_message_id=lambda: str(next(numbers)),
            call_timeout_s=30,
        )
        nursery.start_soon(endpoint.run)
        with trio.fail_after(LIMIT_S):
            yield endpoint, peer
        nursery.cancel_scope.cancel()


async def test_an_answered_call_takes_at_most_3_steps() -> None:
    steps = Steps()
    async with endpoint_on_a_socket() as (_endpoint, peer):
        await peer.send('[2,"first","Heartbeat",{}]')
        await peer.receive()
        trio.lowlevel.add_instrument(steps)
        for number in range(CALLS):
            await peer.send(f'[2,"{number}","Heartbeat",{{}}]')
            await peer.receive()
        trio.lowlevel.remove_instrument(steps)
    print(f"{steps.taken / CALLS:g} task steps for each answered CALL")
    assert steps.taken / CALLS <= 3


async def test_a_message_takes_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    def send_now(stream: trio.abc.Stream, data: bytes) -> int:
        written.append(data)
        return streams.send_now(stream, data)

    async with endpoint_on_a_socket() as (_endpoint, peer):
        monkeypatch.setattr("shared.websocket.send_now", send_now)
        for number in range(CALLS):
            await peer.send(f'[2,"{number}","Heartbeat",{{}}]')
            await peer.receive()
    assert len(written) == 2 * CALLS, "one by either side"


async def test_a_call_of_ours_takes_at_most_2_steps_beside_the_callers() -> None:
    """One reads the answer; after another, in which its caller acts on it, what came behind it is read."""
    steps = Steps()
    async with endpoint_on_a_socket() as (endpoint, peer), trio.open_nursery() as nursery:

        async def accept_all() -> None:
            while True:
                [_, message_id, *_] = (await peer.receive()).split('"', 2)
                await peer.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')

        nursery.start_soon(accept_all)
        await endpoint.call("ClearCache", {})
        trio.lowlevel.add_instrument(steps)
        for _ in range(CALLS):
            await endpoint.call("ClearCache", {})
        trio.lowlevel.remove_instrument(steps)
        nursery.cancel_scope.cancel()
    print(f"{steps.taken / CALLS:g} task steps for each CALL of ours")
    assert steps.taken / CALLS <= 2.1
