"""F Remote Control: the CSMS asks for a message that the station would send later, or not at all (F06)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal, NotRequired, TypedDict

from shared.ocppj.errors import CallFailed
from station.blocks.availability import Availability, EvseType
from station.blocks.block import Block, Handler
from station.blocks.provisioning import Provisioning, Registration, may_send
from station.hardware import Connector, Evse, Hardware
from station.outgoing import Outgoing, Payload

TriggerStatus = Literal["Accepted", "Rejected", "NotImplemented"]

_HEARTBEAT = None
_Message = tuple[Evse, Connector] | None  # a StatusNotification for this connector, or a Heartbeat


class TriggerMessageRequest(TypedDict):
    requestedMessage: str
    evse: NotRequired[EvseType]


class RemoteControl(Block):
    """Sends what the CSMS asks for."""

    def __init__(self, hardware: Hardware, provisioning: Provisioning, availability: Availability) -> None:
        self._hardware = hardware
        self._provisioning = provisioning
        self._availability = availability
        # In the order asked for; what is asked for twice before it is sent is sent once (F06.FR.10). The object tells
        # a message that was asked for again while it was under way.
        self._wanted: dict[_Message, object] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"TriggerMessage": self.trigger_message}

    def trigger_message(self, request: TriggerMessageRequest) -> Payload:
        """Answer TriggerMessage. What is accepted is sent behind the answer, as things are then (F06.FR.04, F06.FR.09).

        StatusNotification without a connector means every connector of the EVSE, or of the station (F06.FR.11).
        """
        return {"status": self._trigger(request["requestedMessage"], request.get("evse"))}

    def disconnected(self) -> None:
        """With the connection goes the one who asked."""
        self._wanted.clear()

    def next_call(self) -> Outgoing | None:
        """The message that was asked for first."""
        if not self._wanted:
            return None
        message, asking = next(iter(self._wanted.items()))
        outgoing = (
            self._availability.heartbeat() if message is None else self._availability.status_notification(*message)
        )

        def done() -> None:
            if self._wanted.get(message) is asking:
                del self._wanted[message]

        def answered(payload: Payload) -> None:
            done()
            outgoing.answered(payload)

        def failed(failure: CallFailed) -> None:
            done()
            outgoing.failed(failure)

        return dataclasses.replace(outgoing, answered=answered, failed=failed, asked_for=True)

    def _trigger(self, action: str, evse_type: EvseType | None) -> TriggerStatus:
        match action:
            case "BootNotification":
                if self._provisioning.registration is Registration.ACCEPTED:
                    return "Rejected"  # F06.FR.17
                self._provisioning.boot_at_once()
                return "Accepted"
            case "Heartbeat":
                return self._want(action, [_HEARTBEAT])
            case "StatusNotification":
                return self._want(action, self._targets(evse_type))
            case _:
                return "NotImplemented"  # F06.FR.08

    def _want(self, action: str, messages: Iterable[_Message]) -> TriggerStatus:
        wanted = {message: object() for message in messages}
        if not wanted or not may_send(self._provisioning.registration, action, asked_for=True):
            return "Rejected"
        self._wanted.update(wanted)
        return "Accepted"

    def _targets(self, evse_type: EvseType | None) -> list[tuple[Evse, Connector]]:
        everything = list(self._hardware.connectors())
        if evse_type is None:
            return everything
        evse_id, connector_id = evse_type["id"], evse_type.get("connectorId")
        return [
            (evse, connector)
            for evse, connector in everything
            if evse.evse_id == evse_id and connector_id in {None, connector.connector_id}
        ]
