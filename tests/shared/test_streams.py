"""Real sockets are read and written past Trio's stream, so these tests run on real sockets and the real clock."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from websockets.client import ClientProtocol
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from shared.streams import receive_some, send_now
from shared.websocket import Patience, WebSocket, WebSocketClosed


@asynccontextmanager
async def socket_pair() -> AsyncIterator[tuple[trio.SocketStream, trio.SocketStream]]:
    ours, theirs = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair())
    async with ours, theirs:
        with trio.fail_after(20):
            yield ours, theirs


@asynccontextmanager
async def websocket_pair(patience: Patience | None = None) -> AsyncIterator[tuple[WebSocket, WebSocket]]:
    patience = patience or Patience()
    async with (
        socket_pair() as (one, other),
        WebSocket(one, ServerProtocol(state=OPEN), patience) as server,
        WebSocket(other, ClientProtocol(parse_uri("ws://x/"), state=OPEN), patience) as client,
    ):
        yield server, client


async def test_what_is_sent_at_once_is_received() -> None:
    async with socket_pair() as (ours, theirs):
        assert send_now(ours, b"hello") == 5
        assert await receive_some(theirs, 100) == b"hello"


async def test_a_full_socket_takes_a_part_and_then_nothing() -> None:
    async with socket_pair() as (ours, _theirs):
        data = b"x" * 2**24
        assert 0 < send_now(ours, data) < len(data)
        assert send_now(ours, data) == 0


async def test_the_end_of_the_stream_is_received_as_nothing() -> None:
    async with socket_pair() as (ours, theirs):
        await ours.send_eof()
        assert await receive_some(theirs, 100) == b""


async def test_a_socket_closed_on_this_side_is_neither_read_nor_written_nor_mistaken_for_another() -> None:
    async with socket_pair() as (ours, theirs):
        number = ours.socket.fileno()
        await ours.aclose()
        one, other = socket.socketpair()
        with one, other:
            assert number in (one.fileno(), other.fileno())
            with pytest.raises(trio.ClosedResourceError):
                send_now(ours, b"x")
            with pytest.raises(trio.ClosedResourceError):
                await receive_some(ours, 1)
        assert await receive_some(theirs, 100) == b""


async def test_who_waits_to_read_hears_that_the_socket_was_closed_on_this_side() -> None:
    async with socket_pair() as (ours, _theirs), trio.open_nursery() as nursery:

        async def read() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await receive_some(ours, 1)

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        await ours.aclose()


async def test_a_socket_whose_peer_has_gone_is_broken() -> None:
    async with socket_pair() as (ours, theirs):
        await theirs.aclose()
        with pytest.raises(trio.BrokenResourceError):
            send_now(ours, b"x")


async def test_long_messages_of_many_senders_arrive_whole_while_the_peer_reads_slowly() -> None:
    texts = [str(number) * 300_000 for number in range(8)]
    async with websocket_pair() as (server, client), trio.open_nursery() as nursery:
        for text in texts:
            nursery.start_soon(server.send, text)
        await trio.testing.wait_all_tasks_blocked(0.01)
        received = [await client.receive() for _ in texts]
    assert sorted(received) == texts


async def test_a_cancelled_sender_leaves_no_half_frame_on_a_full_socket() -> None:
    impatient = trio.CancelScope()

    async def send_and_be_cancelled(server: WebSocket) -> None:
        with impatient:
            await server.send("a" * 1_000_000)

    async with websocket_pair() as (server, client), trio.open_nursery() as nursery:
        nursery.start_soon(send_and_be_cancelled, server)
        await trio.testing.wait_all_tasks_blocked(0.01)
        impatient.cancel()
        nursery.start_soon(server.send, "b")
        assert await client.receive() == "a" * 1_000_000
        assert await client.receive() == "b"


async def test_a_peer_that_does_not_read_is_cut_off() -> None:
    async with websocket_pair(Patience(send_timeout_s=0.05)) as (server, _client):
        with pytest.raises(WebSocketClosed, match="does not read"):
            await server.send("a" * 1_000_000)
        with pytest.raises(WebSocketClosed, match="does not read"):
            await server.receive()
