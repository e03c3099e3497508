"""The opening handshake of a WebSocket, server's and client's half (RFC 6455 §4, OCPP 2.0.1 Part 4 §3.1 and §3.2)."""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import trio
from websockets.client import ClientProtocol
from websockets.exceptions import HeaderLineTooLong, InvalidStatus, RequestLineTooLong, TooManyHeaders
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import Event, Protocol
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from shared.deflate import client_deflate, server_deflate
from shared.websocket import MAX_MESSAGE_BYTES, Patience, WebSocket, WebSocketClosed

_READ_BYTES: Final = 8 * 1024
_MAX_REQUEST_BYTES: Final = 32 * 1024  # of a client that nobody knows yet; the engine alone would take 1 MiB

# Sessions tell of every connection; the engine would tell of it again, with the Authorization header and every payload.
_engine_log = logging.getLogger(f"{__name__}.engine")
_engine_log.setLevel(logging.WARNING)


class Refusal(Exception):
    """The server's answer to a client that is not welcome: an HTTP status, a line for the reader, more headers."""

    def __init__(self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status.value} {text}")
        self.status = status
        self.text = text
        self.headers = headers or {}


class HandshakeRefused(Exception):
    """The server did not open the WebSocket. status: its HTTP status, None when it did not speak WebSocket at all."""

    def __init__(self, status: int | None, text: str) -> None:
        super().__init__(text)
        self.status = status


async def accept(
    stream: trio.abc.Stream,
    decide: Callable[[Request], Awaitable[None]],
    choose_subprotocol: Callable[[Sequence[str]], str | None],
    patience: Patience,
    *,
    request_timeout_s: float = 10.0,
) -> WebSocket:
    """Open the WebSocket that the client at the other end of `stream` asks for.

    decide: raises Refusal for a client that is not welcome. The client has `request_timeout_s` for its whole request;
    how long to decide may take is the caller's. A WebSocket without a subprotocol, where choose_subprotocol finds none,
    is for the caller to close (Part 4 §3.2).

    Raises Refusal after sending it, WebSocketClosed when the client goes or takes too long.
    """

    def select(_engine: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        chosen = choose_subprotocol(offered)
        return None if chosen is None else Subprotocol(chosen)

    engine = ServerProtocol(
        extensions=[server_deflate()], select_subprotocol=select, max_size=MAX_MESSAGE_BYTES, logger=_engine_log
    )
    try:
        events = await _first_events(stream, engine, request_timeout_s, max_bytes=_MAX_REQUEST_BYTES)
        request = events.pop(0) if events else None
        if not isinstance(request, Request):
            raise _unreadable(engine.handshake_exc)
        response = engine.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            raise _not_a_handshake(response)
        await decide(request)
    except Refusal as refusal:
        # Not by way of the engine, which may be done with a client that sent something else behind its request.
        response = engine.reject(refusal.status, f"{refusal.text}\n")
        response.headers.update(refusal.headers)
        await _send(stream, response.serialize(), patience)
        raise
    engine.send_response(response)
    await _send(stream, b"".join(engine.data_to_send()), patience)
    return WebSocket(stream, engine, patience, events)


async def connect(
    stream: trio.abc.Stream, url: str, headers: Mapping[str, str], subprotocols: Sequence[str], patience: Patience
) -> WebSocket:
    """Ask the server at the other end of `stream` for a WebSocket; how long to wait for it is up to the caller.

    url: the whole connection URL. Raises HandshakeRefused, WebSocketClosed when the server goes.
    """
    engine = ClientProtocol(
        parse_uri(url),
        extensions=[client_deflate()],
        subprotocols=[Subprotocol(name) for name in subprotocols],
        max_size=MAX_MESSAGE_BYTES,
        logger=_engine_log,
    )
    request = engine.connect()
    request.headers.update(headers)
    engine.send_request(request)
    await _send(stream, b"".join(engine.data_to_send()), patience)
    events = await _first_events(stream, engine, timeout_s=math.inf, max_bytes=math.inf)
    if engine.handshake_exc is not None:
        refused = engine.handshake_exc
        if isinstance(refused, InvalidStatus):
            body = bytes(refused.response.body or b"").decode(errors="replace").strip()
            raise HandshakeRefused(refused.response.status_code, body or str(refused))
        raise HandshakeRefused(None, str(refused))
    if isinstance(events[0], Response):
        events[0].headers.clear()  # the engine keeps them, 3 KB, and nobody asks for them again
    return WebSocket(stream, engine, patience, events[1:])


async def open_stream(url: str) -> trio.abc.Stream:
    """A stream to the host and port of a ws:// or wss:// URL. Raises OSError, and ValueError for another URL."""
    uri = _parse(url)
    if uri.secure:
        return await trio.open_ssl_over_tcp_stream(uri.host, uri.port, https_compatible=True)
    return await trio.open_tcp_stream(uri.host, uri.port)


def connection_url(csms_url: str, identity: str) -> str:
    """The OCPP-J endpoint URL with the station's identity appended, percent-encoded (Part 4 §3.1.1).

    Raises ValueError for an endpoint URL that is not ws:// or wss://, or holds more than a host, a port and a path.
    """
    uri = _parse(csms_url)
    if uri.user_info is not None or uri.query:
        raise ValueError("the URL of a CSMS has no user name, no password and no query")  # not shown: may be a secret
    return f"{csms_url.rstrip('/')}/{quote(identity, safe='')}"


def basic_authorization(user: str, password: str) -> str:
    """The Authorization header of HTTP Basic authentication, UTF-8 (RFC 7617, A00.FR.205)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def basic_credentials(authorization: str) -> tuple[str, str]:
    """User name and password of a Basic Authorization header (RFC 7617). Raises ValueError when it is not one."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise ValueError("the Authorization header is not of the Basic scheme")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:  # from either, binascii.Error and UnicodeDecodeError included
        raise ValueError("the Basic credentials are not base64 of UTF-8 text") from None
    if not colon:
        raise ValueError("the Basic credentials have no colon between user name and password")
    return user, password


def _parse(url: str) -> WebSocketURI:
    try:
        uri = parse_uri(url)
        uri.host.encode("idna")  # as it is looked up: no label is empty or too long
    except Exception as error:
        shown = "this" if "@" in url else repr(url)  # before an @ there may be a secret
        raise ValueError(f"{shown} is not a ws:// or wss:// URL") from error
    return uri


def _unreadable(error: Exception | None) -> Refusal:
    match error:
        case RequestLineTooLong():
            return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "The first line of the request is too long")
        case HeaderLineTooLong() | TooManyHeaders():
            return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers of the request are too large")
        case _:
            return Refusal(HTTPStatus.BAD_REQUEST, "This is no HTTP request")


def _not_a_handshake(response: Response) -> Refusal:
    headers = {name: response.headers[name] for name in ("Allow", "Upgrade") if name in response.headers}
    return Refusal(HTTPStatus(response.status_code), bytes(response.body).decode().strip(), headers)


async def _first_events(stream: trio.abc.Stream, engine: Protocol, timeout_s: float, max_bytes: float) -> list[Event]:
    """What the engine reads up to the end of the peer's half of the handshake; nothing, where that is unreadable.

    Raises Refusal when that half is longer than max_bytes, WebSocketClosed when it does not come to its end.
    """
    received = 0
    with trio.move_on_after(timeout_s) as patience:
        while True:
            try:
                data = await stream.receive_some(_READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                break
            if data:
                engine.receive_data(data)
            else:
                engine.receive_eof()
            events = engine.events_received()
            if events or (engine.handshake_exc is not None and data):
                return events
            received += len(data)
            if received > max_bytes:
                raise _unreadable(TooManyHeaders())
            if not data:
                break
    reason = "the handshake took too long" if patience.cancelled_caught else "connection lost in the handshake"
    raise WebSocketClosed(CloseCode.ABNORMAL_CLOSURE, reason)


async def _send(stream: trio.abc.Stream, data: bytes, patience: Patience) -> None:
    with trio.move_on_after(patience.send_timeout_s) as stuck:
        try:
            await stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise WebSocketClosed(CloseCode.ABNORMAL_CLOSURE, "connection lost in the handshake") from None
    if stuck.cancelled_caught:
        raise WebSocketClosed(CloseCode.ABNORMAL_CLOSURE, "peer does not read")
