"""What TransactionEvents say of a transaction, in whatever order they come. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from csms.blocks.meter_values import register_wh, transaction_key
from csms.store import Row
from csms.store.moments import to_ms
from csms.store.texts import storable
from shared.ocppj.date_time import from_wire

Payload = dict[str, Any]
Span = tuple[int, int]
"""First and last of numbers that follow each other."""

INTEGER_LIMIT: Final = 2**63
COLUMNS: Final = (
    "station_id", "transaction_id", "transaction_key", "first_at", "started_at", "ended_at", "first_seq_no",
    "final_seq_no", "evse_id", "connector_id", "id_token", "id_token_type", "token_status", "token_seq_no",
    "remote_start_id", "reservation_id", "charging_state", "state_seq_no", "stopped_reason", "register_first_at",
    "register_first_wh", "register_last_at", "register_last_wh", "updated_at",
)  # fmt: skip
"""What row_of() tells of a transaction."""


Reading = tuple[int, float]
"""When, in ms, and what the meter read, in Wh."""


class Extent(NamedTuple):
    """How far a transaction goes, in time and on the meter; None where no event has told."""

    started_at: int | None = None
    first: Reading | None = None
    last: Reading | None = None

    @property
    def first_wh(self) -> float | None:
        return None if self.first is None else self.first[1]

    @property
    def last_wh(self) -> float | None:
        return None if self.last is None else self.last[1]

    def merged(self, row: Row) -> Extent:
        """With what one more event tells. row: as row_of() made it, or of the table."""
        if row["started_at"] is None and row["register_first_at"] is None:
            return self
        started_at = self.started_at if row["started_at"] is None else row["started_at"]
        first, last = self.first, self.last
        if row["register_first_at"] is not None:
            begin = (row["register_first_at"], row["register_first_wh"])
            if first is None or begin < first:
                first = begin
            end = (row["register_last_at"], row["register_last_wh"])
            if last is None or end > last:
                last = end
        return Extent(started_at, first, last)


class SeqNos:
    """The seqNos that have come, as spans in order: nearly always a single one, however long the transaction."""

    __slots__ = ("spans",)

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans: list[Span] = list(spans)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> SeqNos:
        """Those numbers, in any order."""
        seq_nos = cls()
        for number in sorted(numbers):
            seq_nos.add(number)
        return seq_nos

    def __contains__(self, number: int) -> bool:
        return any(first <= number <= last for first, last in reversed(self.spans))

    def add(self, number: int) -> None:
        """One more has come."""
        spans = self.spans
        at = len(spans)
        while at and spans[at - 1][0] > number:
            at -= 1
        if at and number <= spans[at - 1][1]:
            return
        first = last = number
        if at < len(spans) and spans[at][0] == number + 1:
            last = spans.pop(at)[1]
        if at and spans[at - 1][1] == number - 1:
            at -= 1
            first = spans.pop(at)[0]
        spans.insert(at, (first, last))

    def with_one_more(self, number: int) -> SeqNos:
        """These and that one."""
        seq_nos = SeqNos(self.spans)
        seq_nos.add(number)
        return seq_nos

    def missing(self, first: int | None, final: int | None) -> list[Span]:
        """What is missing between `first`, or the lowest that came, and `final`, or the highest that came."""
        if not self.spans:
            return []
        low = self.spans[0][0] if first is None else first
        high = self.spans[-1][1] if final is None else final
        gaps: list[Span] = []
        for start, end in self.spans:
            if start > high:
                break
            if start > low:
                gaps.append((low, start - 1))
            low = max(low, end + 1)
        if low <= high:
            gaps.append((low, high))
        return gaps

    def is_complete(self, first: int | None, final: int | None) -> bool:
        """Whether all from Started to Ended have come (Part 2, 1.3.2)."""
        return first is not None and final is not None and not self.missing(first, final)


def row_of(station_id: str, request: Payload, received_at: int, token_status: str | None) -> Row:
    """What one TransactionEvent tells of its transaction: a row of COLUMNS, None where it does not tell.

    token_status: what it is answered about its token, None when it has none.

    The rows of all its events, merged in any order, are the transaction.
    """
    info = request["transactionInfo"]
    transaction_id = storable(info["transactionId"])
    seq_no = int(request["seqNo"])
    happened_at = to_ms(from_wire(request["timestamp"]))
    event_type = request["eventType"]
    is_start = event_type == "Started"
    is_end = event_type == "Ended"
    evse = request.get("evse") or {}
    token = request.get("idToken")
    state = info.get("chargingState")
    first_at = first_wh = last_at = last_wh = None
    for meter_value in request.get("meterValue", ()):
        wh = register_wh(meter_value)
        if wh is None:
            continue
        at = to_ms(from_wire(meter_value["timestamp"]))
        if first_at is None or first_wh is None or (at, wh) < (first_at, first_wh):
            first_at, first_wh = at, wh
        if last_at is None or last_wh is None or (at, wh) > (last_at, last_wh):
            last_at, last_wh = at, wh
    return {
        "station_id": station_id,
        "transaction_id": transaction_id,
        "transaction_key": transaction_key(transaction_id),
        "first_at": happened_at,
        "started_at": happened_at if is_start else None,
        "ended_at": happened_at if is_end else None,
        "first_seq_no": seq_no if is_start else None,
        "final_seq_no": seq_no if is_end else None,
        "evse_id": _integer(evse.get("id")),
        "connector_id": _integer(evse.get("connectorId")),
        "id_token": None if token is None else storable(token["idToken"]),
        "id_token_type": None if token is None else token["type"],
        "token_status": token_status,
        "token_seq_no": None if token is None else seq_no,
        "remote_start_id": _integer(info.get("remoteStartId")),
        "reservation_id": _integer(request.get("reservationId")),
        "charging_state": state,
        "state_seq_no": None if state is None else seq_no,
        "stopped_reason": info.get("stoppedReason", "Local") if is_end else None,  # E06.FR.09
        "register_first_at": first_at,
        "register_first_wh": first_wh,
        "register_last_at": last_at,
        "register_last_wh": last_wh,
        "updated_at": received_at,
    }


def _integer(value: float | None) -> int | None:
    """A JSON Schema integer may be written 1.0; one that no database column holds is not told."""
    return None if value is None or not -INTEGER_LIMIT < value < INTEGER_LIMIT else int(value)


def is_stop(request: Payload) -> bool:
    """Whether an event's token was shown to stop, not to charge (E07)."""
    return bool(request["eventType"] == "Ended" or request["triggerReason"] == "StopAuthorized")


def judge(
    info: Payload,
    *,
    evse_id: int | None,
    is_stop: bool,
    is_master_pass: bool,
    others: int,
    max_transactions: int | None,
) -> Payload:
    """The idTokenInfo of a token in a TransactionEvent, from that of Authorize (E01.FR.11, E05.FR.01).

    others: further transactions that run on the token. max_transactions: how many may, None for any number.
    """
    if is_stop or info["status"] != "Accepted":
        return info
    if is_master_pass:
        return info | {"status": "Invalid"}  # C12.FR.09, C16.FR.03: it starts nothing
    if evse_id is not None and evse_id not in info.get("evseId", (evse_id,)):
        return {key: value for key, value in info.items() if key != "evseId"} | {"status": "NotAtThisLocation"}
    if max_transactions is not None and others >= max_transactions:
        return info | {"status": "ConcurrentTx"}
    return info
