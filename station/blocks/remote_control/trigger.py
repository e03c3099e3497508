"""The CSMS asks for a message that the station would send later, or not at all (F06)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, NotRequired, Protocol, TypedDict

from shared.ocppj.errors import CallFailed, ConnectionLost
from station.blocks.availability import Availability, EvseType
from station.blocks.block import Block, Handler
from station.blocks.meter_values import MeterValues
from station.blocks.provisioning import Provisioning, Registration, may_send
from station.hardware import Connector, Evse, Hardware
from station.outgoing import Outgoing, Payload

TriggerStatus = Literal["Accepted", "Rejected", "NotImplemented"]


class TriggerMessageRequest(TypedDict):
    requestedMessage: str
    evse: NotRequired[EvseType]


class Transactions(Protocol):
    """What is asked of the transactions block."""

    def tell_now(self, evse_id: int) -> bool: ...


class _Blocks(NamedTuple):
    availability: Availability
    meter_values: MeterValues


class _Message(Protocol):
    """A message that is wanted; two that are equal are one."""

    def make(self, blocks: _Blocks) -> Outgoing | None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class _Heartbeat:
    def make(self, blocks: _Blocks) -> Outgoing:
        return blocks.availability.heartbeat()


@dataclasses.dataclass(frozen=True, slots=True)
class _StatusNotification:
    evse: Evse
    connector: Connector

    def make(self, blocks: _Blocks) -> Outgoing:
        return blocks.availability.status_notification(self.evse, self.connector)


@dataclasses.dataclass(frozen=True, slots=True)
class _MeterValues:
    evse: Evse

    def make(self, blocks: _Blocks) -> Outgoing | None:
        return blocks.meter_values.report(self.evse)


class Triggers(Block):
    """Sends what the CSMS asks for."""

    def __init__(
        self,
        hardware: Hardware,
        provisioning: Provisioning,
        availability: Availability,
        meter_values: MeterValues,
        transactions: Transactions,
    ) -> None:
        self._hardware = hardware
        self._provisioning = provisioning
        self._blocks: Final = _Blocks(availability, meter_values)
        self._transactions = transactions
        # In the order asked for; what is asked for twice before it is sent is sent once (F06.FR.10). The object tells
        # a message that was asked for again while it was under way.
        self._wanted: dict[_Message, object] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"TriggerMessage": self.trigger_message}

    def trigger_message(self, request: TriggerMessageRequest) -> Payload:
        """Answer TriggerMessage. What is accepted is sent behind the answer, as things are then (F06.FR.04, F06.FR.09).

        It is sent in any case (F06.FR.10), on the next connection where this one is lost before.
        Without an EVSE, or a connector, all of the station, or of the EVSE, are meant (F06.FR.11).
        """
        return {"status": self._trigger(request["requestedMessage"], request.get("evse"))}

    def connected(self, offline_s: float | None) -> None:  # noqa: ARG002  # the block's interface
        """A CSMS that does not know the station yet has not asked it for anything (B02.FR.02)."""
        if self._provisioning.registration is Registration.BOOTING:
            self._wanted.clear()

    def next_call(self) -> Outgoing | None:
        """The message that was asked for first."""
        while self._wanted:
            message, asking = next(iter(self._wanted.items()))
            outgoing = message.make(self._blocks)
            if outgoing is not None:
                return self._watched(outgoing, message, asking)
            del self._wanted[message]
        return None

    def _watched(self, outgoing: Outgoing, message: _Message, asking: object) -> Outgoing:
        def done() -> None:
            if self._wanted.get(message) is asking:
                del self._wanted[message]

        def answered(payload: Payload) -> None:
            done()
            outgoing.answered(payload)

        def failed(failure: CallFailed) -> None:
            if not isinstance(failure, ConnectionLost):  # then it may not have been sent at all
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
                return self._want(action, [_Heartbeat()])
            case "StatusNotification":
                return self._want(action, (_StatusNotification(*place) for place in self._targets(evse_type)))
            case "MeterValues":
                return self._want(action, (_MeterValues(evse) for evse in self._evses(evse_type)))
            case "TransactionEvent":
                return self._tell_transactions(evse_type)
            case _:
                return "NotImplemented"  # F06.FR.08

    def _want(self, action: str, messages: Iterable[_Message]) -> TriggerStatus:
        wanted = {message: object() for message in messages if message.make(self._blocks) is not None}
        if not wanted or not may_send(self._provisioning.registration, action, asked_for=True):
            return "Rejected"
        self._wanted.update(wanted)
        return "Accepted"

    def _tell_transactions(self, evse_type: EvseType | None) -> TriggerStatus:
        """Have an event for each ongoing transaction, in its turn among the others (F06.FR.07)."""
        if self._provisioning.registration is not Registration.ACCEPTED:
            return "Rejected"
        told = [self._transactions.tell_now(evse.evse_id) for evse in self._evses(evse_type)]
        return "Accepted" if any(told) else "Rejected"

    def _evses(self, evse_type: EvseType | None) -> list[Evse]:
        return [evse for evse in self._hardware.evses if evse_type is None or evse.evse_id == evse_type["id"]]

    def _targets(self, evse_type: EvseType | None) -> list[tuple[Evse, Connector]]:
        connector_id = None if evse_type is None else evse_type.get("connectorId")
        return [
            (evse, connector)
            for evse in self._evses(evse_type)
            for connector in evse.connectors
            if connector_id in {None, connector.connector_id}
        ]
