"""The wire between a CSMS and its PostgreSQL: TCP on loopback that is cut, or stands still, where a test wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import trio
from pgserver.postgres_server import PostgresServer

from tests.processes import DEADLINE_S, HOST

_COMMIT: Final = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""A client asks for it, in a message of its own."""
_COMMITTED: Final = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""The server has done it: the beginning of its answer."""
_READ_BYTES: Final = 65536


class Wire:
    """Connections to a server. url: what a CSMS connects to."""

    def __init__(self, server: PostgresServer, port: int) -> None:
        self.url = f"postgresql+psycopg://postgres@{HOST}:{port}/postgres"
        self._socket = f"{server.get_postmaster_info().socket_dir}/.s.PGSQL.5432"
        self._flows = _set_event()
        self._commits_flow = _set_event()
        self._held_commits = 0
        self._changed = trio.lowlevel.ParkingLot()
        self._cut_next = False

    async def cut_commit(self) -> None:
        """Cut off the next connection whose COMMIT the server has done, before the client hears of it."""
        self._cut_next = True
        with trio.fail_after(DEADLINE_S):
            while self._cut_next:
                await self._changed.park()

    async def holds_commit(self) -> None:
        """Wait until a COMMIT is held up."""
        with trio.fail_after(DEADLINE_S):
            while not self._held_commits:
                await self._changed.park()

    @contextmanager
    def holding_commits(self) -> Iterator[None]:
        """Throughout the block no COMMIT reaches the server; all else does."""
        self._commits_flow = trio.Event()
        try:
            yield
        finally:
            self._commits_flow.set()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Throughout the block nothing comes through, and no connection ends."""
        self._flows = trio.Event()
        try:
            yield
        finally:
            self._flows.set()

    async def carry(self, client: trio.SocketStream) -> None:
        """One connection, to its end."""
        server = await trio.open_unix_socket(self._socket)
        async with client, server, trio.open_nursery() as nursery:

            async def carry(one_way: Callable[[trio.SocketStream, trio.SocketStream], Awaitable[None]]) -> None:
                with suppress(trio.BrokenResourceError):
                    await one_way(client, server)
                nursery.cancel_scope.cancel()

            nursery.start_soon(carry, self._to_server)
            nursery.start_soon(carry, self._to_client)

    async def _to_server(self, client: trio.SocketStream, server: trio.SocketStream) -> None:
        while data := await client.receive_some(_READ_BYTES):
            await self._flows.wait()
            if _COMMIT in data and not self._commits_flow.is_set():
                self._held_commits += 1
                self._changed.unpark_all()
                await self._commits_flow.wait()
                self._held_commits -= 1
            await server.send_all(data)

    async def _to_client(self, client: trio.SocketStream, server: trio.SocketStream) -> None:
        while data := await server.receive_some(_READ_BYTES):
            await self._flows.wait()
            if _COMMITTED in data and self._cut_next:
                self._cut_next = False
                self._changed.unpark_all()
                return
            await client.send_all(data)


def _set_event() -> trio.Event:
    event = trio.Event()
    event.set()
    return event


@asynccontextmanager
async def open_wire(server: PostgresServer) -> AsyncIterator[Wire]:
    """A wire to a server that runs; at the end of the block its connections are cut."""
    [listener] = await trio.open_tcp_listeners(0, host=HOST)
    wire = Wire(server, listener.socket.getsockname()[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, wire.carry, [listener])
        yield wire
        nursery.cancel_scope.cancel()
