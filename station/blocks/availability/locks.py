"""Tells the CSMS of locks that do not hold a plug, and that they do again (G05)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from shared.clock import Clock
from shared.ocppj import date_time
from shared.ocppj.errors import CallFailed, CallRefused, CallTimedOut, ConnectionLost
from station.blocks.block import Block
from station.device_model import CONNECTOR_LOCK_PROBLEM
from station.device_model.variable import Place
from station.hardware import Connector, Evse, Hardware
from station.outgoing import Outgoing, Payload

UNANSWERED_PAUSE_S: Final = 30.0
"""Before an event that the CSMS left unanswered is told again."""


class Locks(Block):
    """Tells of a lock whenever what the CSMS was told last is not how it is. Each boot begins with locks that hold.

    A failure is told also when it is over by then (G05.FR.02), and then that it is over.
    """

    def __init__(self, hardware: Hardware, clock: Clock, *, monotonic: Callable[[], float]) -> None:
        self._hardware = hardware
        self._clock = clock
        self._monotonic = monotonic
        self._told: dict[Connector, bool] = {}
        self._failed: set[Connector] = set()  # of these the failure is still to be told
        self._events = 0
        self._not_before = -math.inf

    def hardware_changed(self) -> None:
        """Note the locks that have failed."""
        for _, connector in self._hardware.connectors():
            if connector.lock_failed and not self._told.get(connector, False):
                self._failed.add(connector)

    def next_call(self) -> Outgoing | None:
        """A NotifyEvent of ConnectorPlugRetentionLock.Problem (G05.FR.02)."""
        if self._monotonic() >= self._not_before:
            for evse, connector in self._hardware.connectors():
                failed = connector.lock_failed or connector in self._failed
                if self._told.get(connector, False) != failed:
                    return self._event(evse, connector, failed_to_lock=failed)
        return None

    def due_at(self) -> float:
        """When the next attempt may be made."""
        return self._not_before if self._monotonic() < self._not_before else math.inf

    def _event(self, evse: Evse, connector: Connector, *, failed_to_lock: bool) -> Outgoing:
        def answered(_: Payload) -> None:
            self._told[connector] = failed_to_lock
            self._failed.discard(connector)

        def failed(failure: CallFailed) -> None:
            match failure:
                case ConnectionLost() | CallRefused(code="SecurityError"):
                    pass  # told when the station is connected or registered again
                case CallTimedOut():
                    self._not_before = self._monotonic() + UNANSWERED_PAUSE_S
                case _:
                    answered({})  # it has arrived; saying it again will not help

        self._events += 1
        now, place = date_time.to_wire(self._clock.now()), Place(evse.evse_id, connector.connector_id)
        event: Payload = {
            "eventId": self._events,
            "timestamp": now,
            "trigger": "Delta",
            "actualValue": "true" if failed_to_lock else "false",
            "eventNotificationType": "HardWiredNotification",
            "component": CONNECTOR_LOCK_PROBLEM.component_type(place),
            "variable": CONNECTOR_LOCK_PROBLEM.variable_type(),
        }
        if not failed_to_lock:
            event["cleared"] = True
        return Outgoing("NotifyEvent", {"generatedAt": now, "seqNo": 0, "eventData": [event]}, answered, failed)
