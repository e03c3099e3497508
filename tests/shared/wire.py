"""WebSockets for tests: a pair of ours, or one of ours and a foreign peer that sends what it likes.

Over memory streams unless a test brings its own streams, so that they run in virtual time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any

import trio
import trio.testing
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Protocol
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from shared.handshake import accept, connect
from shared.websocket import Patience, WebSocket, WebSocketClosed

URL = "ws://csms.example/ocpp/CP_1"
SUBPROTOCOL = "ocpp2.0.1"
Deflate = dict[str, Any]
StreamPair = tuple[trio.abc.Stream, trio.abc.Stream]


class Ours(Enum):
    """Which end of a connection with a foreign peer is ours."""

    SERVER = "our server"
    CLIENT = "our client"


async def welcome(_request: Request) -> None:
    """Let every client in."""


def choose_subprotocol(offered: Sequence[str]) -> str | None:
    """OCPP 2.0.1 or nothing."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


async def both(*functions: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Run these at the same time; their results, in order."""
    results: list[Any] = [None] * len(functions)

    async def run(index: int, function: Callable[[], Awaitable[Any]]) -> None:
        results[index] = await function()

    async with trio.open_nursery() as nursery:
        for index, function in enumerate(functions):
            nursery.start_soon(run, index, function)
    return results


async def open_pair(
    streams: StreamPair | None = None, *, server: Patience | None = None, client: Patience | None = None
) -> tuple[WebSocket, WebSocket]:
    """Our server's and our client's end of one connection; server, client: their patience."""
    near, far = streams or trio.testing.memory_stream_pair()
    opened = await both(
        lambda: accept(near, welcome, choose_subprotocol, server or Patience()),
        lambda: connect(far, URL, {}, [SUBPROTOCOL], client or Patience()),
    )
    return opened[0], opened[1]


async def end_of(ws: WebSocket) -> tuple[int, str]:
    """Receive until it is closed: code and reason."""
    while True:
        try:
            await ws.receive()
        except WebSocketClosed as closed:
            return closed.code, closed.reason


class Foreign:
    """The foreign end of a connection: it keeps no rule that a test does not keep for it."""

    def __init__(self, stream: trio.abc.Stream, engine: Protocol) -> None:
        self.stream = stream
        self.engine = engine
        self._frames: deque[Frame] = deque()

    async def open(self, behind: Sequence[Frame] = ()) -> None:
        """Do this end's half of the handshake. behind: frames that follow it in the same piece, from a server."""
        if isinstance(self.engine, ClientProtocol):
            self.engine.send_request(self.engine.connect())
            await self._flush()
            await self._receive()
        else:
            assert isinstance(self.engine, ServerProtocol)
            request = None
            while request is None:
                self.engine.receive_data(await self.stream.receive_some())
                request = next(iter(self.engine.events_received()), None)
            assert isinstance(request, Request)
            self.engine.send_response(self.engine.accept(request))
            await self.send(*behind)

    async def send(self, *frames: Frame) -> None:
        """Send these frames in one piece."""
        for frame in frames:
            self.engine.send_frame(frame)
        await self._flush()

    @property
    def is_client(self) -> bool:
        """Whether it is the client, whose frames are masked."""
        return isinstance(self.engine, ClientProtocol)

    async def send_text(self, *texts: str) -> None:
        """Send these texts, a frame each."""
        await self.send(*(Frame(Opcode.TEXT, text.encode()) for text in texts))

    async def frame(self) -> Frame:
        """The next frame from our end. Raises EOFError when none comes any more."""
        while not self._frames:
            await self._receive()
        return self._frames.popleft()

    async def close_frame(self) -> tuple[int, str]:
        """Code and reason of our end's goodbye, whatever it sends before it."""
        while (frame := await self.frame()).opcode is not Opcode.CLOSE:
            pass
        data = bytes(frame.data)
        return int.from_bytes(data[:2], "big"), data[2:].decode()

    async def _receive(self) -> None:
        data = await self.stream.receive_some()
        if not data:
            raise EOFError
        self.engine.receive_data(data)
        self.engine.data_to_send()  # pongs and goodbyes are for the test to send
        self._frames.extend(event for event in self.engine.events_received() if isinstance(event, Frame))

    async def _flush(self) -> None:
        await self.stream.send_all(b"".join(self.engine.data_to_send()))


async def open_foreign(
    ours: Ours,
    streams: StreamPair | None = None,
    *,
    patience: Patience | None = None,
    deflate: Deflate | None = None,
    behind: Sequence[Frame] = (),
) -> tuple[WebSocket, Foreign]:
    """One end of ours, and the foreign end at the other side of it.

    deflate: what the foreign end offers or accepts of compression; None: nothing. behind: what a foreign server sends
    in one piece with its handshake.
    """
    near, far = streams or trio.testing.memory_stream_pair()
    if ours is Ours.SERVER:
        foreign = Foreign(
            far,
            ClientProtocol(
                parse_uri(URL),
                extensions=None if deflate is None else [ClientPerMessageDeflateFactory(**deflate)],
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                max_size=None,
            ),
        )
        opened = await both(
            lambda: accept(near, welcome, choose_subprotocol, patience or Patience()),
            foreign.open,
        )
    else:
        foreign = Foreign(
            far,
            ServerProtocol(
                extensions=None if deflate is None else [ServerPerMessageDeflateFactory(**deflate)],
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                max_size=None,
            ),
        )
        opened = await both(
            lambda: connect(near, URL, {}, [SUBPROTOCOL], patience or Patience()), lambda: foreign.open(behind)
        )
    return opened[0], foreign
