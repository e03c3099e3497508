"""REST on a real socket: what the framework and the server make of clients that misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from socket import create_connection
from urllib.parse import urlsplit

import pytest
import trio

from csms.api import serve_api
from tests.csms.fake_station import PATIENCE_S
from tests.csms.site import Site

SOON_S = 10.0


class Server:
    """A CSMS in memory, in real time, whose REST interface is on a socket."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.site = Site(nursery)
        self.address = ("", 0)
        self._stop = trio.Event()
        self._ended = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[str]) -> None:
        await serve_api(self.site.csms.api, "127.0.0.1", 0, self._stop, task_status=task_status)
        self._ended.set()

    async def stop(self) -> float:
        """Ask for the end; how long it took."""
        started = trio.current_time()
        self._stop.set()
        with trio.fail_after(PATIENCE_S):
            await self._ended.wait()
        return trio.current_time() - started

    async def dial(self, request: bytes = b"") -> trio.SocketStream:
        """A connection, on which `request` was sent."""
        stream = await trio.open_tcp_stream(*self.address)
        await stream.send_all(request)
        return stream


@pytest.fixture
async def server(nursery: trio.Nursery) -> AsyncIterator[Server]:
    server = Server(nursery)
    url = urlsplit(await nursery.start(server.run))
    server.address = (str(url.hostname), int(url.port or 0))
    with trio.fail_after(60):
        yield server
        await server.stop()


def request(method: str, path: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length or len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def read_to_end(stream: trio.SocketStream) -> bytes:
    received = b""
    with trio.fail_after(SOON_S):
        while data := await stream.receive_some():
            received += data
    return received


async def test_it_is_http(server: Server) -> None:
    await server.site.connect()
    async with await server.dial(request("GET", "/list", b"", "Connection: close")) as stream:
        head, _, body = (await read_to_end(stream)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"content-type: application/json" in head
    assert b"hypercorn" not in head
    assert body == b'{"cp_ids": ["CP_1"]}\n'


async def test_many_may_connect_at_the_same_moment(server: Server) -> None:
    with ExitStack() as connections:
        for _ in range(500):  # blocking, so that the server cannot accept any meanwhile
            connections.enter_context(create_connection(server.address, timeout=0.5))
    async with await server.dial(request("GET", "/list", b"", "Connection: close")) as stream:
        assert b"200" in await read_to_end(stream)


async def test_a_client_that_goes_away_takes_what_waits_along(server: Server) -> None:
    station = await server.site.connect_ready()
    call = partial(request, "POST", "/api/v1/stations/CP_1/calls/GetTransactionStatus")
    async with await server.dial(call(b'{"transactionId": "1"}')) as first:
        message_id, _ = await station.expect("GetTransactionStatus")
        async with await server.dial(call(b'{"transactionId": "2"}')):
            await until_waiting(server, 1)
        async with await server.dial(call(b'{"transactionId": "3"}')):
            await until_waiting(server, 2)
            await station.send([3, message_id, {"messagesInQueue": False}])
            assert b"200" in bytes(await first.receive_some())
            asked = await station.answer("GetTransactionStatus", {"messagesInQueue": False})
    assert asked == {"transactionId": "3"}


async def until_waiting(server: Server, calls: int) -> None:
    """Return when that many calls wait for CP_1."""
    seat = server.site.csms.switchboard.find("CP_1")
    assert seat is not None
    with trio.fail_after(SOON_S):
        while seat.commands.statistics().current_buffer_used < calls:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.01)


async def test_a_body_that_does_not_come_is_not_waited_for_forever(server: Server) -> None:
    server.site.csms.api.config["BODY_TIMEOUT"] = 0.1
    async with await server.dial(request("PUT", "/api/v1/stations/CP_1", b"{", length=100)) as stream:
        with trio.fail_after(SOON_S):
            assert bytes(await stream.receive_some()).startswith(b"HTTP/1.1 408")
    async with await server.dial(request("GET", "/list", b"", "Connection: close")) as stream:
        assert b"200" in await read_to_end(stream)


async def test_a_body_that_is_said_to_be_too_large_is_refused_before_it_comes(server: Server) -> None:
    async with await server.dial(request("PUT", "/api/v1/stations/CP_1", b"{", length=2**40)) as stream:
        with trio.fail_after(SOON_S):
            assert bytes(await stream.receive_some()).startswith(b"HTTP/1.1 413")


async def test_a_body_that_grows_too_large_is_refused(server: Server) -> None:
    head = b"PUT /api/v1/stations/CP_1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with await server.dial(head) as stream, trio.open_nursery() as nursery:

        async def send() -> None:
            try:
                for _ in range(40):
                    await stream.send_all(chunk)
            except trio.BrokenResourceError:
                pass  # it was refused

        nursery.start_soon(send)
        with trio.fail_after(SOON_S):
            assert bytes(await stream.receive_some()).startswith(b"HTTP/1.1 413")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01" + b"\x00" * 300, b"GET\r\n\r\n", b"A" * 100_000])
async def test_garbage_is_turned_away(server: Server, garbage: bytes) -> None:
    async with await server.dial() as stream:
        try:
            await stream.send_all(garbage)
            await stream.send_eof()
            answer = await read_to_end(stream)
        except trio.BrokenResourceError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    async with await server.dial(request("GET", "/list", b"", "Connection: close")) as stream:
        assert b"200" in await read_to_end(stream)


async def test_the_end_waits_for_requests_under_way_but_not_for_idle_connections(server: Server) -> None:
    station = await server.site.connect_ready()
    async with await server.dial(request("GET", "/healthz")) as idle:
        assert b"200" in bytes(await idle.receive_some())
        async with await server.dial(request("POST", "/reserve/CP_1")) as busy, trio.open_nursery() as nursery:
            message_id, _ = await station.expect("ReserveNow")
            nursery.start_soon(server.stop)
            await trio.sleep(0.1)
            await station.send([3, message_id, {"status": "Accepted"}])
            assert b'{"status": "Accepted"}' in await read_to_end(busy)
    assert await server.stop() < 1
