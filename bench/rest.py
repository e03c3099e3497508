"""An HTTP/1.1 client for a load generator: requests leave when they are due, and nobody waits for an answer.

Connections are kept alive; a request takes one that is idle, and opens another when none is.
"""

from __future__ import annotations

import os
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.stations import HOST, READ_BYTES

_SHOWN_CHARACTERS: Final = 160
_LENGTH: Final = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)


class NotHttp(Exception):
    """What came is no response with a Content-Length."""


def take_response(buffer: bytearray) -> tuple[int, bytes] | None:
    """Remove one response from the front of `buffer`: its status and its body; None while it is not complete.

    Raises NotHttp.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end])
    length = _LENGTH.search(head)
    status = head.split(b" ", 2)[1:2]
    if not head.startswith(b"HTTP/1.1 ") or length is None or not status[0].isdigit():
        raise NotHttp(f"not a response with a Content-Length: {head[:_SHOWN_CHARACTERS]!r}")
    whole = end + 4 + int(length[1])
    if len(buffer) < whole:
        return None
    body = bytes(buffer[end + 4 : whole])
    del buffer[:whole]
    return int(status[0]), body


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. wanted: a part of the body that the right answer, which is 200, has."""

    method: str
    path: str
    wanted: bytes = b""


@dataclass(slots=True, eq=False)
class _Connection:
    sock: socket.socket
    buffer: bytearray = field(default_factory=bytearray)
    request: Request | None = None
    sent_at: float = 0.0
    right: Callable[[float], None] | None = None


class Rest:
    """Somebody who asks one server. errors: what went wrong, and how often."""

    def __init__(self, port: int, epoll: select.epoll) -> None:
        """epoll: tells when `advance()` is to be called."""
        self.errors: Counter[str] = Counter()
        self._port = port
        self._epoll = epoll
        self._connections: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []

    @property
    def waiting(self) -> int:
        """Requests without an answer."""
        return len(self._connections) - len(self._idle)

    def ask(self, request: Request, right: Callable[[float], None]) -> None:
        """Send it now. right: told how many seconds the right answer took; anything else is an error."""
        connection = self._idle.pop() if self._idle else self._open()
        connection.request, connection.right = request, right
        connection.sent_at = time.perf_counter()
        text = f"{request.method} {request.path} HTTP/1.1\r\nHost: localhost:{self._port}\r\nContent-Length: 0\r\n\r\n"
        try:
            connection.sock.send(text.encode())
        except OSError as error:
            self._lose(connection, f"sending: {os.strerror(error.errno or 0)}")

    def advance(self, fd: int) -> bool:
        """Read what has come on this file descriptor; False when it is none of these connections."""
        connection = self._connections.get(fd)
        if connection is None:
            return False
        try:
            data = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return True
        except OSError as error:
            self._lose(connection, f"connection lost: {os.strerror(error.errno or 0)}")
            return True
        now = time.perf_counter()
        if not data:
            self._lose(connection, "connection closed by the server")
            return True
        connection.buffer += data
        try:
            response = take_response(connection.buffer)
        except NotHttp as fault:
            self._lose(connection, str(fault))
            return True
        if response is not None:
            self._judge(connection, *response, now)
        return True

    def close(self) -> None:
        """Close all connections; what has no answer is an error."""
        for connection in list(self._connections.values()):
            self._lose(connection, "no answer")

    def _open(self) -> _Connection:
        connection = _Connection(socket.create_connection((HOST, self._port)))
        connection.sock.setblocking(False)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[connection.sock.fileno()] = connection
        self._epoll.register(connection.sock, select.EPOLLIN)
        return connection

    def _judge(self, connection: _Connection, status: int, body: bytes, now: float) -> None:
        request, right = connection.request, connection.right
        connection.request = connection.right = None
        if request is None or right is None:
            self._lose(connection, "an answer to nothing that was asked")
            return
        self._idle.append(connection)
        if status == 200 and request.wanted in body:
            right(now - connection.sent_at)
        else:
            shown = body[:_SHOWN_CHARACTERS].decode(errors="replace").strip()
            self.errors[f"{request.method} {request.path.rpartition('/')[0]}/…: {status} {shown}"] += 1

    def _lose(self, connection: _Connection, reason: str) -> None:
        request = connection.request
        if request is not None:
            self.errors[f"{request.method} {request.path.rpartition('/')[0]}/…: {reason}"] += 1
        else:
            self._idle.remove(connection)
        del self._connections[connection.sock.fileno()]
        connection.sock.close()
