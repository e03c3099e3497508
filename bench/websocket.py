"""WebSocket for a load generator: the client's handshake and unfragmented frames (RFC 6455), sans-IO.

No more of the protocol than a station needs that sends small text messages and answers pings; anything else that
a server sends is a ProtocolViolation, for a benchmark must not be lenient with what it measures.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass
from typing import Final

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_FIN: Final = 0x80
_MASKED: Final = 0x80
# Masking with a key of zeros leaves the payload as it is, so that frames can be built before the clock runs.
# The server cannot tell it from any other key and does the same work.
_ZERO_KEY: Final = bytes(4)
_ACCEPT_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class ProtocolViolation(Exception):
    """The server sent what a WebSocket server must not send, or what this client does not expect of one."""


class HandshakeRefused(Exception):
    """The server did not accept the WebSocket handshake; the text is its status line, or what was wrong."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One unfragmented frame from the server. opcode: TEXT, CLOSE, PING, ...; payload: not yet decoded."""

    opcode: int
    payload: bytes


def client_header(opcode: int, length: int) -> bytes:
    """The header of an unfragmented client frame with `length` payload bytes, masked with a key of zeros."""
    if length < 126:
        return bytes((_FIN | opcode, _MASKED | length)) + _ZERO_KEY
    if length < 1 << 16:
        return struct.pack("!BBH", _FIN | opcode, _MASKED | 126, length) + _ZERO_KEY
    return struct.pack("!BBQ", _FIN | opcode, _MASKED | 127, length) + _ZERO_KEY


def client_frame(opcode: int, payload: bytes) -> bytes:
    """An unfragmented client frame, ready to be sent."""
    return client_header(opcode, len(payload)) + payload


def take_frames(buffer: bytearray) -> list[Frame]:
    """Remove the complete frames from the front of `buffer` and return them; the rest waits for more bytes.

    Raises ProtocolViolation for a masked or fragmented frame, or one with a reserved bit set (no extension was
    offered).
    """
    frames = []
    while len(buffer) >= 2:
        first, second = buffer[0], buffer[1]
        if first & 0xF0 != _FIN or first & 0x0F == 0:
            raise ProtocolViolation(f"fragmented frame or reserved bits: first byte {first:#04x}")
        if second & _MASKED:
            raise ProtocolViolation("masked frame from the server")
        start, length = 2, second
        if second >= 126:
            start = 4 if second == 126 else 10
            if len(buffer) < start:
                break
            length = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + length:
            break
        frames.append(Frame(first & 0x0F, bytes(buffer[start : start + length])))
        del buffer[: start + length]
    return frames


def handshake_request(*, host: str, path: str, subprotocol: str, user: str, password: str, key: str) -> bytes:
    """The opening handshake with Basic credentials and without extensions. host: "address:port"."""
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {subprotocol}",
        f"Authorization: Basic {credentials}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def accept_value(key: str) -> str:
    """The Sec-WebSocket-Accept that answers `key` (RFC 6455 section 4.2.2)."""
    digest = hashlib.sha1(key.encode() + _ACCEPT_GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def take_handshake_response(buffer: bytearray, *, key: str, subprotocol: str) -> bool:
    """Remove the server's handshake response from `buffer`; False while it is not complete.

    Raises HandshakeRefused unless it is a 101 with the right accept value and subprotocol and no extension.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return False
    status, *lines = buffer[:end].decode("latin-1").split("\r\n")
    del buffer[: end + 4]
    if status.split(" ")[1:2] != ["101"]:
        raise HandshakeRefused(status)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("sec-websocket-accept") != accept_value(key):
        raise HandshakeRefused("wrong Sec-WebSocket-Accept")
    if headers.get("sec-websocket-protocol") != subprotocol:
        raise HandshakeRefused(f"subprotocol {headers.get('sec-websocket-protocol')!r}, not {subprotocol!r}")
    if "sec-websocket-extensions" in headers:
        raise HandshakeRefused("an extension nobody offered")
    return True
