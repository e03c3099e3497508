"""Programs run as processes, the way a user runs them: what they print, what REST says, and how they end.

Each has a deadline for everything it is waited for, ends with its test whatever happens, and has what it printed shown
when the test fails.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from signal import Signals
from subprocess import DEVNULL, PIPE, STDOUT
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import httpx
import trio

ROOT: Final = Path(__file__).parents[1]
HOST: Final = "127.0.0.1"
DEADLINE_S: Final = 30.0
"""For a program to say or do what it is expected to at once: generous, for the machine may be busy."""
_END_S: Final = 8.0
_LOOK_EVERY_S: Final = 0.02

Found = TypeVar("Found")
Started = TypeVar("Started", bound="Program")


class Program:
    """A running program. lines: what it has printed so far, stdout and stderr together as in a terminal."""

    def __init__(self, name: str, process: trio.Process) -> None:
        self.name = name
        self.lines: list[str] = []
        self._process = process
        self._said_all = False
        self._read_from = 0
        self._changed = trio.lowlevel.ParkingLot()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """It has not ended yet."""
        return self._process.poll() is None

    @property
    def latest(self) -> list[str]:
        """The lines since it was told to `forget`."""
        return self.lines[self._read_from :]

    def forget(self) -> None:
        """From here on wait for what it prints from now on only."""
        self._read_from = len(self.lines)

    async def says(self, text: str, *, within_s: float = DEADLINE_S) -> str:
        """The first line with `text` in it."""
        return await self.finds(
            lambda lines: next((line for line in lines if text in line), None), repr(text), within_s=within_s
        )

    async def finds(
        self, look: Callable[[list[str]], Found | None], what: str, *, within_s: float = DEADLINE_S
    ) -> Found:
        """What `look` finds in its lines, as soon as it does. AssertionError if that takes too long, or it ends."""
        with trio.move_on_after(within_s):
            while True:
                found = look(self.latest)
                if found is not None:
                    return found
                if self._said_all:
                    raise AssertionError(f"{self.name} has ended without having said {what}")
                await self._changed.park()
        raise AssertionError(f"{self.name} has not said {what} within {within_s:g} s")

    async def send_line(self, text: str) -> None:
        """Write a line to its stdin."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(f"{text}\n".encode())

    def interrupt(self, number: Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ends(self, *, within_s: float = DEADLINE_S) -> int:
        """Wait for it to end. Its exit status; minus the number of the signal that ended it."""
        with trio.move_on_after(within_s):
            status = await self._process.wait()
            while not self._said_all:
                await self._changed.park()
            return status
        raise AssertionError(f"{self.name} has not ended within {within_s:g} s")

    async def stop(self, number: Signals = Signals.SIGTERM) -> int:
        """End it with a signal; its exit status."""
        self.interrupt(number)
        return await self.ends()

    async def follow(self) -> None:
        """Read what it prints until it has ended."""
        assert self._process.stdout is not None
        rest = b""
        async for data in self._process.stdout:
            *lines, rest = (rest + data).split(b"\n")
            self.lines += [line.decode(errors="replace") for line in lines]
            self._changed.unpark_all()
        self.lines += [rest.decode(errors="replace")] if rest else []
        self._said_all = True
        self._changed.unpark_all()

    async def end_somehow(self) -> None:
        """End it by force if it does not end by itself."""
        if self.is_running:
            self._process.terminate()
            with trio.move_on_after(_END_S):
                await self._process.wait()
        if self.is_running:
            self._process.kill()
            await self._process.wait()
        if self._process.stdin is not None:
            await self._process.stdin.aclose()


class Csms(Program):
    """A running CSMS. port: where stations connect. rest: a client of its REST interface."""

    port: int
    rest: httpx.AsyncClient

    @property
    def url(self) -> str:
        """What stations connect to, without their identity."""
        return f"ws://{HOST}:{self.port}"

    async def listed(self) -> list[str]:
        """The stations in /list."""
        identities: list[str] = (await self.rest.get("/list")).json()["cp_ids"]
        return identities

    async def get(self, path: str, **query: Any) -> Any:
        """The body of what GET answers, which must be 200. query: where a parameter is a Python keyword, add a _."""
        status, body = await self._ask(path, query)
        assert status == HTTPStatus.OK, body
        return body

    async def _ask(self, path: str, query: dict[str, Any]) -> tuple[int, Any]:
        response = await self.rest.get(path, params={name.rstrip("_"): value for name, value in query.items()})
        return response.status_code, response.json()

    async def shows(
        self, path: str, look: Callable[[Any], object], *, within_s: float = DEADLINE_S, **query: Any
    ) -> Any:
        """The body of what GET answers, as soon as it is there (200) and `look` is true of it.

        AssertionError if that takes too long.
        """
        body: Any = None
        with trio.move_on_after(within_s):
            while True:
                status, body = await self._ask(path, query)
                if status == HTTPStatus.OK and look(body):
                    return body
                await trio.sleep(_LOOK_EVERY_S)
        raise AssertionError(f"GET {path} has not shown it within {within_s:g} s, but {body}")

    async def reserve(self, station_id: str | None = None, **wish: Any) -> tuple[int, dict[str, Any]]:
        """POST /reserve: status and body of the answer."""
        path = "/reserve" if station_id is None else f"/reserve/{station_id}"
        response = await self.rest.post(path, json=wish or None)
        return response.status_code, response.json()

    async def call(self, station_id: str, action: str, payload: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Have a raw request sent to a station: status and body of the answer."""
        response = await self.rest.post(f"/api/v1/stations/{station_id}/calls/{action}", json=payload)
        return response.status_code, response.json()

    async def put(self, station_id: str, **entry: Any) -> None:
        """Create or replace a registry entry."""
        (await self.rest.put(f"/api/v1/stations/{station_id}", json=entry)).raise_for_status()

    async def patch(self, station_id: str, **entry: Any) -> None:
        """Change a registry entry."""
        (await self.rest.patch(f"/api/v1/stations/{station_id}", json=entry)).raise_for_status()

    async def heard(
        self, station_id: str, action: str, *, within_s: float = DEADLINE_S, **fields: Any
    ) -> dict[str, Any]:
        """The payload of the first CALL of a station with that action and those fields, once it has been answered."""

        def look(lines: list[str]) -> dict[str, Any] | None:
            payloads: dict[str, dict[str, Any]] = {}
            for direction, message in messages(lines, station_id):
                if direction == "receive message" and message[0] == 2 and message[2] == action:
                    if fields.items() <= message[3].items():
                        payloads[message[1]] = message[3]
                elif direction == "send" and message[1] in payloads:
                    return payloads[message[1]]
            return None

        return await self.finds(look, f"that it answered {action} {fields} of {station_id}", within_s=within_s)

    async def is_ready(self, station_id: str) -> None:
        """Wait until a station has booted and has told of a connector."""
        await self.heard(station_id, "StatusNotification")


def messages(lines: Sequence[str], station_id: str) -> list[tuple[str, Any]]:
    """What the log says was received ("receive message") and sent ("send"), parsed."""
    found = []
    for line in lines:
        for direction in ("receive message", "send"):
            prefix = f"INFO:ocpp:{station_id}: {direction} ["
            if line.startswith(prefix):
                found.append((direction, json.loads(line[len(prefix) - 1 :])))
    return found


class Programs:
    """Starts programs; they end with the test."""

    def __init__(self, nursery: trio.Nursery, cleanup: AsyncExitStack) -> None:
        self._nursery = nursery
        self._cleanup = cleanup
        folder = cleanup.enter_context(TemporaryDirectory(prefix="csms-"))
        self._database = f"sqlite:///{folder}/csms.db"  # of every CSMS of the test, so that one can follow another
        self.started: list[Program] = []

    async def csms(self, *options: str, port: int = 0, environment: Mapping[str, str] | None = None) -> Csms:
        """`python -m csms`, ready, on loopback and ports that the system chose."""
        where = ("--host", HOST, "--port", str(port), "--api-port", "0")
        return await self.ready_csms(*where, *options, environment=environment)

    async def ready_csms(self, *options: str, environment: Mapping[str, str] | None = None) -> Csms:
        """`python -m csms` with these options and nothing else, ready."""
        csms = await self._start(Csms, "csms", "csms", *options, environment=environment)
        csms.port = int((await csms.says("WebSocket Server Started")).rpartition(":")[2].rstrip('"}'))  # of JSON logs
        url = (await csms.says("======== Running on")).split()[3]
        client = httpx.AsyncClient(base_url=url, timeout=DEADLINE_S, trust_env=False)
        csms.rest = await self._cleanup.enter_async_context(client)
        return csms

    async def station(self, identity: str, csms_url: str, *options: str) -> Program:
        """`python -m station IDENTITY`, started; whether it is connected yet is another question."""
        return await self.module("station", identity, "--csms", csms_url, *options)

    async def ready_station(self, identity: str, csms: Csms, *options: str) -> Program:
        """A station that has booted and told of a connector."""
        station = await self.station(identity, csms.url, *options)
        await csms.is_ready(identity)
        return station

    async def module(
        self, module: str, *arguments: str, environment: Mapping[str, str] | None = None, talks: bool = False
    ) -> Program:
        """`python -m module`, whatever it is. talks: lines will be sent to it."""
        return await self._start(Program, module, module, *arguments, environment=environment, talks=talks)

    async def _start(
        self,
        kind: Callable[[str, trio.Process], Started],
        name: str,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        talks: bool = False,
    ) -> Started:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", module, *arguments],
            stdin=PIPE if talks else DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=ROOT,
            env=_environment() | {"CSMS_DATABASE": self._database} | dict(environment or {}),
        )
        program = kind(name, process)
        self.started.append(program)
        self._nursery.start_soon(program.follow)
        return program


@asynccontextmanager
async def open_programs() -> AsyncIterator[Programs]:
    """What starts programs; at the end of the block they are ended, and what they printed is printed.

    No program may have shown a traceback, whatever was done to it.
    """
    async with trio.open_nursery() as nursery, AsyncExitStack() as cleanup:
        programs = Programs(nursery, cleanup)
        try:
            yield programs
        finally:
            await _end(programs.started)
        assert not [program.name for program in programs.started for line in program.lines if "Traceback (" in line]


async def _end(started: Sequence[Program]) -> None:
    with trio.move_on_after(2 * _END_S, shield=True):
        async with trio.open_nursery() as nursery:
            for program in started:
                nursery.start_soon(program.end_somehow)
    for program in started:
        print(f"---- {program.name} ----", *program.lines, sep="\n")  # shown by pytest when the test failed


def _environment() -> dict[str, str]:
    """The environment of the programs: what is set for people's own runs must not reach them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("CSMS_", "STATION_"))}
