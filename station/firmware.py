"""The station's firmware: its functional blocks and its connection, from a boot to the next."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import trio

from shared.clock import TrioClock
from shared.endpoint import Endpoint, Language, Wire
from shared.message_log import MessageLog
from shared.ocppj.errors import CallFailed, CallRefused, ConnectionLost, NotSupported
from shared.websocket import WebSocket, WebSocketClosed
from station.blocks.availability import Availability, ConnectorStatus
from station.blocks.block import Block, Handler
from station.blocks.provisioning import BootReason, Provisioning, Registration, may_send
from station.blocks.remote_control import RemoteControl
from station.blocks.reservation import Reservations
from station.device_model import MESSAGE_TIMEOUT, DeviceModel
from station.faults import Faults, FaultyWire
from station.hardware import Connector, Evse, Hardware
from station.link import Link
from station.outgoing import Outgoing, Payload
from station.pulse import Pulse

log = logging.getLogger()


class Firmware:
    """What runs on the station's controller. It begins with a boot, and all that it knows by itself ends with it."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        variables: DeviceModel,
        link: Link,
        faults: Faults,
        language: Language,
        *,
        clock: TrioClock,
        random: Random,
        boot_reason: BootReason,
    ) -> None:
        """boot_reason: why it boots, which the CSMS is told. random: gives the message ids."""
        self._identity = identity
        self._variables = variables
        self._clock = clock
        self._random = random
        self._language = language
        self._link = link
        self._faults = faults
        self._changed = Pulse()
        self._connected = False
        self._endpoint: Endpoint | None = None
        self._offline_since: float | None = None
        monotonic = trio.current_time
        self._reservations = Reservations(identity, hardware, variables, clock, monotonic=monotonic)
        self._availability = Availability(hardware, self._reservations, variables, clock, monotonic=monotonic)
        self._provisioning = Provisioning(
            identity,
            variables,
            clock,
            monotonic=monotonic,
            boot_reason=boot_reason,
            accepted=self._availability.report_all,
        )
        self._remote_control = RemoteControl(hardware, self._provisioning, self._availability)
        # The most urgent first: whoever of these has something to say is heard before those behind.
        self._blocks: Final[tuple[Block, ...]] = (
            self._provisioning,
            self._remote_control,
            self._reservations,
            self._availability,
        )
        self._handlers: Final[Mapping[str, Handler]] = {
            action: handler for block in self._blocks for action, handler in block.handlers.items()
        }

    @property
    def online(self) -> bool:
        """The station is connected, and accepted by the CSMS."""
        return self._connected and self._provisioning.registration is Registration.ACCEPTED

    async def run(self) -> None:
        """Live until cancelled. When that happens the CSMS is told with WebSocket close code 1001."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._work)
            nursery.start_soon(self._link.run, self._converse)

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send a CALL that no block asked for, when its turn comes; what is answered changes nothing here.

        Raises as Endpoint.call does, ConnectionLost also when there is no connection.
        """
        if self._endpoint is None:
            raise ConnectionLost("the station is not connected")
        self._availability.sending(action)
        return await self._endpoint.call(action, payload)

    def connector_status(self, evse: Evse, connector: Connector) -> ConnectorStatus:
        """How a connector is now, as the CSMS is told."""
        return self._availability.status(evse, connector)

    def view(self) -> dict[str, Any]:
        """What of it people want to see, as JSON."""
        view: dict[str, Any] = {"url": self._link.url, "connected": self._connected, "online": self.online}
        for block in self._blocks:
            view |= block.view()
        return view

    def hardware_changed(self) -> None:
        """Let every block see what has changed."""
        for block in self._blocks:
            block.hardware_changed()
        self._changed.beat()

    async def _work(self) -> None:
        """Do what time brings, also while nobody is connected."""
        while True:
            while any(block.tick() for block in self._blocks):
                self._changed.beat()
            with trio.move_on_at(min(block.tick_at() for block in self._blocks)):
                await self._changed.wait()

    async def _converse(self, ws: WebSocket) -> WebSocketClosed:
        """Live on one connection until it ends."""
        offline_s = None if self._offline_since is None else trio.current_time() - self._offline_since
        self._connected = True
        for block in self._blocks:
            block.connected(offline_s)
        self._changed.beat()
        try:
            async with trio.open_nursery() as nursery:
                self._endpoint = endpoint = self._new_endpoint(FaultyWire(ws, self._faults, nursery))
                nursery.start_soon(self._speak, endpoint)
                closed = await endpoint.run()
                nursery.cancel_scope.cancel()
            return closed
        finally:
            self._connected = False
            self._endpoint = None
            self._offline_since = trio.current_time()
            for block in self._blocks:
                block.disconnected()
            self._changed.beat()

    def _new_endpoint(self, wire: Wire) -> Endpoint:
        return Endpoint(
            wire,
            self._language,
            self._answer,
            self._provisioning.admit,
            messages=MessageLog(self._identity),
            new_message_id=lambda: str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            call_timeout_s=self._variables[MESSAGE_TIMEOUT],
        )

    async def _answer(self, action: str, payload: Payload) -> Payload:
        """Answer a CALL of the CSMS.

        The handlers are plain functions, so what they give the station to say is said behind the answer: no other
        task runs before that is on its way (F06.FR.04).
        """
        handler = self._handlers.get(action)
        if handler is None:
            raise NotSupported(f"This station does not serve {action}")
        response = handler(payload)
        self._changed.beat()
        return response

    async def _speak(self, endpoint: Endpoint) -> None:
        """Say what there is to say, one CALL at a time, as long as the connection lasts."""
        while True:
            outgoing = self._next_call()
            if outgoing is None:
                with trio.move_on_at(self._next_due_at()):
                    await self._changed.wait()
                continue
            self._availability.sending(outgoing.action)
            try:
                response = await endpoint.call(outgoing.action, outgoing.payload)
            except ConnectionLost as lost:
                outgoing.failed(lost)
                return
            except CallFailed as failure:
                log.warning("%s: %s brought no result: %s", self._identity, outgoing.action, failure)
                outgoing.failed(failure)
                if isinstance(failure, CallRefused) and failure.code == "SecurityError":
                    self._provisioning.forgotten()
            else:
                outgoing.answered(response)
            self._changed.beat()

    def _next_call(self) -> Outgoing | None:
        """The most urgent of what may be said now."""
        for block in self._blocks:
            outgoing = block.next_call()
            if outgoing is not None and may_send(
                self._provisioning.registration, outgoing.action, asked_for=outgoing.asked_for
            ):
                return outgoing
        return None

    def _next_due_at(self) -> float:
        """When to look again although nothing has changed. What is due, but may not be said, waits for a change."""
        now = trio.current_time()
        return min((due for block in self._blocks if (due := block.due_at()) > now), default=float("inf"))
