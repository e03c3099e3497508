"""One WebSocket over a Trio stream, behind the few verbs OCPP-J needs: receive, send, ping, close.

The WebSocket protocol itself is the sans-I/O engine of the `websockets` package. It is driven by whichever task
receives, without a reading task and a channel of its own: two task switches less for each message
(docs/architecture.md, "Why not trio-websocket").
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Self

import trio
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.protocol import Event, Protocol, State

from shared.streams import receive_some, send_now

MAX_MESSAGE_BYTES: Final = 2**20
_READ_BYTES: Final = 16 * 1024
_READ_BYTES_COMPRESSED: Final = 2 * 1024  # deflate makes up to a thousand bytes of one
_PIECE_BYTES: Final = 16 * 1024
_REASON_BYTES: Final = 123  # what is left of a control frame's 125 (RFC 6455 §5.5)
_PING_BYTES: Final = 8
_PONGS_LEFT_TO_OTHERS: Final = 64


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one WebSocket waits for its peer, in seconds.

    ping_interval_s: after so long without a byte a ping is sent; after as long again the peer is taken for dead.
    0: no pings (Part 4 §8.4). send_timeout_s: a peer that does not take 16 KiB, or what is left of a message, within so
    long is taken for dead. close_timeout_s: for the peer's half of a goodbye.
    """

    ping_interval_s: float = 30.0
    send_timeout_s: float = 20.0
    close_timeout_s: float = 2.0


class WebSocketClosed(Exception):
    """The WebSocket is closed. code: as in RFC 6455 §7.4; 1006 when the peer went without a goodbye."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{int(code)} {reason}".rstrip())
        self.code = int(code)
        self.reason = reason

    @classmethod
    def of(cls, close: Close) -> Self:
        """A fresh one: an exception raised a second time would hold on to where it went the first time."""
        return cls(close.code, close.reason)


class WebSocket:
    """One open WebSocket. One task at a time may receive; any task may send, ping and close.

    The receiving task also answers pings and notices silence. While it stays away from `receive()` nothing is read, so
    that TCP pushes back on a peer that sends faster than it is served.
    """

    __slots__ = (
        "_closed",
        "_early",
        "_engine",
        "_failure",
        "_leaving",
        "_partial",
        "_patience",
        "_ping_unanswered",
        "_pings",
        "_pings_sent",
        "_read_bytes",
        "_read_over",
        "_reading",
        "_send_lock",
        "_silence",
        "_stream",
        "_texts",
    )

    def __init__(
        self, stream: trio.abc.Stream, engine: Protocol, patience: Patience, early: Iterable[Event] = ()
    ) -> None:
        """engine: its handshake is done. early: what it received behind the handshake."""
        self._stream = stream
        self._engine = engine
        self._patience = patience
        self._texts: list[str] = []  # seldom more than one; an empty deque takes 700 bytes
        self._partial: bytearray | None = None
        self._send_lock = trio.Lock()
        self._read_bytes = _READ_BYTES_COMPRESSED if engine.extensions else _READ_BYTES
        self._reading = False
        self._silence: trio.CancelScope | None = None
        self._read_over = trio.lowlevel.ParkingLot()
        self._ping_unanswered = False
        self._pings: dict[int, trio.Event] = {}
        self._pings_sent = 0
        self._failure: Close | None = None
        self._leaving = False
        self._closed: Close | None = None
        self._early = True
        self._take(early)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close without waiting for anybody: whoever wants to say goodbye does so before, with `close()`."""
        await self._cut_off("closed on this side")

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol agreed on in the handshake."""
        return self._engine.subprotocol

    def set_ping_interval(self, interval_s: float) -> None:
        """Have another interval than `Patience.ping_interval_s` from now on; 0: no pings."""
        self._patience = dataclasses.replace(self._patience, ping_interval_s=interval_s)
        if self._silence is not None:
            self._silence.deadline = trio.current_time() + (interval_s or math.inf)

    async def receive(self) -> str:
        """The next text message. Raises WebSocketClosed once it is closed and all that came before was received."""
        while not self._texts:
            self._raise_if_closed()
            await self._read()
        return self._texts.pop(0)

    async def send(self, text: str) -> None:
        """Send one text message, as long as the peer keeps taking it. Raises WebSocketClosed.

        Once begun it goes out, and whole, even when the caller is cancelled: half a frame would end the connection for
        everybody.
        """
        self._write(lambda engine: engine.send_text(text.encode()))
        await self._flush()

    async def ping(self) -> None:
        """Send a ping and wait for its pong, for as long as the caller likes. Raises WebSocketClosed."""
        number = self._put_ping()
        answered = self._pings[number] = trio.Event()
        try:
            await self._flush()
            await answered.wait()
        finally:
            del self._pings[number]
        self._raise_if_closed()

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Say goodbye and wait up to `close_timeout_s` for the peer's; the stream is closed in any case.

        reason: cut to 123 bytes. What the peer still sends is dropped: nobody could answer it.
        """
        reason = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        self._leaving = True
        try:
            with trio.move_on_after(self._patience.close_timeout_s):
                if self._engine.state is State.OPEN:
                    self._write(lambda engine: engine.send_close(code, reason))
                    await self._flush(whole=False)
                while self._closed is None:
                    await self._read()
        except WebSocketClosed:
            pass  # the peer was first
        finally:
            self._end(Close(code, reason))
            await trio.aclose_forcefully(self._stream)

    def _write(self, put: Callable[[Protocol], None]) -> None:
        self._raise_if_closed()
        if self._engine.state is not State.OPEN:  # a goodbye is under way
            raise WebSocketClosed.of(self._goodbye())
        put(self._engine)

    async def _read(self) -> None:
        """Read once, or wait for another task that is at it already."""
        if self._reading:
            await self._read_over.park()
            return
        self._reading = True
        try:
            if self._early:
                self._early = False
                await self._settle(more=True)
                return
            self._silence = trio.CancelScope(relative_deadline=self._patience.ping_interval_s or math.inf)
            with self._silence as silence:
                data = await receive_some(self._stream, self._read_bytes)
            self._silence = None
            if silence.cancelled_caught:
                await self._probe()
            else:
                await self._digest(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end(Close(CloseCode.ABNORMAL_CLOSURE, "connection reset"))
        except WebSocketClosed:
            pass  # met while answering; `receive` raises it when it has handed out what came before
        finally:
            self._reading = False
            if self._read_over:
                self._read_over.unpark_all()

    async def _probe(self) -> None:
        """Nothing came for a whole interval: ask once, and take the peer for dead if that brings nothing either."""
        if not self._ping_unanswered:
            self._ping_unanswered = True
            self._put_ping()
            await self._reply()
        elif not self._send_lock.locked():  # the ping may still be behind a long message, whose sender has its time-out
            await self._cut_off("no answer to ping")

    async def _digest(self, data: bytes | bytearray) -> None:
        self._ping_unanswered = False
        if data:
            self._engine.receive_data(data)
        else:
            self._engine.receive_eof()
        self._take(self._engine.events_received())
        await self._settle(more=bool(data))

    async def _settle(self, *, more: bool) -> None:
        """Answer what was read, and end where that was the end of it. more: the stream is not at its end."""
        failed = self._engine.parser_exc is not None or self._failure is not None
        if not failed and more and self._engine.close_rcvd is None:
            await self._reply()
            return
        try:
            await self._flush()
            if failed and more:
                await self._linger()
        finally:
            self._end(self._goodbye())

    async def _reply(self) -> None:
        """Send what reading brought up, or leave it to the task that is sending: that one takes it along.

        Two peers that send to each other must both go on reading, or neither ever finishes.
        """
        pongs = len(self._engine.writes)
        if pongs and (pongs >= _PONGS_LEFT_TO_OTHERS or not self._send_lock.locked()):
            await self._flush()

    async def _linger(self) -> None:
        """Let the peer read why, before it is cut off: closing with its data unread would reset the connection."""
        with trio.move_on_after(self._patience.close_timeout_s):
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            while await self._stream.receive_some(_READ_BYTES):
                pass

    def _take(self, events: Iterable[Event]) -> None:
        for frame in events:
            if not isinstance(frame, Frame) or self._failure is not None:
                continue
            match frame.opcode:
                case Opcode.TEXT | Opcode.CONT:
                    self._take_part(frame)
                case Opcode.BINARY:
                    self._fail(CloseCode.UNSUPPORTED_DATA, "OCPP-J messages are text")
                case Opcode.PONG:
                    self._take_pong(bytes(frame.data))
                case _:
                    pass  # the engine answers pings and goodbyes

    def _take_part(self, frame: Frame) -> None:
        data = frame.data
        if self._partial is not None:
            self._partial += data
            data = self._partial
        elif not frame.fin:
            self._partial = bytearray(data)
        if frame.fin:
            self._partial = None
            if self._leaving:
                return
            try:
                self._texts.append(str(data, "utf-8"))
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "text is not UTF-8")

    def _put_ping(self) -> int:
        number = self._pings_sent = self._pings_sent + 1
        self._write(lambda engine: engine.send_ping(number.to_bytes(_PING_BYTES, "big")))
        return number

    def _take_pong(self, data: bytes) -> None:
        """A pong stands for all pings up to its own: a peer need answer the latest only (RFC 6455 §5.5.3)."""
        latest = int.from_bytes(data, "big")
        if len(data) == _PING_BYTES and latest <= self._pings_sent:
            for number, answered in self._pings.items():
                if number <= latest:
                    answered.set()

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._failure = Close(code, reason)
        self._engine.fail(code, reason)

    async def _flush(self, *, whole: bool = True) -> None:
        """Send what the engine holds, whoever put it there: who was cancelled while it waited left its frame behind.

        whole: also when cancelled. Else the caller closes the stream when it is.
        """
        try:
            rest = b""
            if not self._send_lock.locked():
                data = b"".join(self._engine.data_to_send())
                rest = data[send_now(self._stream, data[:_PIECE_BYTES]) :]
            if rest or self._send_lock.locked():
                await self._send_in_turn(rest, whole=whole)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self._cut_off("connection reset")
        self._raise_if_closed()

    async def _send_in_turn(self, rest: bytes, *, whole: bool) -> None:
        """Send the rest of a frame that did not go at once, or wait for who does; then all that came since."""
        try:
            self._send_lock.acquire_nowait()  # at once, for nothing may come between the parts of a frame
        except trio.WouldBlock:
            await self._send_lock.acquire()
        try:
            while data := rest + b"".join(self._engine.data_to_send()):
                rest = b""
                await self._transmit(data, whole=whole)
        finally:
            self._send_lock.release()

    async def _transmit(self, data: bytes, *, whole: bool) -> None:
        """Send all of it, for as long as the peer takes a piece within every `send_timeout_s`.

        A cancelled task stays for one more `send_timeout_s` at most.
        """
        give_up_at = math.inf
        for start in range(0, len(data), _PIECE_BYTES):
            now = trio.current_time()
            if start and give_up_at == math.inf and trio.current_effective_deadline() <= now:
                give_up_at = now + self._patience.send_timeout_s
            with trio.CancelScope(deadline=min(give_up_at, now + self._patience.send_timeout_s), shield=whole) as stuck:
                if start or isinstance(self._stream, trio.SocketStream):
                    # Else it takes hundreds of KB at once, and then nothing before most of that has gone.
                    await self._stream.wait_send_all_might_not_block()
                await self._stream.send_all(data[start : start + _PIECE_BYTES])
            if stuck.cancelled_caught:
                await self._cut_off("peer does not read")
                return

    def _goodbye(self) -> Close:
        """Why it ends: a failure noticed on this side, else what the peer said, else that it said nothing."""
        if self._failure is not None:
            return self._failure
        if self._engine.parser_exc is not None or self._engine.close_rcvd is None:
            close = self._engine.close_sent
        else:
            close = self._engine.close_rcvd
        return close or Close(CloseCode.ABNORMAL_CLOSURE, "connection lost")

    async def _cut_off(self, why: str) -> None:
        """End it without a goodbye. Closing the stream also wakes whoever waits at it."""
        self._end(Close(CloseCode.ABNORMAL_CLOSURE, why))
        await trio.aclose_forcefully(self._stream)

    def _raise_if_closed(self) -> None:
        if self._closed is not None:
            raise WebSocketClosed.of(self._closed)

    def _end(self, why: Close) -> None:
        if self._closed is None:
            self._closed = why
            for answered in self._pings.values():
                answered.set()
