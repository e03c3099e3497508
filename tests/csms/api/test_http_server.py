"""REST on real sockets: what a client does with its connection does not trouble others, nor the end of the program."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import cast

import pytest
import trio

from csms.app import Csms
from csms.passwords import Passwords
from csms.registry import Registry, Station
from csms.settings import Settings
from csms.store import open_store
from csms.switchboard import Seat
from shared.clock import SystemClock
from shared.message_log import Exchange
from shared.rest.http_server import GRACE_S

PATIENCE_S = 20.0


@dataclass
class Running:
    """A CSMS that serves, until `stop`."""

    csms: Csms
    port: int
    stop: trio.Event
    ended: trio.Event

    async def dial(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    options = Settings(host="127.0.0.1", port=0, api_port=0, api_token="token")
    async with open_store(f"sqlite:///{folder / 'csms.db'}") as store, trio.open_nursery() as nursery:
        csms = Csms(options, SystemClock(), Random(7), Passwords(), store)  # noqa: S311 - nothing depends on chance here
        stop, ended = trio.Event(), trio.Event()

        async def run(*, task_status: trio.TaskStatus[tuple[int, str]]) -> None:
            await csms.run(stop, task_status=task_status)
            ended.set()

        _, url = await nursery.start(run)
        with trio.fail_after(PATIENCE_S):
            yield Running(csms, int(url.rpartition(":")[2]), stop, ended)
            stop.set()
            await ended.wait()


def request(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


async def read_until(stream: trio.SocketStream, wanted: bytes) -> bytes:
    """What comes, up to something that is wanted; b"" within is the end."""
    found = b""
    while wanted not in found:
        piece = await stream.receive_some()
        if not piece:
            raise EOFError(found)
        found += piece
    return found


async def happen(csms: Csms, number: int) -> None:
    await csms.store.commit(csms.events.change("station.booted", "CP_1", {"number": number}))


@pytest.mark.parametrize(
    ("line", "status"),
    [("POST /reserve", "401"), ("POST /api/v1/reservations", "401"), ("DELETE /healthz", "405"), ("POST /no", "401")],
)
async def test_a_body_nobody_wanted_does_not_cost_the_connection(tmp_path: Path, line: str, status: str) -> None:
    async with running(tmp_path) as server, await server.dial() as stream:
        for _ in range(3):
            await stream.send_all(request(line, "Content-Length: 2"))
            await trio.sleep(0.02)  # the body comes later, as many clients have it
            await stream.send_all(b"{}")
            assert (await read_until(stream, b"}")).startswith(f"HTTP/1.1 {status}".encode())
        await stream.send_all(request("GET /healthz"))
        assert b"200" in await read_until(stream, b"ok")


async def test_a_body_that_is_too_long_is_refused_and_ends_the_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as server, await server.dial() as stream:
        await stream.send_all(request("POST /reserve", "Authorization: Bearer token", "Content-Length: 9999999"))
        with pytest.raises(EOFError) as end:
            await read_until(stream, b"nothing of the kind")
        assert end.value.args[0].startswith(b"HTTP/1.1 413")


async def test_an_event_reaches_a_client_and_the_stream_ends_at_once_when_the_csms_does(tmp_path: Path) -> None:
    async with running(tmp_path) as server, await server.dial() as stream:
        await stream.send_all(request("GET /api/v1/events", "Authorization: Bearer token"))
        assert b"text/event-stream" in await read_until(stream, b"id: 0\n\n")
        await happen(server.csms, 7)
        assert b"event: station.booted" in await read_until(stream, b'"number":7}}\n\n')
        before = trio.current_time()
        server.stop.set()
        with pytest.raises(EOFError):
            await read_until(stream, b"nothing of the kind")
        await server.ended.wait()
        assert trio.current_time() - before < GRACE_S / 2


async def test_clients_that_read_nothing_of_their_events_do_not_prevent_the_end(tmp_path: Path) -> None:
    async with running(tmp_path) as server, await server.dial() as stream:
        change = partial(server.csms.events.change, "station.booted", "CP_1", {"filling": "x" * 10_000})
        await server.csms.store.commit(*(change() for _ in range(2_000)))  # more than sockets buffer
        await stream.send_all(request("GET /api/v1/events?after=0", "Authorization: Bearer token"))
        await read_until(stream, b"text/event-stream")
        await trio.sleep(0.5)
        before = trio.current_time()
        server.stop.set()
        await server.ended.wait()
        assert trio.current_time() - before < 2 * GRACE_S


async def test_what_was_said_last_is_in_the_message_log_when_the_csms_has_ended(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        server.csms.messages.record(Exchange("CP_1", "received", "Heartbeat", "1", {}, {}, None, 0.0))
        server.stop.set()
        await server.ended.wait()
        assert server.csms.messages.waiting == 0


class LateSpeaker:
    """A connection whose station is heard once more while it is told goodbye."""

    def __init__(self, station: Station, moment: datetime) -> None:
        self.station_id = station.station_id
        self._station = station
        self._moment = moment

    async def close(self, _code: int, _reason: str) -> None:
        await trio.lowlevel.checkpoint()
        self._station.last_seen = self._moment


async def test_a_station_heard_during_its_goodbye_was_seen_then(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 22, 3, 52, 53, tzinfo=UTC)
    async with running(tmp_path) as server:
        station = await server.csms.registry.put("CP_1")
        server.csms.switchboard.join(cast(Seat, LateSpeaker(station, moment)))
        server.stop.set()
        await server.ended.wait()
    async with open_store(f"sqlite:///{tmp_path / 'csms.db'}") as store:
        registry = Registry(store, SystemClock())
        await registry.load()
        assert [one.last_seen for one in registry] == [moment]
