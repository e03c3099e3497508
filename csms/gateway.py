"""The station-facing server: handshake, authentication, and one child task for each station."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final, NoReturn
from urllib.parse import unquote

import trio
from websockets.datastructures import MultipleValuesError
from websockets.frames import CloseCode
from websockets.http11 import Request

from csms.blocks import Conversation
from csms.passwords import Passwords
from csms.registry import Registry, Station, is_identity
from csms.session import Session
from csms.store import StoreUnavailable
from csms.switchboard import Switchboard
from shared.endpoint import Language
from shared.handshake import Refusal, accept, basic_credentials
from shared.message_log import one_line
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
    """Serves every station that connects.

    open_registration: whether one that is unknown is welcome, as long as fewer than max_stations are known.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        switchboard: Switchboard,
        passwords: Passwords,
        open_registration: bool,
        max_stations: int,
        patience: Patience,
        new_conversation: NewConversation,
        new_session: NewSession,
    ) -> None:
        self._registry = registry
        self._switchboard = switchboard
        self._passwords = passwords
        self._open = open_registration
        self._max_stations = max_stations
        self._patience = patience
        self._new_conversation = new_conversation
        self._new_session = new_session
        self.schemas = {version.subprotocol: Schemas.load(version) for version in VERSIONS}
        self._handshakes: set[trio.CancelScope] = set()
        self._closing = False

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
            self._closing = True
            for handshake in self._handshakes:
                handshake.cancel()
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
                log.warning("%s: refused, %s", peer, one_line(str(refusal).partition("\n")[0]))
            except WebSocketClosed as closed:
                log.info("%s: gone before the handshake was over (%s)", peer, closed)
            except Exception:
                log.exception("%s: the handshake crashed", peer)

    async def _handle(self, stream: trio.abc.Stream, peer: str) -> None:
        ws, station = await self._shake_hands(stream)
        async with ws:
            version = choose_version([ws.subprotocol or ""])
            if version is None:
                log.warning("%s: %s: offers no protocol spoken here (%s)", peer, station.station_id, _spoken())
                await ws.close(CloseCode.PROTOCOL_ERROR, f"no common subprotocol, this CSMS speaks {_spoken()}")
                return
            if self._registry.get(station.station_id) is not station:
                await ws.close(CloseCode.POLICY_VIOLATION, "the station was deleted")
                return
            log.info("Protocols Matched: %s", version.subprotocol)
            session = self._new_session(ws, self._language(version), self._new_conversation(station))
            try:
                closed = await session.run()
                log.info("%s: disconnected (%s)", station.station_id, one_line(str(closed)))
            except* Exception:  # beside which there may be Cancelled, for the CSMS to end
                log.exception("%s: the session crashed", station.station_id)

    async def _shake_hands(self, stream: trio.abc.Stream) -> tuple[WebSocket, Station]:
        """Open the WebSocket of a station that is welcome.

        Raises Refusal, or WebSocketClosed for one that goes, comes when there are too many, or when the CSMS ends.
        """
        welcome: list[Station] = []

        async def decide(request: Request) -> None:
            welcome.append(await self._authenticate(request))

        if len(self._handshakes) >= HANDSHAKES_AT_ONCE:
            raise WebSocketClosed(CloseCode.TRY_AGAIN_LATER, "too many handshakes at once")
        if not self._closing:
            with trio.CancelScope() as handshake:
                self._handshakes.add(handshake)
                try:
                    ws = await accept(stream, decide, _choose_subprotocol, self._patience)
                    return ws, welcome[0]
                finally:
                    self._handshakes.remove(handshake)
        raise WebSocketClosed(CloseCode.GOING_AWAY, "the CSMS shuts down")

    def _language(self, version: Version) -> Language:
        return Language(version, self.schemas[version.subprotocol], Side.CSMS)

    async def _authenticate(self, request: Request) -> Station:
        """The station that a handshake is from. Raises Refusal for one that is not welcome (A00.FR.204, .207)."""
        identity = _identity(request.path)
        station = self._registry.get(identity)
        if station is None and not self._open:
            raise Refusal(HTTPStatus.NOT_FOUND, f"No charging station {identity} is known here")
        if station is None and len(self._registry) >= self._max_stations:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "As many stations are known as may be (--max-stations)")
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
            station, is_first = await self._keep_first_password(identity, await self._passwords.hash(password))
            if is_first:
                log.info("%s: first connection, its password is kept", identity)
                return station
        if not await self._is_password(station, password):
            _demand_credentials("Wrong password")
        return station

    async def _is_password(self, station: Station, password: str) -> bool:
        """Whether it is the station's, or the one it was told to take (A01)."""
        if station.password_hash is not None and await self._passwords.verify(station.password_hash, password):
            return True
        told = station.next_password_hash
        if told is None or not await self._passwords.verify(told, password):
            return False
        try:
            await self._registry.password_shown(station, told)
        except StoreUnavailable:
            log.warning("%s: that it has its new password could not be stored", station.station_id)
        return True

    async def _keep_first_password(self, identity: str, password_hash: str) -> tuple[Station, bool]:
        """Of two first connections at once, one is the first. Raises Refusal when it cannot be kept."""
        try:
            return await self._registry.keep_first_password(identity, password_hash)
        except StoreUnavailable:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer, come again later") from None


def _identity(path: str) -> str:
    identity = unquote(path.partition("?")[0].rpartition("/")[2], errors="replace")
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
