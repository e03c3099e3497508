"""What is asked of the transactions that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, case, func, select, tuple_

from csms.blocks.meter_values import rows_of, transaction_key
from csms.blocks.transactions.rules import SeqNos, Span
from csms.store import Row
from csms.store.tables import meter_values, transaction_events, transactions

VALUE_KEY: Final = ("sampled_at", "transaction_key", "seq_no", "position")
_NAMES_AT_ONCE: Final = 100  # SQLite takes so many parameters only


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of transactions is narrowed down to. since, until: when they began, in ms; None: not narrowed."""

    station_id: str | None = None
    evse_id: int | None = None
    id_token: str | None = None
    is_open: bool | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One transaction of a list. row: of the table; events: how many have come; missing: how many have not yet."""

    row: RowMapping
    events: int
    missing: int


def list_transactions(connection: Connection, wanted: Wanted, after: Sequence[Any] | None, limit: int) -> list[Listed]:
    """The transactions that match, latest beginning first, behind the sort key `after` (first_at, station, id)."""
    columns = transactions.c
    query = select(transactions)
    for condition in (
        None if wanted.station_id is None else columns.station_id == wanted.station_id,
        None if wanted.evse_id is None else columns.evse_id == wanted.evse_id,
        None if wanted.id_token is None else func.lower(columns.id_token) == wanted.id_token.lower(),
        None if wanted.is_open is None else _is_open(wanted.is_open),
        None if wanted.since is None else columns.first_at >= wanted.since,
        None if wanted.until is None else columns.first_at < wanted.until,
    ):
        if condition is not None:
            query = query.where(condition)
    if after is not None:
        query = query.where(tuple_(columns.first_at, columns.station_id, columns.transaction_id) < tuple(after))
    order = (columns.first_at.desc(), columns.station_id.desc(), columns.transaction_id.desc())
    rows = connection.execute(query.order_by(*order).limit(limit)).mappings().all()
    extents = _extents(connection, [(row["station_id"], row["transaction_id"]) for row in rows])
    return [Listed(row, *extents.get((row["station_id"], row["transaction_id"]), (0, 0))) for row in rows]


def _is_open(is_open: bool) -> ColumnElement[bool]:
    return transactions.c.ended_at.is_(None) if is_open else transactions.c.ended_at.is_not(None)


def _extents(connection: Connection, names: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
    """How many events of each transaction have come, and how many are known not to (rules.SeqNos.missing())."""
    event, whole = transaction_events.c, transactions.c
    first = func.coalesce(whole.first_seq_no, func.min(event.seq_no))
    final = func.coalesce(whole.final_seq_no, func.max(event.seq_no))
    after_first = event.seq_no >= func.coalesce(whole.first_seq_no, event.seq_no)
    before_final = event.seq_no <= func.coalesce(whole.final_seq_no, event.seq_no)
    between = func.sum(case((after_first & before_final, 1), else_=0))
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for start in range(0, len(names), _NAMES_AT_ONCE):
        query = (
            select(event.station_id, event.transaction_id, func.count(), final - first + 1 - between)
            .join(
                transactions,
                (event.station_id == whole.station_id) & (event.transaction_id == whole.transaction_id),
            )
            .where(tuple_(event.station_id, event.transaction_id).in_(names[start : start + _NAMES_AT_ONCE]))
            .group_by(event.station_id, event.transaction_id, whole.first_seq_no, whole.final_seq_no)
        )
        for station_id, transaction_id, count, missing in connection.execute(query):
            found[station_id, transaction_id] = (count, max(0, int(missing)))
    return found


@dataclass(frozen=True, slots=True)
class Whole:
    """One transaction with all that is known of it. missing: the gaps of its seqNos."""

    row: RowMapping
    events: Sequence[RowMapping]
    meter_values: list[Row]
    missing: list[Span]


def whole_transaction(connection: Connection, station_id: str, transaction_id: str) -> Whole | None:
    """The transaction of that name, None when none is known."""
    name = (station_id, transaction_id)
    key = tuple_(transactions.c.station_id, transactions.c.transaction_id)
    row = connection.execute(select(transactions).where(key == name)).mappings().first()
    if row is None:
        return None
    event_key = tuple_(transaction_events.c.station_id, transaction_events.c.transaction_id)
    query = select(transaction_events).where(event_key == name).order_by(transaction_events.c.seq_no)
    events = connection.execute(query).mappings().all()
    values: list[Row] = []
    for event in events:
        payload = orjson.loads(event["payload"])
        sampled = payload.get("meterValue", ())
        rows = rows_of(station_id, row["evse_id"], row["transaction_key"], event["seq_no"], sampled)
        values += [{**value, "transaction_id": transaction_id} for value in rows]
    values.sort(key=lambda value: (value["sampled_at"], value["seq_no"], value["position"]))
    seq_nos = SeqNos.of(event["seq_no"] for event in events)
    return Whole(row, events, values, seq_nos.missing(row["first_seq_no"], row["final_seq_no"]))


@dataclass(frozen=True, slots=True)
class WantedValues:
    """What a list of meter values is narrowed down to. since, until: when they were measured, in ms."""

    evse_id: int | None = None
    transaction_id: str | None = None
    measurand: str | None = None
    since: int | None = None
    until: int | None = None


def list_meter_values(
    connection: Connection, station_id: str, wanted: WantedValues, after: Sequence[Any] | None, limit: int
) -> list[Row]:
    """A station's meter values, oldest first, behind the VALUE_KEY `after`.

    An event need not name the EVSE of its transaction, and one that comes before the others cannot be known to be of it
    (E01.FR.16): where it names none, the transaction tells.
    """
    columns = meter_values.c
    evse_id = func.coalesce(columns.evse_id, transactions.c.evse_id)
    of_transaction = (transactions.c.station_id == columns.station_id) & (
        transactions.c.transaction_key == columns.transaction_key
    )
    others = [column for column in columns if column.name != "evse_id"]
    query = (
        select(*others, transactions.c.transaction_id, evse_id.label("evse_id"))
        .select_from(meter_values.outerjoin(transactions, of_transaction))
        .where(columns.station_id == station_id)
    )
    for condition in (
        None if wanted.evse_id is None else evse_id == wanted.evse_id,
        None if wanted.transaction_id is None else columns.transaction_key == transaction_key(wanted.transaction_id),
        None if wanted.measurand is None else columns.measurand == wanted.measurand,
        None if wanted.since is None else columns.sampled_at >= wanted.since,
        None if wanted.until is None else columns.sampled_at < wanted.until,
    ):
        if condition is not None:
            query = query.where(condition)
    key = [columns[name] for name in VALUE_KEY]
    if after is not None:
        query = query.where(tuple_(*key) > tuple(after))
    return [dict(row) for row in connection.execute(query.order_by(*key).limit(limit)).mappings()]
