"""Reads and writes a stream with as few detours as the kind of stream allows.

A plain socket is read when it has become readable and written at once where it has room. Trio's own stream would first
try and fail to read, and give up its turn after each write: half of what a short message costs. Every other kind of
stream (TLS, memory) is used as it is; one that stands before another stream says itself what it can send at once.
"""

from __future__ import annotations

import os
from abc import abstractmethod

import trio


class Prompt(trio.abc.HalfCloseableStream):
    """A stream that can send without waiting, although it is no socket itself."""

    __slots__ = ()

    @abstractmethod
    def send_now(self, data: bytes) -> int:
        """As the function `send_now`."""


async def receive_some(stream: trio.abc.Stream, max_bytes: int) -> bytes | bytearray:
    """As Stream.receive_some: b"" at the end; raises BrokenResourceError, ClosedResourceError. A checkpoint."""
    if not isinstance(stream, trio.SocketStream):
        return await stream.receive_some(max_bytes)
    while True:
        await trio.lowlevel.wait_readable(_open_descriptor(stream))
        try:
            return os.read(_open_descriptor(stream), max_bytes)
        except BlockingIOError:
            continue
        except OSError as error:
            raise trio.BrokenResourceError(str(error)) from error


def send_now(stream: trio.abc.Stream, data: bytes) -> int:
    """Send what can be sent without waiting, and return how many bytes that were.

    Raises BrokenResourceError, ClosedResourceError. No other task may be sending.
    """
    if not isinstance(stream, trio.SocketStream):
        return stream.send_now(data) if isinstance(stream, Prompt) else 0
    try:
        return os.write(_open_descriptor(stream), data)
    except BlockingIOError:
        return 0
    except OSError as error:
        raise trio.BrokenResourceError(str(error)) from error


def _open_descriptor(stream: trio.SocketStream) -> int:
    """The socket's file descriptor; asked for anew each time, for a closed one's number soon is somebody else's."""
    descriptor = stream.socket.fileno()
    if descriptor < 0:
        raise trio.ClosedResourceError("this stream was closed")
    return descriptor
