"""The network between a station and its CSMS: it can go down, and it can fall silent with nobody noticing."""

from __future__ import annotations

import enum
import errno
import math
import os
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from shared.streams import Prompt, receive_some, send_now
from station.pulse import Pulse

OpenStream = Callable[[str], Awaitable[trio.abc.Stream]]

_READ_BYTES: Final = 16 * 1024
_ORPHANS_KEPT: Final = 8
_CLOSE_TIMEOUT_S: Final = 2.0


class Network:
    """Opens streams to the CSMS, as long as it is up, and can take them away again.

    A stream is cut when the network goes down: this end is told, and the other end sees it close without a goodbye. Or
    it falls silent: what either end sends vanishes, this end's goodbye included, and only pings can tell (half-open).
    A stream that has been silenced stays so for good, as behind a router that has forgotten it; new ones work.
    """

    def __init__(self, open_stream: OpenStream) -> None:
        """open_stream: opens a stream to the host of a URL; raises OSError."""
        self._open_stream = open_stream
        self._streams: dict[_Cable, None] = {}
        self._orphans: list[trio.abc.Stream] = []
        self._down_until = -math.inf
        self._half_open = False
        self._changed = Pulse()

    @property
    def is_up(self) -> bool:
        """Streams can be opened."""
        return trio.current_time() >= self._down_until

    @property
    def half_open(self) -> bool:
        """It is down without anybody having been told."""
        return self._half_open and not self.is_up

    @property
    def up_in_s(self) -> float | None:
        """Seconds until it is up by itself: 0 when it is up, None when somebody has to call `up()`."""
        if self._down_until == math.inf:
            return None
        return max(0.0, self._down_until - trio.current_time())

    def down(self, seconds: float | None = None, *, half_open: bool = False) -> None:
        """Go down for so many seconds, > 0 else ValueError, or until `up()`.

        All open streams are cut, and attempts to open one fail at once; half_open: they are silenced, and attempts go
        unanswered.
        """
        if seconds is not None and not 0 < seconds < math.inf:
            raise ValueError(f"a network is down for more than 0 s, not {seconds:g}")
        self._down_until = math.inf if seconds is None else trio.current_time() + seconds
        self._half_open = half_open
        if half_open:
            self.silence()
        else:
            self.cut()
        self._changed.beat()

    def up(self) -> None:
        """Be up again. Streams that were cut or silenced do not come back."""
        self._down_until = -math.inf
        self._changed.beat()

    def cut(self) -> None:
        """Cut all open streams; the network itself stays as it is."""
        for stream in self._streams:
            stream.cut()

    def silence(self) -> None:
        """Silence all open streams; the network itself stays as it is."""
        for stream in self._streams:
            stream.silence()

    async def open_stream(self, url: str) -> trio.abc.Stream:
        """A stream to the host of a URL. Raises OSError; waits while the network is half-open."""
        await self._reachable()
        stream = await self._open_stream(url)
        if not self.is_up:  # it went down meanwhile
            await trio.aclose_forcefully(stream)
            await self._reachable()
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        cable = _Cable(stream, self._closed)
        self._streams[cable] = None
        return cable

    async def aclose(self) -> None:
        """Let go of what is left of silenced streams, whose other ends now see them close."""
        with trio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
            while self._orphans:
                await trio.aclose_forcefully(self._orphans.pop(0))

    async def _reachable(self) -> None:
        while not self.is_up:
            if not self._half_open:
                raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
            with trio.move_on_at(self._down_until):
                await self._changed.wait()

    async def _closed(self, cable: _Cable, orphan: trio.abc.Stream | None) -> None:
        """A stream was closed on this side. orphan: what must stay open, or its other end would learn of it."""
        self._streams.pop(cable)
        if orphan is not None:
            self._orphans.append(orphan)
            if len(self._orphans) > _ORPHANS_KEPT:
                await trio.aclose_forcefully(self._orphans.pop(0))


class _State(enum.Enum):
    OPEN = enum.auto()
    SILENT = enum.auto()
    CUT = enum.auto()
    CLOSED = enum.auto()


class _Cable(Prompt):
    """A stream through the network."""

    __slots__ = ("_closed", "_end_of_silence", "_state", "_stream", "_waiting")

    def __init__(
        self, stream: trio.abc.Stream, closed: Callable[[_Cable, trio.abc.Stream | None], Awaitable[None]]
    ) -> None:
        self._stream = stream
        self._closed = closed
        self._state = _State.OPEN
        self._end_of_silence: trio.Event | None = None
        self._waiting: list[trio.CancelScope] = []

    def cut(self) -> None:
        """End it; both sides are told, unless it has been silenced: then the other one still hears nothing."""
        if self._state in {_State.OPEN, _State.SILENT}:
            self._become(_State.CUT)

    def silence(self) -> None:
        """Have all vanish that is sent from now on."""
        if self._state is _State.OPEN:
            self._end_of_silence = trio.Event()
            self._become(_State.SILENT)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._state is _State.OPEN:
            scope = trio.CancelScope()
            self._waiting.append(scope)
            try:
                with scope:
                    data = await receive_some(self._stream, max_bytes or _READ_BYTES)
                    if self._state is _State.OPEN:
                        return data
            finally:
                self._waiting.remove(scope)
        if self._state is _State.SILENT and self._end_of_silence is not None:
            await self._end_of_silence.wait()
        raise self._gone()

    def send_now(self, data: bytes) -> int:
        if self._state is _State.OPEN:
            return send_now(self._stream, data)
        if self._state is _State.SILENT:
            return len(data)
        raise self._gone()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._unless_silent(lambda: self._stream.send_all(data))

    async def wait_send_all_might_not_block(self) -> None:
        await self._unless_silent(self._stream.wait_send_all_might_not_block)

    async def send_eof(self) -> None:
        stream = self._stream
        if isinstance(stream, trio.abc.HalfCloseableStream):
            await self._unless_silent(stream.send_eof)
        else:  # TLS has no such thing
            await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        state = self._state
        if state is _State.CLOSED:
            await trio.lowlevel.checkpoint()
            return
        self._become(_State.CLOSED)
        if self._end_of_silence is not None:
            await self._closed(self, self._stream)
            return
        try:
            if state is _State.OPEN:
                await self._stream.aclose()
            else:
                await trio.aclose_forcefully(self._stream)
        finally:
            await self._closed(self, None)

    def _become(self, state: _State) -> None:
        self._state = state
        for scope in self._waiting:
            scope.cancel()
        if state is not _State.SILENT and self._end_of_silence is not None:
            self._end_of_silence.set()

    async def _unless_silent(self, send: Callable[[], Awaitable[None]]) -> None:
        """Send, or let it vanish. Raises BrokenResourceError, ClosedResourceError."""
        if self._state is _State.OPEN:
            scope = trio.CancelScope()
            self._waiting.append(scope)
            try:
                with scope:
                    await send()
                    return
            finally:
                self._waiting.remove(scope)
        await trio.lowlevel.checkpoint()
        if self._state is not _State.SILENT:
            raise self._gone()

    def _gone(self) -> trio.BrokenResourceError | trio.ClosedResourceError:
        if self._state is _State.CLOSED:
            return trio.ClosedResourceError("this stream was closed")
        return trio.BrokenResourceError("the network is down")
