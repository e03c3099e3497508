"""One charging station: its link to the CSMS, its hardware and its functional blocks, in one nursery."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any, Final

import trio

from shared.clock import TrioClock
from shared.endpoint import Endpoint, Language
from shared.message_log import MessageLog
from shared.ocppj.errors import CallFailed, CallRefused, ConnectionLost, NotSupported
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Side
from shared.websocket import WebSocket, WebSocketClosed
from station.blocks.availability import Availability
from station.blocks.provisioning import Provisioning, may_send
from station.blocks.remote_control import RemoteControl
from station.blocks.reservation import Reservations
from station.device_model import MESSAGE_TIMEOUT, DeviceModel
from station.hardware import Hardware
from station.link import Link, OpenStream
from station.outgoing import Outgoing, Payload
from station.pulse import Pulse

log = logging.getLogger()


class Station:
    """A charging station. `run()` is its life; `hardware` may be touched all the time."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        variables: DeviceModel,
        *,
        csms_url: str,
        password: str,
        open_stream: OpenStream,
        clock: TrioClock,
        random: Random,
        schemas: Schemas,
    ) -> None:
        """csms_url: ws:// or wss://, without the identity, else ValueError. open_stream: opens a stream to such a URL.

        random: gives message ids and jitter: the same seed, the same messages.
        """
        self.identity = identity
        self.hardware = hardware
        self._variables = variables
        self._clock = clock
        self._random = random
        self._language = Language(V201, schemas, Side.STATION)
        self._link = Link(identity, csms_url, password, variables, open_stream=open_stream, random=random)
        self._changed = Pulse()
        self._offline_since: float | None = None
        monotonic = trio.current_time
        self._reservations = Reservations(identity, hardware, variables, clock, monotonic=monotonic)
        self._availability = Availability(hardware, self._reservations, variables, clock, monotonic=monotonic)
        self._provisioning = Provisioning(
            identity, variables, clock, monotonic=monotonic, accepted=self._availability.report_all
        )
        self._remote_control = RemoteControl(hardware, self._provisioning, self._availability)
        # The most urgent first: whoever of these has something to say is heard before those behind.
        self._blocks: Final = (self._provisioning, self._remote_control, self._reservations, self._availability)
        self._answers: Final[Mapping[str, Callable[[Any], Payload]]] = {
            "CancelReservation": self._reservations.cancel_reservation,
            "ChangeAvailability": self._availability.change_availability,
            "ReserveNow": self._reservations.reserve_now,
            "TriggerMessage": self._remote_control.trigger_message,
        }
        hardware.watch(self._hardware_changed)

    async def run(self) -> None:
        """Live until cancelled. When that happens the CSMS is told with WebSocket close code 1001."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._expire_reservations)
            nursery.start_soon(self._link.run, self._converse)

    def now(self) -> datetime:
        """The time by the station's clock, which follows that of the CSMS."""
        return self._clock.now()

    def _hardware_changed(self) -> None:
        self._reservations.hardware_changed()
        self._changed.beat()

    async def _expire_reservations(self) -> None:
        """End reservations on time, also while nobody is connected."""
        while True:
            expiry = self._reservations.next_expiry
            wait_s = float("inf") if expiry is None else (expiry - self._clock.now()).total_seconds()
            with trio.move_on_after(wait_s):
                await self._changed.wait()  # the clock may have been set, too
            if self._reservations.expire():
                self._changed.beat()

    async def _converse(self, ws: WebSocket) -> WebSocketClosed:
        """Live on one connection until it ends."""
        endpoint = Endpoint(
            ws,
            self._language,
            self._answer,
            self._provisioning.admit,
            messages=MessageLog(self.identity),
            new_message_id=lambda: str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            call_timeout_s=self._variables[MESSAGE_TIMEOUT],
        )
        self._provisioning.connected()
        if self._offline_since is not None:
            self._availability.back_online(trio.current_time() - self._offline_since)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._speak, endpoint)
                closed = await endpoint.run()
                nursery.cancel_scope.cancel()
            return closed
        finally:
            self._offline_since = trio.current_time()
            self._remote_control.offline()

    async def _answer(self, action: str, payload: Payload) -> Payload:
        """Answer a CALL of the CSMS.

        The handlers are plain functions, so what they give the station to say is said behind the answer: no other
        task runs before that is on its way (F06.FR.04).
        """
        handler = self._answers.get(action)
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
                log.warning("%s: %s brought no result: %s", self.identity, outgoing.action, failure)
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
