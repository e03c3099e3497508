"""The station's firmware: its functional blocks and its connection, from a boot to the next."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, cast

import trio

from shared.clock import TrioClock
from shared.endpoint import Endpoint, Language, Late, Wire
from shared.ocppj.errors import CallFailed, CallRefused, ConnectionLost, NotSupported, PeerError
from shared.websocket import WebSocket, WebSocketClosed
from station.blocks.authorization import Authorization
from station.blocks.availability import Availability, Changes, ConnectorStatus, Locks
from station.blocks.block import Block, Handler
from station.blocks.data_transfer import DataTransfer, Vendors
from station.blocks.meter_values import MeterValues, Signer
from station.blocks.provisioning import (
    BootReason,
    NetworkProfileSettings,
    Provisioning,
    Registration,
    Reports,
    Resets,
    Variables,
    may_send,
)
from station.blocks.remote_control import RemoteControl, Triggers
from station.blocks.reservation import Reservations
from station.blocks.transactions import Decided, Transactions
from station.device_model import CHARGING_TIME, MESSAGE_TIMEOUT, TX_BEFORE_ACCEPTED_ENABLED, DeviceModel
from station.device_model.description import Description
from station.faults import Faults, FaultyWire
from station.hardware import Connector, Evse, Hardware, Token
from station.id_token import IdToken, IdTokenInfo
from station.link import Link
from station.outgoing import Outgoing, Payload
from station.pulse import Pulse
from station.state import State
from station.witness import Witness

log = logging.getLogger()


class Firmware:
    """What runs on the station's controller. It begins with a boot, and all that it knows by itself ends with it."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        variables: DeviceModel,
        state: State,
        link: Link,
        faults: Faults,
        language: Language,
        *,
        clock: TrioClock,
        random: Random,
        boot_reason: BootReason,
        vendors: Vendors,
        reboot: Callable[[BootReason], None],
        witness: Witness,
    ) -> None:
        """state: what it knows from before the boot. boot_reason: why it boots, which the CSMS is told.

        random: gives the message ids. vendors: who serves whose DataTransfer. reboot: boots another.
        """
        self._identity = identity
        self._hardware = hardware
        self._variables = variables
        self._clock = clock
        self._random = random
        self._language = language
        self._state = state
        self._link = link
        self._faults = faults
        self._witness = witness
        self._changed = Pulse()
        self._answering = False
        self._connected = False
        self._endpoint: Endpoint | None = None
        self._offline_since: float | None = None
        monotonic = trio.current_time
        self._changes = Changes(hardware, state, ongoing=lambda evse_id: self.transactions.ongoing(evse_id))  # noqa: PLW0108  # there are none yet
        self._reservations = Reservations(
            identity,
            hardware,
            variables,
            clock,
            state,
            monotonic=monotonic,
            charging=lambda evse_id: self.transactions.charging(evse_id),  # noqa: PLW0108  # there are none yet
            closed=self._changes.closes,
            resetting=lambda evse_id: self._resets.closes(evse_id),  # noqa: PLW0108  # there are none yet
        )
        self._authorization = Authorization(state, variables, clock, online=lambda: self.online)
        self.transactions = Transactions(
            identity,
            hardware,
            state,
            variables,
            clock,
            monotonic=monotonic,
            random=random,
            signer=Signer(identity, state, variables, random),
            authorization=self._authorization,
            reservations=self._reservations,
            usable=self._usable,
            online=lambda: self.online,
            happened=witness.happened,
        )
        self._resets = Resets(identity, hardware, variables, self.transactions, monotonic=monotonic, reboot=reboot)
        self._availability = Availability(
            hardware,
            self._reservations,
            variables,
            clock,
            self._changes,
            monotonic=monotonic,
            closed=self._closed,
        )
        variables.describe(Description(hardware, status=self._availability.status, now=clock.now))
        variables.live(CHARGING_TIME, lambda place: self.transactions.charging_s(cast(int, place.evse_id)))
        self._provisioning = Provisioning(
            identity,
            variables,
            clock,
            monotonic=monotonic,
            boot_reason=boot_reason,
            accepted=self._availability.report_all,
            network=lambda: link.profiles.active,
        )
        self._meter_values = MeterValues(
            hardware,
            variables,
            clock,
            self.transactions.sampling,
            monotonic=monotonic,
            online=lambda: self.online,
            ongoing=self.transactions.ongoing,
        )
        self._triggers = Triggers(
            hardware, self._provisioning, self._availability, self._meter_values, self.transactions
        )
        self._remote_control = RemoteControl(hardware, variables, self.transactions)
        # The most urgent first: whoever of these has something to say is heard before those behind.
        self._blocks: Final[tuple[Block, ...]] = (
            self._provisioning,
            self._authorization,
            self._triggers,
            self._remote_control,
            self._reservations,
            self.transactions,
            self._meter_values,
            self._availability,
            Locks(hardware, clock, monotonic=monotonic),
            self._resets,
            DataTransfer(identity, vendors),
            Variables(identity, variables, monotonic=monotonic, reconnect=link.reconnect),
            NetworkProfileSettings(identity, variables, link.profiles),
            Reports(
                identity,
                variables,
                clock,
                monotonic=monotonic,
                known=lambda: self._provisioning.registration is not Registration.BOOTING,
            ),
        )
        self._handlers: Final[Mapping[str, Handler]] = {
            action: handler for block in self._blocks for action, handler in block.handlers.items()
        }

    @property
    def connected(self) -> bool:
        """There is a connection, whatever the CSMS says on it."""
        return self._connected

    @property
    def online(self) -> bool:
        """The station is connected, and accepted by the CSMS."""
        return self._connected and self._provisioning.registration is Registration.ACCEPTED

    async def run(self) -> None:
        """Live until cancelled. When that happens the CSMS is told with WebSocket close code 1001."""
        self.transactions.resume()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._work)
            await self._link.run(self._converse)

    def goes_without_goodbye(self) -> None:
        """Have the CSMS not be told when `run` is cancelled."""
        self._link.says_goodbye = False

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
        active = self._link.profiles.active
        view: dict[str, Any] = {
            "csms_url": None if active is None else active.profile.csms_url,
            "connected": self._connected,
            "online": self.online,
        }
        for block in self._blocks:
            view |= block.view()
        return view

    def set_variable(self, component: str, name: str, text: str, instance: str | None = None) -> None:
        """Give a variable of the station a value, whoever may set it. Raises Unacceptable, LookupError: no such one."""
        self._variables.force(component, name, text, instance)
        self._changed.beat()

    def learn_token(self, id_token: IdToken, info: IdTokenInfo) -> bool:
        """Have the Authorization Cache remember a token, as if the CSMS had told. False: it does not."""
        self._authorization.learn(id_token, info)
        self._changed.beat()
        return self._authorization.known(id_token) is not None

    def hardware_changed(self) -> None:
        """Let every block see what has changed."""
        for block in self._blocks:
            block.hardware_changed()
        self._changed.beat()

    def token_presented(self, evse: Evse, token: Token) -> None:
        """Somebody holds a token to an EVSE's reader."""
        self.present_token(evse.evse_id, cast(IdToken, token), lambda _: None)

    def present_token(self, evse_id: int, id_token: IdToken, decided: Decided) -> None:
        """Somebody presents a token at an EVSE, which there is. decided: told what it may do, once."""
        self.transactions.present_token(evse_id, id_token, decided)
        self._changed.beat()

    def stop_pressed(self, evse: Evse) -> None:
        """Somebody presses an EVSE's stop button (E07.FR.05)."""
        self.transactions.press_stop(evse.evse_id)
        self._changed.beat()

    def _closed(self, evse_id: int) -> bool:
        """The EVSE takes nobody new, as it is about to be reset or to go out of use."""
        return self._resets.closes(evse_id) or self._changes.closes(evse_id)

    def _usable(self, evse: Evse) -> bool:
        """A vehicle may charge there: nothing is switched off, and the CSMS has accepted the station (B01, B02)."""
        if self._closed(evse.evse_id):
            return False
        accepted = self._provisioning.was_accepted or self._variables[TX_BEFORE_ACCEPTED_ENABLED]
        connectors = [evse.plugged] if evse.plugged is not None else evse.connectors
        return accepted and any(self._hardware.in_use(evse, connector) for connector in connectors)

    async def _work(self) -> None:
        """Do what time brings, and keep what there is to remember, also while nobody is connected."""
        while True:
            self._do_what_is_due()
            if self._state.unkept:
                await self._state.keep()
                continue
            with trio.move_on_at(min(self._hardware.next_change_at(), *(block.tick_at() for block in self._blocks))):
                await self._changed.wait()

    def _do_what_is_due(self) -> None:
        """Let happen, and let every block do, what time has brought until now."""
        self._hardware.advance()
        while any(block.tick() for block in self._blocks):
            self._changed.beat()

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
            messages=self._witness,
            new_message_id=lambda: str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            call_timeout_s=self._variables[MESSAGE_TIMEOUT],
        )

    async def _answer(self, action: str, payload: Payload) -> Payload:
        """Answer a CALL of the CSMS, when what it has changed is kept: an answer is a promise.

        What the handlers give the station to say is said behind the answer: nothing is said meanwhile, and no other
        task runs before that is on its way (F06.FR.04).
        """
        handler = self._handlers.get(action)
        if handler is None:
            raise NotSupported(f"This station does not serve {action}")
        self._answering = True
        try:
            response = self._provisioning.refusal(action) or handler(payload)
            while self._state.unkept:
                await self._state.keep()
        finally:
            self._answering = False
            self._changed.beat()
        return response

    async def _speak(self, endpoint: Endpoint) -> None:
        """Say what there is to say, one CALL at a time, as long as the connection lasts.

        What it tells of is kept before: what the CSMS knows of the station, that knows of itself after a power cycle.
        And it is what time has brought by now, whichever task wakes up first: so the same seed says the same.
        """
        while True:
            self._do_what_is_due()
            while self._state.unkept:
                await self._state.keep()
            outgoing = None if self._answering else self._next_call()
            if outgoing is None:
                with trio.move_on_at(self._next_due_at()):
                    await self._changed.wait()
                continue
            self._availability.sending(outgoing.action)
            try:
                response = await endpoint.call(outgoing.action, outgoing.payload, late=self._late(outgoing))
            except ConnectionLost as lost:
                outgoing.failed(lost)
                return
            except PeerError as invalid:
                log.exception("%s: own %s is invalid: %s", self._identity, outgoing.action, invalid.description)
                outgoing.failed(CallRefused(invalid.code, invalid.description, invalid.details))
            except CallFailed as failure:
                log.warning("%s: %s brought no result: %s", self._identity, outgoing.action, failure)
                outgoing.failed(failure)
                if isinstance(failure, CallRefused) and failure.code == "SecurityError":
                    self._provisioning.forgotten()
            else:
                outgoing.answered(response)
            self._changed.beat()

    def _late(self, outgoing: Outgoing) -> Late | None:
        """Whom to tell of an answer that comes late."""
        tell = outgoing.late
        if tell is None:
            return None

        def late(result: Payload | CallFailed) -> None:
            tell(result)
            self._changed.beat()

        return late

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
