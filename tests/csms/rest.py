"""A client of the REST application in memory, which can go away like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import trio
from quart_trio import QuartTrio

from tests.csms.fake_station import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Answer:
    """What REST answered. headers: by lower-case name."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(slots=True)
class Asking:
    """One request under way. `run()` is its life; `give_up()`: its client goes away."""

    api: QuartTrio
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    _messages: list[Any] = field(default_factory=list)
    _requested: bool = False
    _gone: trio.Event = field(default_factory=trio.Event)
    _ended: trio.Event = field(default_factory=trio.Event)

    async def run(self) -> None:
        """Ask, and wait for the answer."""
        headers = {"host": "localhost", "content-length": str(len(self.body))}
        headers |= {name.lower(): value for name, value in self.headers.items()}
        path, _, query = self.path.partition("?")
        scope: Any = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8080),
            "extensions": {},
            "state": {},
        }
        await self.api(scope, self._receive, self._send)
        self._ended.set()

    @property
    def is_done(self) -> bool:
        return self._ended.is_set()

    def give_up(self) -> None:
        """Go away, as a server tells its application."""
        self._gone.set()

    async def ended(self) -> None:
        """Wait until it was answered, or given up."""
        with trio.fail_after(PATIENCE_S):
            await self._ended.wait()

    async def get(self) -> Answer:
        """Wait for the answer."""
        await self.ended()
        start, *parts = self._messages
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], b"".join(part.get("body", b"") for part in parts).decode(), headers)

    async def _receive(self) -> Any:
        if self._requested:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._requested = True
        await trio.lowlevel.checkpoint()
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def _send(self, message: Any) -> None:
        await trio.lowlevel.checkpoint()
        self._messages.append(message)
