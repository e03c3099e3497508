"""TransactionEvents that wait for the CSMS: in order, one at a time, through lost power and connections (E04, E11-E14).

Only they are queued, for QueueAllMessages is false: a Heartbeat or a StatusNotification tells how things are now, so it
is made when it can be sent.
"""

from __future__ import annotations

import enum
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.ocppj.errors import CallFailed, CallRefused, ConnectionLost
from station.blocks.block import Block
from station.device_model import MESSAGE_ATTEMPT_INTERVAL, MESSAGE_ATTEMPTS, DeviceModel
from station.outgoing import Outgoing, Payload
from station.state import State
from station.state.keys import TRANSACTION_EVENTS

log = logging.getLogger()

CAPACITY: Final = 10_000
"""Events: a week offline with a sample a minute."""

Answered = Callable[[Payload, Payload], None]

_NUMBER_DIGITS: Final = 12
_SAMPLING: Final = frozenset({"MeterValuePeriodic", "MeterValueClock"})  # values of triggerReason


class Worth(enum.IntEnum):
    """What is dropped first when there is no room: the least."""

    SAMPLE = enum.auto()  # Updated, for nothing but meter values
    UPDATE = enum.auto()  # any other Updated
    FRAME = enum.auto()  # Started and Ended: never dropped


@dataclass(slots=True, eq=False)
class QueuedEvent:
    """An event in the queue. The state has what it says, as [failures, payload]: so the queue itself is small.

    failures: transmissions that the CSMS did not accept. was_unwelcome: one was answered SecurityError.
    """

    key: str
    transaction_id: str
    worth: Worth
    failures: int = 0
    was_unwelcome: bool = False
    is_answered: bool = False


def worth(payload: Payload) -> Worth:
    """How much a TransactionEventRequest is worth keeping when there is no room."""
    if payload["eventType"] != "Updated":
        return Worth.FRAME
    return Worth.SAMPLE if payload["triggerReason"] in _SAMPLING else Worth.UPDATE


def to_drop(events: Sequence[QueuedEvent]) -> list[QueuedEvent]:
    """What to drop of these when there is no room (E04.FR.07, E04.FR.08, E11.FR.05, E12.FR.05); never Started, Ended.

    The first, third, fifth, ... of the least worthy, of the transaction that has most of them: so a long silence thins
    out what was measured, but tears no hole.
    """
    for least in (Worth.SAMPLE, Worth.UPDATE):
        by_transaction: defaultdict[str, list[QueuedEvent]] = defaultdict(list)
        for event in events:
            if event.worth is least:
                by_transaction[event.transaction_id].append(event)
        if by_transaction:
            return max(by_transaction.values(), key=len)[::2]
    return []


class TransactionQueue(Block):
    """The events that the CSMS has not answered yet.

    An event is not sent before it is on disk. It leaves the queue with its answer, or when the CSMS has not accepted it
    as often as MessageAttempts says (E13.FR.04); a lost connection or loss of power is no failure, it is then sent
    again. So the CSMS has each event at least once and always with the same content, but for `offline`, which becomes
    true for what waits when the connection is lost (E11.FR.07).
    """

    def __init__(
        self,
        identity: str,
        state: State,
        variables: DeviceModel,
        *,
        monotonic: Callable[[], float],
        answered: Answered,
        capacity: int = CAPACITY,
    ) -> None:
        """What a loss of power left in the queue is in it again, as offline.

        answered: takes the payloads of a TransactionEventRequest and of its response, once for each event.
        """
        self._identity = identity
        self._state = state
        self._variables = variables
        self._monotonic = monotonic
        self._on_answer = answered
        self._capacity = capacity
        self._events = [self._restored(key) for key in state.keys(TRANSACTION_EVENTS)]
        self._next_number = 1 + max((_number(event.key) for event in self._events), default=0)
        self._offline_before = self._next_number  # the numbers of the events that were queued when it went offline
        self._not_before = self._retry_at(self._events[0]) if self._events else -math.inf

    def __len__(self) -> int:
        return len(self._events)

    @property
    def is_full(self) -> bool:
        """There is no room, and nothing that may be dropped: begin no transaction now."""
        return len(self._events) >= self._capacity and not to_drop(self._events[1:])

    def append(self, payload: Payload) -> None:
        """Queue a TransactionEventRequest, with offline=true if the station is so (E04.FR.01, E04.FR.03).

        Where there is no room, others of the kind Updated make it, or it is not queued if it is the least itself.
        Started and Ended are queued in any case; there are few more of them than EVSEs once `is_full` is heeded.
        """
        key = f"{TRANSACTION_EVENTS}{self._next_number:0{_NUMBER_DIGITS}}"
        self._next_number += 1
        self._state.put(key, [0, payload])
        self._events.append(_event(key, 0, payload))
        if len(self._events) > self._capacity:
            self._make_room()

    def pending(self, transaction_id: str | None = None) -> bool:
        """Whether there are events to be delivered, of this transaction or of any (E14.FR.04-08: messagesInQueue)."""
        return any(transaction_id in {None, event.transaction_id} for event in self._events)

    def pending_at(self, evse_id: int | None) -> bool:
        """Whether there are events to be delivered, of transactions at this EVSE or at any."""
        if evse_id is None:
            return bool(self._events)
        return any(self._state.get(event.key)[1].get("evse", {}).get("id") == evse_id for event in self._events)

    def disconnected(self) -> None:
        """What still waits is offline from now on (E11.FR.07)."""
        self._offline_before = self._next_number

    def next_call(self) -> Outgoing | None:
        """The event that waits longest, unless it is not on disk yet or has to wait before it is sent again."""
        if not self._events or self._monotonic() < self._not_before or not self._state.is_kept(self._events[0].key):
            return None
        event = self._events[0]
        _, payload = self._state.get(event.key)
        if _number(event.key) < self._offline_before:
            payload["offline"] = True

        def answered(response: Payload) -> None:
            self._answered(event, payload, response)

        def failed(failure: CallFailed) -> None:
            self._failed(event, payload, failure)

        def late(result: Payload | CallFailed) -> None:
            if not isinstance(result, CallFailed):  # a failure has been counted when the answer did not come in time
                self._answered(event, payload, result)

        return Outgoing("TransactionEvent", payload, answered, failed, late=late)

    def due_at(self) -> float:
        """When the first event may be sent."""
        return self._not_before if self._events else math.inf

    def _answered(self, event: QueuedEvent, payload: Payload, response: Payload) -> None:
        if event.is_answered:
            return  # in time, to one of two transmissions, and late, to the other
        event.is_answered = True
        self._leave(event)
        self._on_answer(payload, response)

    def _failed(self, event: QueuedEvent, payload: Payload, failure: CallFailed) -> None:
        match failure:
            case ConnectionLost():
                return  # offline: that is no failure to process it (E13, remark)
            case CallRefused(code="SecurityError") if not event.was_unwelcome:
                event.was_unwelcome = True  # the CSMS has forgotten the station (B01.FR.10), which registers again
                return
        if event not in self._events[:1]:
            return  # answered late, while it was sent once more
        event.failures += 1
        if event.failures >= self._variables[MESSAGE_ATTEMPTS]:
            log.warning(
                "%s: TransactionEvent %d of %s is discarded: not accepted %d times, at last: %s",
                self._identity,
                payload["seqNo"],
                event.transaction_id,
                event.failures,
                failure,
            )
            self._leave(event)
        else:
            self._state.put(event.key, [event.failures, payload])
            self._not_before = self._retry_at(event)

    def _leave(self, event: QueuedEvent) -> None:
        if event in self._events[:1]:
            del self._events[0]
            self._state.delete(event.key)
            self._not_before = -math.inf

    def _retry_at(self, event: QueuedEvent) -> float:
        """When it may be sent again; after a reboot that is counted from the reboot on (E13.FR.03)."""
        return (
            self._monotonic() + event.failures * self._variables[MESSAGE_ATTEMPT_INTERVAL]
            if event.failures
            else -math.inf
        )

    def _make_room(self) -> None:
        dropped = to_drop(self._events[1:])  # the first one may be on its way
        if dropped:
            gone = set(dropped)
            self._events = [event for event in self._events if event not in gone]
            for event in dropped:
                self._state.delete(event.key)
            log.warning(
                "%s: no room for more TransactionEvents: %d Updated of %s are dropped",
                self._identity,
                len(dropped),
                dropped[0].transaction_id,
            )

    def _restored(self, key: str) -> QueuedEvent:
        failures, payload = self._state.get(key)
        return _event(key, failures, payload)


def _event(key: str, failures: int, payload: dict[str, Any]) -> QueuedEvent:
    return QueuedEvent(key, payload["transactionInfo"]["transactionId"], worth(payload), failures)


def _number(key: str) -> int:
    return int(key.removeprefix(TRANSACTION_EVENTS))
