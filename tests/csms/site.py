"""A CSMS in memory and in virtual time, with everything a test needs to be its stations and its operator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import trio
import trio.testing
from sqlalchemy import Engine, select, text
from trio.testing import MockClock

from csms.app import Csms
from csms.passwords import Passwords
from csms.settings import Settings
from csms.store import Store
from csms.store.database import open_engine
from csms.store.tables import events
from shared.clock import TrioClock
from shared.handshake import basic_authorization, connect
from shared.websocket import Patience
from tests.csms.fake_station import PATIENCE_S, FakeStation
from tests.csms.rest import Answer, Asking

START: Final = datetime(2026, 11, 22, 3, 52, 53, 938_000, tzinfo=UTC)
PASSWORD: Final = "station-password-1"
NO_PINGS: Final = Patience(ping_interval_s=0)


def in_virtual_time(
    function: Callable[[], Awaitable[None]], *, clock: None, instruments: Sequence[trio.abc.Instrument]
) -> None:
    """Run a test whose waits take no time. Not for one that waits for sockets or threads.

    As pytest.mark.trio(run=…) wants it; clock is what it passes for a test that has no clock of its own.
    """
    trio.run(function, clock=MockClock(autojump_threshold=0), instruments=instruments)


class PlainPasswords(Passwords):
    """Hashes without a thread: virtual time takes the wait for one for idleness, and jumps over it."""

    async def hash(self, password: str) -> str:
        await trio.lowlevel.checkpoint()
        return f"hash of {password}"

    async def verify(self, password_hash: str, password: str) -> bool:
        await trio.lowlevel.checkpoint()
        return password_hash == f"hash of {password}"


async def without_thread(function: Callable[[], Any]) -> Any:
    """Does what blocks at once, for virtual time does not wait for threads."""
    await trio.lowlevel.checkpoint()
    return function()


class MemoryListener(trio.abc.Listener[trio.abc.Stream]):
    """A port of the network in memory."""

    def __init__(self) -> None:
        self._dialled, self._waiting = trio.open_memory_channel[trio.abc.Stream](0)

    async def accept(self) -> trio.abc.Stream:
        try:
            return await self._waiting.receive()
        except trio.ClosedResourceError:
            raise trio.ClosedResourceError("the port was closed") from None

    async def aclose(self) -> None:
        self._waiting.close()

    async def dial(self) -> trio.abc.Stream:
        """Raises trio.BrokenResourceError when nobody listens any more."""
        here, there = trio.testing.memory_stream_pair()
        await self._dialled.send(there)
        return here


class Life:
    """One run of a CSMS, from its start until it is killed."""

    def __init__(self, nursery: trio.Nursery, engine: Engine, csms: Callable[[Store], Csms]) -> None:
        self._nursery = nursery
        self._scopes: list[trio.CancelScope] = []
        self._is_over = False
        self.may_write = trio.Event()
        self.may_write.set()
        self.store = Store(engine, self._write_without_thread, self._without_thread)
        self.csms = csms(self.store)
        self.spawn(self.store.writer.run)

    async def start(self) -> None:
        """Read what an earlier life left, and work on."""
        await self.csms.load()
        self.spawn(self.csms.work)

    def spawn(self, function: Callable[..., Awaitable[object]], *args: object) -> None:
        """Do something for as long as this life lasts."""
        scope = trio.CancelScope()
        self._scopes.append(scope)
        self._nursery.start_soon(self._run, scope, function, *args)

    def kill(self) -> None:
        """As kill -9: from now on nothing of it is done, and above all nothing written."""
        self._is_over = True
        for scope in self._scopes:
            scope.cancel()

    async def _run(self, scope: trio.CancelScope, function: Callable[..., Awaitable[object]], *args: object) -> None:
        with scope:
            await function(*args)

    async def _write_without_thread(self, function: Callable[[], Any]) -> Any:
        await self.may_write.wait()
        return await self._without_thread(function)

    async def _without_thread(self, function: Callable[[], Any]) -> Any:
        result = await without_thread(function) if not self._is_over else None
        if self._is_over:
            await trio.sleep_forever()
        return result


class Site:
    """One CSMS, its network and its operator. options: its Settings."""

    def __init__(self, nursery: trio.Nursery, **options: Any) -> None:
        self._nursery = nursery
        self._settings = Settings(**options)
        self._engine = open_engine("sqlite://")
        self._random = Random(7)  # noqa: S311 - to be the same every time
        self.clock = TrioClock(START)
        self._begin_life()
        self._life.spawn(self._life.start)

    def _begin_life(self) -> None:
        def csms(store: Store) -> Csms:
            return Csms(self._settings, self.clock, self._random, PlainPasswords(), store)

        self._life = Life(self._nursery, self._engine, csms)
        self.store, self.csms = self._life.store, self._life.csms

    def break_store(self) -> None:
        """From now on the database takes no writes."""
        self._pragma("query_only=ON")

    def mend_store(self) -> None:
        """It does again."""
        self._pragma("query_only=OFF")

    def hold_store(self) -> None:
        """From now on the database takes its time with what is written."""
        self._life.may_write = trio.Event()

    def release_store(self) -> None:
        """It has done it."""
        self._life.may_write.set()

    def _pragma(self, pragma: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(f"PRAGMA {pragma}"))

    def kill(self) -> None:
        """End the CSMS as kill -9 does."""
        self._life.kill()

    async def restart(self) -> None:
        """Kill the CSMS, and start another on the same database."""
        self.kill()
        await settle()
        self._begin_life()
        await self._life.start()

    async def events(self, event_type: str | None = None) -> list[tuple[str, str | None, dict[str, Any]]]:
        """The events written so far: type, station and data; of one type, or of all."""
        query = select(events).order_by(events.c.event_id)
        rows = await self.store.read(lambda connection: list(connection.execute(query)))
        return [
            (row.event_type, row.station_id, json.loads(row.data))
            for row in rows
            if event_type in (None, row.event_type)
        ]

    # --- stations -----------------------------------------------------------------------------------------------------

    def dial(self) -> trio.abc.Stream:
        """A connection to the stations' port on which nothing was said yet."""
        here, there = trio.testing.memory_stream_pair()
        self._life.spawn(self.csms.gateway.handle, there)
        return here

    async def connect(
        self,
        identity: str = "CP_1",
        password: str = PASSWORD,
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = ("ocpp2.0.1",),
        stream: trio.abc.Stream | None = None,
    ) -> FakeStation:
        """A station that has connected and said nothing yet. Raises HandshakeRefused."""
        stream = self.dial() if stream is None else stream
        if headers is None:
            headers = {"Authorization": basic_authorization(identity, password)}
        with trio.fail_after(PATIENCE_S):
            ws = await connect(
                stream, f"ws://csms.example{path or f'/ocpp/{identity}'}", headers, subprotocols, NO_PINGS
            )
        return FakeStation(self._nursery, stream, ws)

    async def connect_ready(self, identity: str = "CP_1", *, evses: int = 1) -> FakeStation:
        """A station that was accepted and has reported one Available connector of each EVSE."""
        station = await self.connect(identity)
        assert (await station.boot())["status"] == "Accepted"
        for evse_id in range(1, evses + 1):
            await station.report_status("Available", evse_id)
        return station

    def state(self, identity: str = "CP_1") -> str | None:
        """Where the station is in its lifecycle; None: not connected."""
        seat = self.csms.switchboard.find(identity)
        return None if seat is None else seat.state.value

    # --- the operator -------------------------------------------------------------------------------------------------

    def ask_later(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Asking:
        """Start a REST request and go on. body: JSON, data: anything."""
        if data is None:
            data = b"" if body is None else json.dumps(body)
        if isinstance(data, str):
            data = data.encode()
        asking = Asking(self.csms.api, method, path, data, headers or {})
        self._nursery.start_soon(asking.run)
        return asking

    async def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        """One REST request; as ask_later has it."""
        return await self.ask_later(method, path, body, **more).get()

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: object = None, **more: Any) -> Answer:
        return await self.ask("POST", path, body, **more)

    async def put(self, path: str, body: object = None, **more: Any) -> Answer:
        return await self.ask("PUT", path, body, **more)

    async def patch(self, path: str, body: object = None, **more: Any) -> Answer:
        return await self.ask("PATCH", path, body, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.ask("DELETE", path, **more)

    def post_later(self, path: str, body: object = None) -> Asking:
        return self.ask_later("POST", path, body)

    def delete_later(self, path: str) -> Asking:
        return self.ask_later("DELETE", path)

    async def call(self, action: str, payload: object = None, *, identity: str = "CP_1") -> Answer:
        """Have the CSMS send a request to a station, and wait for what comes of it."""
        return await self.post(f"/api/v1/stations/{identity}/calls/{action}", payload)

    def call_later(self, action: str, payload: object = None, *, identity: str = "CP_1") -> Asking:
        """Have the CSMS send a request to a station, and go on."""
        return self.post_later(f"/api/v1/stations/{identity}/calls/{action}", payload)


OpenSite = Callable[..., Site]


async def settle() -> None:
    """Let everybody do what they can do now."""
    await trio.testing.wait_all_tasks_blocked()
