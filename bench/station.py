"""One station of the load generator: its socket, what it says next and what answer it awaits."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from bench import messages, websocket
from bench.messages import Action

NO_ANSWER_EXPECTED: Final = b"\xff"  # no text starts so

Said = tuple[str, bytes]
"""A CALL: its messageId and its text."""


class Phase(Enum):
    """How far a station has come."""

    CONNECTING = auto()
    UPGRADING = auto()
    BOOTING = auto()
    READY = auto()


@dataclass(slots=True, eq=False)
class Station:
    """One connection.

    expected: how the text of the awaited answer begins.   buffer: what has arrived and is not a whole frame.
    number: of the last CALL.   sent_at: when that was, by time.perf_counter.   counted: among those outstanding.
    """

    sock: socket.socket
    index: int
    phase: Phase = Phase.CONNECTING
    buffer: bytearray = field(default_factory=bytearray)
    expected: bytes = NO_ANSWER_EXPECTED
    number: int = messages.FIRST_NUMBER - 1
    sent_at: float = 0.0
    counted: bool = False
    _pieces: tuple[bytes, ...] = ()
    _answer_start: bytes = b""
    _script: Iterator[Said] | None = None

    @property
    def awaited(self) -> str | None:
        """The messageId whose answer is awaited."""
        if self.expected == NO_ANSWER_EXPECTED:
            return None
        return self.expected.removeprefix(b'[3,"').removesuffix(b'",').decode()

    @property
    def closed(self) -> bool:
        """Whether this side has closed the connection."""
        return self.sock.fileno() < 0

    def take_up(self, action: Action) -> None:
        """From here on say `action`, again and again."""
        template = messages.template(action, self.index)
        self._script = None
        self._pieces, self._answer_start = template.pieces, template.answer_start

    def play(self, script: Iterator[Said]) -> None:
        """From here on say what `script` has, to its end."""
        self._script = script

    def next_frame(self, now: float) -> bytes | None:
        """The next CALL as a frame; from here on its answer is expected. None when it has nothing left to say."""
        if self._script is not None:
            return self._next_of(self._script, now)
        self.number += 1
        number = b"%d" % self.number
        self.expected = self._answer_start + number + b'",'
        self.sent_at = now
        return number.join(self._pieces)

    def _next_of(self, script: Iterator[Said], now: float) -> bytes | None:
        message_id, text = next(script, ("", b""))
        if not text:
            return None
        self.expected = f'[3,"{message_id}",'.encode()
        self.sent_at = now
        return websocket.client_frame(websocket.TEXT, text)

    def close(self) -> None:
        """Close with a reset: thousands of sockets in TIME_WAIT would be a burden on the next measurement."""
        self.expected = NO_ANSWER_EXPECTED
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
