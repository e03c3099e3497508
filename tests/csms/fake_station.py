"""A charging station for tests, of nobody's make: it sends the frames it is told to, and shows the frames it gets."""

from __future__ import annotations

import json
import math
from collections import deque
from typing import Any, Final

import trio

from shared.websocket import WebSocket, WebSocketClosed

Frame = list[Any]
Payload = dict[str, Any]

PATIENCE_S: Final = 100.0  # for anything the CSMS should send; no test waits so long but one that fails
BOOT: Final = {"chargingStation": {"model": "Wallbox XYZ", "vendorName": "anewone"}, "reason": "PowerUp"}


class FakeStation:
    """One connected station. A task of its own reads, so that pings are answered, until it is to fall silent.

    closed: how the connection ended, None while it is open.
    """

    def __init__(self, nursery: trio.Nursery, stream: trio.abc.Stream, ws: WebSocket) -> None:
        self._stream = stream
        self._ws = ws
        self._reading = trio.CancelScope()
        self._read, self._frames = trio.open_memory_channel[Frame](math.inf)
        self._kept: deque[Frame] = deque()
        self._calls = 0
        self._ended = trio.Event()
        self.closed: WebSocketClosed | None = None
        nursery.start_soon(self._receive_all)

    @property
    def subprotocol(self) -> str | None:
        return self._ws.subprotocol

    async def send(self, frame: Frame) -> None:
        """Send what JSON can say."""
        await self._ws.send(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        """Send what may be no JSON at all."""
        await self._ws.send(text)

    async def receive(self) -> Frame:
        """The next frame. Raises trio.EndOfChannel once the connection is closed."""
        if self._kept:
            return self._kept.popleft()
        with trio.fail_after(PATIENCE_S):
            return await self._frames.receive()

    def unread(self) -> list[Frame]:
        """The frames that came and were not looked at yet."""
        frames = list(self._kept)
        while True:
            try:
                frames.append(self._frames.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                self._kept = deque(frames)
                return frames

    def take(self) -> list[Frame]:
        """The same, which from now on count as looked at."""
        frames = self.unread()
        self._kept.clear()
        return frames

    async def call(self, action: str, payload: Payload | None = None, *, message_id: str | None = None) -> Frame:
        """Send a CALL and return the frame that answers it; other frames are kept for `receive()`."""
        self._calls += 1
        call_id = message_id or f"call-{self._calls}"
        await self.send([2, call_id, action, {} if payload is None else payload])
        passed_over: list[Frame] = []
        try:
            while True:
                frame = await self.receive()
                if frame[0] != 2 and frame[1] == call_id:
                    return frame
                passed_over.append(frame)
        finally:
            self._kept.extend(passed_over)

    async def ask(self, action: str, payload: Payload | None = None) -> Payload:
        """Send a CALL; the payload of its CALLRESULT."""
        frame = await self.call(action, payload)
        assert frame[0] == 3, frame
        return dict(frame[2])

    async def boot(self, **more: Any) -> Payload:
        """Boot; the response, whatever its status."""
        return await self.ask("BootNotification", BOOT | more)

    async def report_status(self, status: str = "Available", evse_id: int = 1, connector_id: int = 1) -> None:
        """Send a StatusNotification and wait for its answer."""
        await self.ask(
            "StatusNotification",
            {
                "timestamp": "2026-11-22T03:52:54.000Z",
                "connectorStatus": status,
                "evseId": evse_id,
                "connectorId": connector_id,
            },
        )

    async def expect(self, action: str) -> tuple[str, Payload]:
        """The id and the payload of the next frame, which must be a CALL of `action`."""
        frame = await self.receive()
        assert [frame[0], frame[2]] == [2, action], frame
        return frame[1], frame[3]

    async def answer(self, action: str, payload: Payload) -> Payload:
        """Wait for a CALL of `action` and answer it with `payload`; what it asked."""
        message_id, request = await self.expect(action)
        await self.send([3, message_id, payload])
        return request

    async def refuse(self, action: str, code: str, description: str = "", details: Payload | None = None) -> Payload:
        """Wait for a CALL of `action` and answer it with a CALLERROR; what it asked."""
        message_id, request = await self.expect(action)
        await self.send([4, message_id, code, description, details or {}])
        return request

    def fall_silent(self) -> None:
        """Read no more, so that no ping is answered either; the connection stays open on this side."""
        self._reading.cancel()

    async def vanish(self) -> None:
        """Go without a goodbye."""
        await trio.aclose_forcefully(self._stream)

    async def hang_up(self, code: int = 1000, reason: str = "") -> None:
        """Go with a goodbye."""
        await self._ws.close(code, reason)

    async def goodbye(self) -> WebSocketClosed:
        """Wait until the connection has ended; how it did."""
        with trio.fail_after(PATIENCE_S):
            await self._ended.wait()
        assert self.closed is not None
        return self.closed

    async def _receive_all(self) -> None:
        with self._reading, self._read:
            try:
                while True:
                    self._read.send_nowait(json.loads(await self._ws.receive()))
            except WebSocketClosed as closed:
                self.closed = closed
                self._ended.set()
