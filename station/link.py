"""The way to the CSMS: connects, and connects again with a growing back-off (OCPP 2.0.1 Part 4 §3 and §5.3)."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from random import Random
from typing import Final, NoReturn

import trio
from websockets.frames import CloseCode

from shared.handshake import HandshakeRefused, basic_authorization, connect, connection_url
from shared.ocppj.versions import V201
from shared.websocket import Patience, WebSocket, WebSocketClosed
from station.device_model import (
    BASIC_AUTH_PASSWORD,
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_REPEAT_TIMES,
    RETRY_BACK_OFF_WAIT_MINIMUM,
    WEB_SOCKET_PING_INTERVAL,
    DeviceModel,
    Variable,
)
from station.network import OpenStream
from station.network_profile import NetworkProfiles, entry_to_try
from station.witness import Witness

log = logging.getLogger()

CONNECT_TIMEOUT_S: Final = 20.0
PASSWORD_REFUSED_WAIT_S: Final = 60.0
"""On top of the back-off: a password does not become right by itself, and trying often looks like an attack."""
_GOODBYE_TIMEOUT_S: Final = 2.0

Converse = Callable[[WebSocket], Awaitable[WebSocketClosed]]


class NotConnected(Exception):
    """An attempt to connect has failed, for the reason that the text gives a person; then wait `extra_wait_s` more.

    kind: the reason in few words, the same for every station.
    """

    def __init__(self, text: str, *, kind: str, extra_wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.kind = kind
        self.extra_wait_s = extra_wait_s


def back_off_s(variables: DeviceModel, waits: int, random: Random) -> float:
    """Seconds to wait before the next attempt to connect (Part 4 §5.3, errata 2025-04 §4.12).

    waits: how often the station has waited since the last connection was lost, >= 0.
    """
    doublings = min(waits, variables[RETRY_BACK_OFF_REPEAT_TIMES])
    wait_s = variables[RETRY_BACK_OFF_WAIT_MINIMUM] * 2.0**doublings
    return wait_s + random.uniform(0, variables[RETRY_BACK_OFF_RANDOM_RANGE])


class Link:
    """Keeps one station connected to its CSMS."""

    def __init__(
        self,
        identity: str,
        variables: DeviceModel,
        profiles: NetworkProfiles,
        *,
        open_stream: OpenStream,
        random: Random,
        witness: Witness,
    ) -> None:
        """open_stream: a stream to the host of a URL."""
        self._identity = identity
        self._variables = variables
        self.profiles = profiles
        self._open_stream = open_stream
        self._random = random
        self._witness = witness
        self._connection = trio.CancelScope()
        self._reconnecting = False
        self.says_goodbye = True
        """Whether the CSMS is told when the station ends the connection."""

    async def run(self, converse: Converse) -> NoReturn:
        """Connect for ever. converse: what is done with each connection, until it has ended; returns how it ended.

        When this is cancelled, the CSMS is told that the station is going away (1001).
        """
        entries = self.profiles.boot()
        waits = failures = 0
        while True:
            entry = entry_to_try(entries, failures, self._variables)
            url = connection_url(entry.profile.csms_url, self._identity)
            try:
                ws = await self._connect(url)
            except NotConnected as reason:
                self._witness.not_connected(reason)
                what = str(reason)
                wait_s = back_off_s(self._variables, waits, self._random) + reason.extra_wait_s
                waits += 1
                failures += 1
            else:
                self.profiles.connected(entry)
                log.info("%s: connected to %s (%s)", self._identity, url, ws.subprotocol)
                closed = await self._use(ws, converse)
                what = f"disconnected ({closed})"
                if not self._reconnecting:
                    self._witness.disconnected(closed)
                wait_s = 0.0 if self._reconnecting else back_off_s(self._variables, 0, self._random)
                waits, failures = 1, 0
            log.warning("%s: %s; connecting again in %.1f s", self._identity, what, wait_s)
            await trio.sleep(wait_s)

    def reconnect(self) -> None:
        """Say goodbye to the CSMS, if the station is connected, and connect again at once."""
        self._reconnecting = True
        self._connection.cancel()

    async def _connect(self, url: str) -> WebSocket:
        try:
            with trio.fail_after(CONNECT_TIMEOUT_S):
                return await self._handshake(url)
        except trio.TooSlowError:
            raise NotConnected(f"{url} did not answer within {CONNECT_TIMEOUT_S:g} s", kind="no answer") from None
        except OSError as error:
            cause = _cause(error)
            raise NotConnected(f"{url} cannot be reached: {cause}", kind=cause) from error
        except WebSocketClosed as closed:
            raise NotConnected(f"{url} hung up ({closed})", kind="hung up") from closed
        except HandshakeRefused as refused:
            raise self._explained(url, refused) from refused

    async def _handshake(self, url: str) -> WebSocket:
        patience = Patience(ping_interval_s=self._variables[WEB_SOCKET_PING_INTERVAL])
        headers = {"Authorization": basic_authorization(self._identity, self._variables[BASIC_AUTH_PASSWORD])}
        async with AsyncExitStack() as undo:
            stream = await self._open_stream(url)
            undo.push_async_callback(trio.aclose_forcefully, stream)
            ws = await connect(stream, url, headers, [V201.subprotocol], patience)
            if ws.subprotocol is None:
                await ws.close(CloseCode.PROTOCOL_ERROR, "no subprotocol in common")
                raise NotConnected(f"{url} does not speak {V201.subprotocol}", kind="no subprotocol")
            undo.pop_all()
            return ws

    def _explained(self, url: str, refused: HandshakeRefused) -> NotConnected:
        match refused.status:
            case HTTPStatus.UNAUTHORIZED:
                return NotConnected(
                    f"{url} refuses the password (401): start the station with the one the CSMS knows "
                    "(--password or STATION_PASSWORD), or give the CSMS this one",
                    kind="refused with 401",
                    extra_wait_s=PASSWORD_REFUSED_WAIT_S,
                )
            case HTTPStatus.NOT_FOUND:
                return NotConnected(
                    f"{url} does not exist (404): register the station {self._identity} with the CSMS, "
                    "or correct --csms",
                    kind="refused with 404",
                )
            case None:
                return NotConnected(
                    f"{url} does not speak WebSocket and {V201.subprotocol}: {refused}", kind="no WebSocket"
                )
            case status:
                return NotConnected(
                    f"{url} refuses the connection ({status}): {refused}", kind=f"refused with {status}"
                )

    async def _use(self, ws: WebSocket, converse: Converse) -> WebSocketClosed:
        def variable_set(variable: Variable[object]) -> None:
            if variable is WEB_SOCKET_PING_INTERVAL:
                ws.set_ping_interval(self._variables[WEB_SOCKET_PING_INTERVAL])

        self._reconnecting = False
        async with ws:
            try:
                with self._variables.watching(variable_set), trio.CancelScope() as self._connection:
                    return await converse(ws)
                return WebSocketClosed(CloseCode.GOING_AWAY, "to connect anew")
            finally:
                if self.says_goodbye:
                    with trio.move_on_after(_GOODBYE_TIMEOUT_S, shield=True):
                        await ws.close(CloseCode.GOING_AWAY, "the station stops")


def _cause(error: OSError) -> str:
    """What an attempt to connect failed of, in the system's words, of the first address where there are several."""
    while isinstance(error.__cause__, ExceptionGroup) and isinstance(error.__cause__.exceptions[0], OSError):
        error = error.__cause__.exceptions[0]
    if error.errno and not isinstance(error, socket.gaierror | ssl.SSLError):  # these have numbers of their own
        return os.strerror(error.errno)
    return error.strerror or str(error)
