"""What a station kept and what it told: whether the two are the same, and whether it is what the meter counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

from station.state import MemoryState
from station.state.base import Changes
from station.state.keys import TRANSACTION_EVENTS

Event = dict[str, Any]
Book = dict[str, dict[int, Event]]
"""Events by transactionId and seqNo."""

ENERGY = "Energy.Active.Import.Register"


class WitnessedState(MemoryState):
    """Notes each TransactionEvent that was kept: from then on the CSMS must come to know it."""

    def __init__(self) -> None:
        super().__init__()
        self.events: Book = {}

    def _settle(self, changes: Changes) -> None:
        for key, data in changes.items():
            if data is not None and key.startswith(TRANSACTION_EVENTS):
                enter(self.events, orjson.loads(data)[1])
        super()._settle(changes)


def enter(book: Book, event: Event) -> None:
    """Take an event into a book. AssertionError where it is there with another content (but for `offline`)."""
    content = {name: value for name, value in event.items() if name != "offline"}
    events = book.setdefault(event["transactionInfo"]["transactionId"], {})
    known = events.setdefault(event["seqNo"], content)
    assert known == content, f"one event with two contents: {known} and {content}"


def accepted_events(texts: Iterable[str]) -> tuple[Book, int]:
    """The events that a CSMS has accepted, by what went over the wire, and how many transmissions that took.

    AssertionError where the station sends one of a transaction behind a later one. (A CSMS may well accept it so: what
    it has read from a connection that fell silent it still serves while the next connection goes on.)
    """
    book: Book = {}
    calls: dict[str, Event] = {}
    latest: dict[str, int] = {}
    transmissions = 0
    for text in texts:
        message = json.loads(text)
        if message[0] == 2 and message[2] == "TransactionEvent":
            event = calls[message[1]] = message[3]
            transaction_id = event["transactionInfo"]["transactionId"]
            assert event["seqNo"] >= latest.get(transaction_id, 0), f"out of order: {event}"
            latest[transaction_id] = event["seqNo"]
            transmissions += 1
        elif message[0] == 3 and message[1] in calls:
            enter(book, calls.pop(message[1]))
    return book, transmissions


def check_transactions(book: Book) -> None:
    """One Started, one Ended, nothing missing between; AssertionError otherwise (E01.FR.07)."""
    for transaction_id, events in book.items():
        ordered = [events[seq_no] for seq_no in sorted(events)]
        assert sorted(events) == list(range(len(events))), f"{transaction_id}: {sorted(events)}"
        kinds = [event["eventType"] for event in ordered]
        assert kinds == ["Started", *["Updated"] * (len(kinds) - 2), "Ended"], f"{transaction_id}: {kinds}"
        stamps = [event["timestamp"] for event in ordered]
        assert stamps == sorted(stamps), f"{transaction_id}: time runs backwards"


def energy_wh(events: dict[int, Event]) -> float:
    """What the register has grown by from the Started to the Ended event of a transaction."""
    return _register(events[max(events)], "Transaction.End") - _register(events[0], "Transaction.Begin")


def energy_by_evse(book: Book) -> dict[int, float]:
    """What all transactions of each EVSE have drawn."""
    total: dict[int, float] = {}
    for events in book.values():
        evse_id = events[0]["evse"]["id"]
        total[evse_id] = total.get(evse_id, 0.0) + energy_wh(events)
    return total


def _register(event: Event, context: str) -> float:
    (value,) = [
        sample["value"]
        for meter_value in event["meterValue"]
        for sample in meter_value["sampledValue"]
        if sample["measurand"] == ENERGY and sample["context"] == context
    ]
    return float(value)
