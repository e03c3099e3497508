"""Our WebSocket against other people's, on real sockets with the real clock."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import NoReturn

import pytest
import trio
import trio.testing
import trio_websocket
import trustme
import websockets.exceptions
import websockets.sync.client
from trio.testing import MockClock
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from shared.handshake import Refusal, accept, connect, open_stream
from shared.websocket import MAX_MESSAGE_BYTES, Patience, WebSocket, WebSocketClosed
from tests.shared.wire import (
    SUBPROTOCOL,
    Ours,
    StreamPair,
    both,
    choose_subprotocol,
    end_of,
    open_foreign,
    open_pair,
    welcome,
)

TEXTS = ["", "short", "ä€𝄞" * 1000, "x" * MAX_MESSAGE_BYTES]
LIMIT_S = 10  # on the real clock: reached only when something hangs


async def tcp_pair() -> StreamPair:
    """The two ends of one TCP connection."""
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        near, far = await both(listener.accept, partial(trio.testing.open_stream_to_socket_listener, listener))
    return near, far


async def echo(ws: WebSocket) -> tuple[int, str]:
    """Send everything back until the peer says goodbye."""
    async with ws:
        while True:
            try:
                await ws.send(await ws.receive())
            except WebSocketClosed as closed:
                return closed.code, closed.reason


@asynccontextmanager
async def our_server(
    serve: Callable[[WebSocket], Awaitable[object]], decide: Callable[[Request], Awaitable[None]] = welcome
) -> AsyncIterator[int]:
    """Our server, for as long as the block; its port."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            with suppress(Refusal):
                await serve(await accept(stream, decide, choose_subprotocol, Patience()))

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        with trio.fail_after(LIMIT_S):
            yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def trio_websocket_server(
    serve: Callable[[trio_websocket.WebSocketConnection], Awaitable[None]],
) -> AsyncIterator[int]:
    """A server of trio-websocket's, for as long as the block; its port."""

    async def handle(request: trio_websocket.WebSocketRequest) -> None:
        await serve(await request.accept(subprotocol=SUBPROTOCOL))

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(trio_websocket.serve_websocket, handle, "127.0.0.1", 0, ssl_context=None))
        with trio.fail_after(LIMIT_S):
            yield server.port
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def trio_websocket_client(port: int, *subprotocols: str) -> AsyncIterator[trio_websocket.WebSocketConnection]:
    """A client of trio-websocket's, whose socket is closed in any case: it leaves that out when the server is first."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream, trio.open_nursery() as nursery:
        yield await trio_websocket.wrap_client_stream(
            nursery, stream, f"127.0.0.1:{port}", "/CP_1", subprotocols=list(subprotocols)
        )
        nursery.cancel_scope.cancel()


class TestTrioWebsocketAsClient:
    async def test_talks_to_our_server(self) -> None:
        async with our_server(echo) as port, trio_websocket_client(port, "ocpp1.6", SUBPROTOCOL) as ws:
            assert ws.subprotocol == SUBPROTOCOL
            for text in TEXTS:
                await ws.send_message(text)
                assert await ws.get_message() == text
            await ws.ping()

    async def test_is_told_why_our_server_closes(self) -> None:
        async with our_server(lambda ws: ws.close(1001, "going away")) as port, trio_websocket_client(port) as ws:
            with pytest.raises(trio_websocket.ConnectionClosed) as closed:
                await ws.get_message()
        assert closed.value.reason is not None
        assert (closed.value.reason.code, closed.value.reason.reason) == (1001, "going away")

    async def test_tells_our_server_why_it_closes(self) -> None:
        tell, ends = trio.open_memory_channel[tuple[int, str]](1)

        async def serve(ws: WebSocket) -> None:
            await tell.send(await echo(ws))

        async with our_server(serve) as port, trio_websocket_client(port) as ws:
            await ws.aclose(4001, "enough")
            assert await ends.receive() == (4001, "enough")


class TestTrioWebsocketAsServer:
    async def test_talks_to_our_client(self) -> None:
        async def serve(ws: trio_websocket.WebSocketConnection) -> None:
            for _ in TEXTS:
                await ws.send_message(await ws.get_message())
            await ws.aclose(1001, "going away")

        async with trio_websocket_server(serve) as port:
            url = f"ws://127.0.0.1:{port}/CP_1"
            async with await connect(await open_stream(url), url, {}, [SUBPROTOCOL], Patience()) as ws:
                assert ws.subprotocol == SUBPROTOCOL
                for text in TEXTS:
                    await ws.send(text)
                    assert await ws.receive() == text
                assert await end_of(ws) == (1001, "going away")

    async def test_is_told_why_our_client_closes(self) -> None:
        tell, ends = trio.open_memory_channel[trio_websocket.CloseReason | None](1)

        async def serve(ws: trio_websocket.WebSocketConnection) -> None:
            try:
                await ws.get_message()
            except trio_websocket.ConnectionClosed as closed:
                await tell.send(closed.reason)

        async with trio_websocket_server(serve) as port:
            url = f"ws://127.0.0.1:{port}/CP_1"
            async with await connect(await open_stream(url), url, {}, [SUBPROTOCOL], Patience()) as ws:
                await both(ws.ping, lambda: receive_for(ws, 0.05))
                await ws.close(1000, "done")
            end = await ends.receive()
        assert end is not None
        assert (end.code, end.reason) == (1000, "done")


async def receive_for(ws: WebSocket, seconds: float) -> None:
    """Receive for a moment, so that what comes in between is answered."""
    with trio.move_on_after(seconds):
        await ws.receive()


class TestWebsocketsAsClient:
    """With its own idea of compression: contexts of 4 KB that live on from message to message."""

    async def test_talks_to_our_server_compressed(self) -> None:
        def converse(port: int) -> None:
            with websockets.sync.client.connect(
                f"ws://127.0.0.1:{port}/CP_1", subprotocols=[websockets.Subprotocol(SUBPROTOCOL)], proxy=None
            ) as ws:
                assert ws.response is not None
                assert "permessage-deflate" in ws.response.headers["Sec-WebSocket-Extensions"]
                for text in TEXTS:
                    ws.send(text)
                    assert ws.recv(timeout=LIMIT_S) == text
                ws.send(["in ", "frag", "ments ", "x" * 10_000])
                assert ws.recv(timeout=LIMIT_S) == "in fragments " + "x" * 10_000
                assert ws.ping().wait(LIMIT_S)

        async with our_server(echo) as port:
            await trio.to_thread.run_sync(converse, port, abandon_on_cancel=True)

    async def test_is_told_that_its_message_is_too_long(self) -> None:
        def converse(port: int) -> int | None:
            with websockets.sync.client.connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None) as ws:
                with suppress(websockets.exceptions.ConnectionClosed):
                    ws.send("x" * (8 * MAX_MESSAGE_BYTES))
                    ws.recv(timeout=LIMIT_S)
                return ws.close_code

        async with our_server(echo) as port:
            assert await trio.to_thread.run_sync(converse, port, abandon_on_cancel=True) == 1009

    async def test_is_told_that_it_is_refused(self) -> None:
        async def decide(_request: Request) -> None:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "Wrong password", {"WWW-Authenticate": "Basic"})

        def attempt(port: int) -> None:
            with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
                websockets.sync.client.connect(f"ws://127.0.0.1:{port}/", proxy=None)
            assert refused.value.response.status_code == 401
            assert refused.value.response.headers["WWW-Authenticate"] == "Basic"

        async with our_server(echo, decide) as port:
            await trio.to_thread.run_sync(attempt, port, abandon_on_cancel=True)


class TestOverTcp:
    async def test_a_client_still_sending_is_told_1009(self) -> None:
        with trio.fail_after(LIMIT_S):
            ws, foreign = await open_foreign(Ours.SERVER, await tcp_pair())
            sent = trio.Event()

            async def send() -> None:
                await foreign.send(Frame(Opcode.TEXT, b"x" * (8 * MAX_MESSAGE_BYTES)))
                sent.set()

            async def read() -> tuple[int, str]:
                last = await foreign.close_frame()
                await sent.wait()
                await foreign.stream.aclose()
                return last

            async with ws:
                results = await both(lambda: end_of(ws), read, send)
        assert [code for code, _reason in results[:2]] == [1009, 1009]

    async def test_a_peer_that_resets_the_connection_is_gone(self) -> None:
        with trio.fail_after(LIMIT_S):
            ws, foreign = await open_foreign(Ours.SERVER, await tcp_pair())
            assert isinstance(foreign.stream, trio.SocketStream)
            foreign.stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await foreign.stream.aclose()
            async with ws:
                assert (await end_of(ws))[0] == 1006
                with pytest.raises(WebSocketClosed):
                    await ws.send("[]")

    async def test_a_peer_that_does_not_read_is_given_up(self) -> None:
        with trio.fail_after(LIMIT_S):
            ws, foreign = await open_foreign(Ours.SERVER, await tcp_pair(), patience=Patience(send_timeout_s=0.05))
            async with ws, foreign.stream:
                with pytest.raises(WebSocketClosed) as closed:
                    await send_for_ever(ws)
        assert closed.value.reason == "peer does not read"


async def send_for_ever(ws: WebSocket) -> NoReturn:
    while True:
        await ws.send("x" * MAX_MESSAGE_BYTES)


class TestOverTls:
    """In virtual time: a TLS stream cannot be closed half, and has more to it than what our side sends."""

    @pytest.fixture
    def streams(self) -> StreamPair:
        authority = trustme.CA()
        server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
        authority.issue_cert("csms.example").configure_cert(server)
        authority.configure_trust(client)
        near, far = trio.testing.memory_stream_pair()
        return (
            trio.SSLStream(near, server, server_side=True),
            trio.SSLStream(far, client, server_hostname="csms.example", https_compatible=True),
        )

    async def test_messages_pings_and_goodbyes_are_the_same(
        self, streams: StreamPair, autojump_clock: MockClock
    ) -> None:
        server, client = await open_pair(streams)
        start = trio.current_time()

        async def converse() -> None:
            for text in TEXTS:
                await client.send(text)
                assert await client.receive() == text
            await both(client.ping, lambda: receive_for(client, 0.1))
            await client.close(4001, "enough")

        end, _ = await both(lambda: echo(server), converse)
        assert end == (4001, "enough")
        assert trio.current_time() - start < 1

    async def test_a_failure_is_told(self, streams: StreamPair, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, streams)
        await foreign.send(Frame(Opcode.BINARY, b"[]"))
        results = await both(lambda: end_of(ws), foreign.close_frame)
        assert [code for code, _reason in results] == [1003, 1003]

    async def test_a_dead_peer_is_found(self, streams: StreamPair, autojump_clock: MockClock) -> None:
        ws, _foreign = await open_foreign(Ours.SERVER, streams, patience=Patience(ping_interval_s=10))
        start = trio.current_time()
        async with ws:
            assert await end_of(ws) == (1006, "no answer to ping")
        assert trio.current_time() - start == pytest.approx(20)

    async def test_closing_while_another_task_receives_and_the_peer_is_dead(
        self, streams: StreamPair, autojump_clock: MockClock
    ) -> None:
        ws, _foreign = await open_foreign(Ours.SERVER, streams)
        end, _ = await both(lambda: end_of(ws), lambda: ws.close(1001, "bye"))
        assert end == (1001, "bye")

    async def test_a_client_that_does_not_trust_the_server_is_gone(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trustme.CA().issue_cert("csms.example").configure_cert(context)
        client = trio.SSLStream(far, ssl.create_default_context(), server_hostname="csms.example")

        async def attempt() -> None:
            with pytest.raises(WebSocketClosed):
                await connect(client, "wss://csms.example/CP_1", {}, [SUBPROTOCOL], Patience())
            await trio.aclose_forcefully(far)

        async def serve() -> None:
            with pytest.raises(WebSocketClosed):
                await accept(trio.SSLStream(near, context, server_side=True), welcome, choose_subprotocol, Patience())

        await both(attempt, serve)
