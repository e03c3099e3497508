"""The functional blocks of one station: what they are given of each other, and which is heard first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, cast

import trio

from shared.clock import TrioClock
from station.blocks.authorization import Authorization
from station.blocks.availability import Availability, Changes, Locks
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
from station.blocks.transactions import Transactions
from station.device_model import CHARGING_TIME, TX_BEFORE_ACCEPTED_ENABLED, DeviceModel
from station.device_model.description import Description
from station.hardware import Evse, Hardware
from station.link import Link
from station.outgoing import Outgoing, Payload
from station.state import State


class FunctionalBlocks:
    """All of them, from one boot to the next. They are asked and told together, each in its turn."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        variables: DeviceModel,
        state: State,
        link: Link,
        *,
        clock: TrioClock,
        random: Random,
        boot_reason: BootReason,
        vendors: Vendors,
        reboot: Callable[[BootReason], None],
        connected: Callable[[], bool],
        happened: Callable[[Payload], None],
    ) -> None:
        """As for Firmware. connected: there is a connection. happened: told of each TransactionEventRequest."""
        self._hardware = hardware
        self._variables = variables
        self._connected = connected
        monotonic = trio.current_time
        self._changes = Changes(hardware, state, ongoing=lambda evse_id: self.transactions.ongoing(evse_id))  # noqa: PLW0108  # there are none yet
        reservations = Reservations(
            identity,
            hardware,
            variables,
            clock,
            state,
            monotonic=monotonic,
            charging=lambda evse_id: self.transactions.charging(evse_id),  # noqa: PLW0108  # as above
            closed=self._changes.closes,
            resetting=lambda evse_id: self._resets.closes(evse_id),  # noqa: PLW0108  # as above
        )
        self.authorization = Authorization(state, variables, clock, online=lambda: self.online)
        self.transactions = Transactions(
            identity,
            hardware,
            state,
            variables,
            clock,
            monotonic=monotonic,
            random=random,
            signer=Signer(identity, state, variables, random),
            authorization=self.authorization,
            reservations=reservations,
            usable=self._usable,
            online=lambda: self.online,
            happened=happened,
        )
        self._resets = Resets(identity, hardware, variables, self.transactions, monotonic=monotonic, reboot=reboot)
        self.availability = Availability(
            hardware,
            reservations,
            variables,
            clock,
            self._changes,
            monotonic=monotonic,
            closed=self._closed,
        )
        variables.describe(Description(hardware, status=self.availability.status, now=clock.now))
        variables.live(CHARGING_TIME, lambda place: self.transactions.charging_s(cast(int, place.evse_id)))
        self.provisioning = Provisioning(
            identity,
            variables,
            clock,
            monotonic=monotonic,
            boot_reason=boot_reason,
            accepted=self.availability.report_all,
            network=lambda: link.profiles.active,
        )
        meter_values = MeterValues(
            hardware,
            variables,
            clock,
            self.transactions.sampling,
            monotonic=monotonic,
            online=lambda: self.online,
            ongoing=self.transactions.ongoing,
        )
        # The most urgent first: whoever of these has something to say is heard before those behind.
        self._all: Final[tuple[Block, ...]] = (
            self.provisioning,
            self.authorization,
            Triggers(hardware, self.provisioning, self.availability, meter_values, self.transactions),
            RemoteControl(hardware, variables, self.transactions),
            reservations,
            self.transactions,
            meter_values,
            self.availability,
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
                known=lambda: self.provisioning.registration is not Registration.BOOTING,
            ),
        )
        self.handlers: Final[Mapping[str, Handler]] = {
            action: handler for block in self._all for action, handler in block.handlers.items()
        }
        """What answers which action of the CSMS."""

    @property
    def online(self) -> bool:
        """The station is connected, and accepted by the CSMS."""
        return self._connected() and self.provisioning.registration is Registration.ACCEPTED

    def view(self) -> dict[str, Any]:
        """What of them people want to see, as JSON."""
        view: dict[str, Any] = {}
        for block in self._all:
            view |= block.view()
        return view

    def hardware_changed(self) -> None:
        """Let every block see what has changed; called before the method that changed it returns."""
        for block in self._all:
            block.hardware_changed()

    def connected(self, offline_s: float | None) -> None:
        """There is a new connection. offline_s: how long there was none, None for the first one after a boot."""
        for block in self._all:
            block.connected(offline_s)

    def disconnected(self) -> None:
        """The connection is gone."""
        for block in self._all:
            block.disconnected()

    def tick(self) -> bool:
        """Have what is due done. Returns whether there may be more: call it again then."""
        return any(block.tick() for block in self._all)

    def tick_at(self) -> float:
        """When time itself brings the next work, monotonic; infinity for never."""
        return min(block.tick_at() for block in self._all)

    def next_call(self) -> Outgoing | None:
        """The most urgent of what may be said now."""
        for block in self._all:
            outgoing = block.next_call()
            if outgoing is not None and may_send(
                self.provisioning.registration, outgoing.action, asked_for=outgoing.asked_for
            ):
                return outgoing
        return None

    def due_at(self) -> float:
        """When to look again although nothing has changed. What is due, but may not be said, waits for a change."""
        now = trio.current_time()
        return min((due for block in self._all if (due := block.due_at()) > now), default=float("inf"))

    def _closed(self, evse_id: int) -> bool:
        """The EVSE takes nobody new, as it is about to be reset or to go out of use."""
        return self._resets.closes(evse_id) or self._changes.closes(evse_id)

    def _usable(self, evse: Evse) -> bool:
        """A vehicle may charge there: nothing is switched off, and the CSMS has accepted the station (B01, B02)."""
        if self._closed(evse.evse_id):
            return False
        accepted = self.provisioning.was_accepted or self._variables[TX_BEFORE_ACCEPTED_ENABLED]
        connectors = [evse.plugged] if evse.plugged is not None else evse.connectors
        return accepted and any(self._hardware.in_use(evse, connector) for connector in connectors)
