"""The station-facing server: handshake, authentication, and one child task for each station."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final, NoReturn
from urllib.parse import unquote, urlsplit

import trio
from websockets.datastructures import MultipleValuesError
from websockets.frames import CloseCode
from websockets.http11 import Request

from csms.blocks import Conversation
from csms.passwords import Passwords
from csms.registry import Registry, Station, is_identity
from csms.session import Session
from csms.switchboard import Switchboard
from shared.endpoint import Language
from shared.handshake import Refusal, accept, basic_credentials
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import VERSIONS, Side, Version, choose_version
from shared.websocket import Patience, WebSocket, WebSocketClosed

log = logging.getLogger()  # who comes and goes is what people watch, so it is told under no module's name

HANDSHAKES_AT_ONCE: Final = 4096
GRACE_S: Final = 5.0  # for all goodbyes together, when the CSMS shuts down
_UNSECURED: Final = 1  # security profile of ws:// with Basic authentication (A00)

NewSession = Callable[[WebSocket, Language, Conversation], Session]
NewConversation = Callable[[Station], Conversation]


class Gateway:
    """Serves every station that connects; `open` says whether one that is unknown is welcome."""

    def __init__(
        self,
        *,
        registry: Registry,
        switchboard: Switchboard,
        passwords: Passwords,
        open_registration: bool,
        patience: Patience,
        new_conversation: NewConversation,
        new_session: NewSession,
    ) -> None:
        self._registry = registry
        self._switchboard = switchboard
        self._passwords = passwords
        self._open = open_registration
        self._patience = patience
        self._new_conversation = new_conversation
        self._new_session = new_session
        self.schemas = {version.subprotocol: Schemas.load(version) for version in VERSIONS}
        self._handshakes = 0

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        stop: trio.Event,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until `stop`; then nobody new is let in, and everybody gets a goodbye (1001) within GRACE_S."""
        async with trio.open_nursery() as sessions:
            async with trio.open_nursery() as listening:
                handle: Callable[[trio.SocketStream], Awaitable[None]] = self.handle
                await listening.start(partial(trio.serve_listeners, handle, listeners, handler_nursery=sessions))
                task_status.started()
                await stop.wait()
                listening.cancel_scope.cancel()
            sessions.cancel_scope.deadline = trio.current_time() + GRACE_S
            for seat in self._switchboard.seats():
                sessions.start_soon(seat.close, CloseCode.GOING_AWAY, "the CSMS shuts down")

    async def handle(self, stream: trio.abc.Stream) -> None:
        """Serve one connection to its end. Whatever goes wrong in it ends here."""
        peer = _address(stream)
        async with stream:
            try:
                await self._handle(stream, peer)
            except Refusal as refusal:
                log.warning("%s: refused, %s", peer, refusal)
            except WebSocketClosed as closed:
                log.info("%s: gone before the handshake was over (%s)", peer, closed)
            except Exception:
                log.exception("%s: the session crashed", peer)

    async def _handle(self, stream: trio.abc.Stream, peer: str) -> None:
        welcome: list[Station] = []

        async def decide(request: Request) -> None:
            welcome.append(await self._authenticate(request))

        self._handshakes += 1
        try:
            if self._handshakes > HANDSHAKES_AT_ONCE:
                raise WebSocketClosed(CloseCode.TRY_AGAIN_LATER, "too many handshakes at once")
            ws = await accept(stream, decide, _choose_subprotocol, self._patience)
        finally:
            self._handshakes -= 1
        station = welcome[0]
        async with ws:
            version = choose_version([ws.subprotocol or ""])
            if version is None:
                log.warning("%s: %s: offers no protocol spoken here (%s)", peer, station.station_id, _spoken())
                await ws.close(CloseCode.PROTOCOL_ERROR, f"no common subprotocol, this CSMS speaks {_spoken()}")
                return
            log.info("Protocols Matched: %s", version.subprotocol)
            session = self._new_session(ws, self._language(version), self._new_conversation(station))
            closed = await session.run()
            log.info("%s: disconnected (%s)", station.station_id, closed)

    def _language(self, version: Version) -> Language:
        return Language(version, self.schemas[version.subprotocol], Side.CSMS)

    async def _authenticate(self, request: Request) -> Station:
        """The station that a handshake is from. Raises Refusal for one that is not welcome (A00.FR.204, .207)."""
        identity = _identity(request.path)
        station = self._registry.get(identity)
        if station is None and not self._open:
            raise Refusal(HTTPStatus.NOT_FOUND, f"No charging station {identity} is known here")
        try:
            user, password = basic_credentials(request.headers.get("Authorization", ""))
        except (ValueError, MultipleValuesError):
            _demand_credentials("Show the station's identity and password by HTTP Basic authentication")
        if user != identity:
            _demand_credentials("The user name must be the station's identity, as at the end of the URL")
        if not password:
            _demand_credentials("The password is empty")
        if station is not None and station.security_profile > _UNSECURED:
            _demand_credentials(f"This station must connect with security profile {station.security_profile}")
        if station is None or (station.password_hash is None and self._open):
            password_hash = await self._passwords.hash(password)
            station = self._registry.get_or_add(identity)
            if station.password_hash is None:  # of two first connections at once, one is the first
                station.password_hash = password_hash
                log.info("%s: first connection, its password is kept", identity)
                return station
        if station.password_hash is None or not await self._passwords.verify(station.password_hash, password):
            _demand_credentials("Wrong password")
        return station


def _identity(path: str) -> str:
    identity = unquote(urlsplit(path).path.rpartition("/")[2], errors="replace")
    if not is_identity(identity):
        raise Refusal(
            HTTPStatus.NOT_FOUND,
            "The URL must end in the identity of the charging station: "
            "at most 48 of the characters A-Z a-z 0-9 * - _ = + | @ . (no colon)",
        )
    return identity


def _demand_credentials(text: str) -> NoReturn:
    raise Refusal(HTTPStatus.UNAUTHORIZED, text, {"WWW-Authenticate": 'Basic realm="OCPP", charset="UTF-8"'})


def _choose_subprotocol(offered: Sequence[str]) -> str | None:
    version = choose_version(offered)
    return None if version is None else version.subprotocol


def _spoken() -> str:
    return ", ".join(version.subprotocol for version in VERSIONS)


def _address(stream: trio.abc.Stream) -> str:
    if not isinstance(stream, trio.SocketStream):
        return "in memory"
    try:
        host, port = stream.socket.getpeername()[:2]
    except OSError:  # it has gone already
        return "unknown address"
    return f"{host}:{port}"
