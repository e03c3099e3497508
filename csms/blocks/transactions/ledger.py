"""The transactions: what must be at hand of the open ones, and the statements that write all of them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from functools import partial
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql

from csms.blocks.transactions.rules import COLUMNS, Extent, Payload, SeqNos
from csms.store import Change, Store
from csms.store import Row as NewRow
from csms.store.moments import to_ms
from csms.store.tables import transaction_events, transactions
from csms.tokens import Key
from shared.clock import Clock

log = logging.getLogger(__name__)

OPEN_KEPT: Final = 50_000  # some 0.6 KB each; of others the store is asked
DONE_KEPT: Final = 5_000  # their last event may be resent
_RECENT_MS: Final = 7 * 24 * 3600 * 1000  # of what is open at start, the rest was probably forgotten by its station

Name = tuple[str, str]
"""Station and transactionId."""

_EMPTY: Final = "{}"
_KEY: Final = (transactions.c.station_id, transactions.c.transaction_id)
_EVENT_KEY: Final = (transaction_events.c.station_id, transaction_events.c.transaction_id)
_SEQ_NOS: Final = select(transaction_events.c.seq_no).where(
    _EVENT_KEY[0] == bindparam("station"), _EVENT_KEY[1] == bindparam("transaction")
)
_RESPONSE: Final = select(transaction_events.c.response).where(
    _EVENT_KEY[0] == bindparam("station"),
    _EVENT_KEY[1] == bindparam("transaction"),
    transaction_events.c.seq_no == bindparam("number"),
)
_TRANSACTION: Final = select(transactions).where(_KEY[0] == bindparam("station"), _KEY[1] == bindparam("transaction"))


class Record:
    """What is at hand of one transaction.

    token: what it charges on, when that was accepted. last_response: to the event last_seq_no, which is the one most
    often resent. superseded: a later transaction has started on its EVSE, so it can no longer be running. asked: the
    connection that GetTransactionStatus was sent on.
    """

    __slots__ = (
        "asked", "evse_id", "extent", "final_seq_no", "first_at", "first_seq_no", "last_response", "last_seq_no",
        "name", "seq_nos", "superseded", "token",
    )  # fmt: skip

    def __init__(self, name: Name) -> None:
        self.name = name
        self.seq_nos = SeqNos()
        self.first_seq_no: int | None = None
        self.final_seq_no: int | None = None
        self.first_at: int | None = None
        self.extent = Extent()
        self.evse_id: int | None = None
        self.token: Key | None = None
        self.last_seq_no: int | None = None
        self.last_response: Payload = {}
        self.superseded = False
        self.asked: object = None

    @property
    def is_complete(self) -> bool:
        return self.final_seq_no is not None and self.seq_nos.is_complete(self.first_seq_no, self.final_seq_no)

    @property
    def is_running(self) -> bool:
        """Whether it counts as a transaction of its token."""
        return self.final_seq_no is None and not self.superseded


class Ledger:
    """All transactions, of which some are at hand. `load()` comes first.

    A transaction that is not at hand is looked for in the store when an event of it comes, so that memory is bounded
    and nothing depends on what it has forgotten but ConcurrentTx.
    """

    def __init__(self, store: Store, clock: Clock, *, open_kept: int = OPEN_KEPT, done_kept: int = DONE_KEPT) -> None:
        self._store = store
        self._clock = clock
        self._open_kept = open_kept
        self._done_kept = done_kept
        self._open: OrderedDict[Name, Record] = OrderedDict()
        self._done: OrderedDict[Name, Record] = OrderedDict()
        self._of_token: dict[Key, set[Name]] = {}
        self._at_evse: dict[tuple[str, int], Name] = {}
        self._unsure: dict[Name, object] = {}
        self._merge = _merge_statement(store)
        self._insert_event = store.insert(transaction_events).on_conflict_do_nothing()
        self._note_status = (
            update(transactions)
            .where(_KEY[0] == bindparam("station"), _KEY[1] == bindparam("transaction"))
            .values(messages_in_queue=bindparam("in_queue"), asked_at=bindparam("asked"))
        )

    async def load(self) -> None:
        """Have the transactions at hand that are open and were heard of lately."""
        since = to_ms(self._clock.now()) - _RECENT_MS
        query = _open_query(since).limit(self._open_kept)
        for row in reversed(await self._store.read(lambda connection: connection.execute(query).all())):
            if row.highest - row.lowest + 1 == row.count:  # else its seqNos are read when it goes on
                record = _record(row, SeqNos([(row.lowest, row.highest)]))
                self._keep(record)

    # --- what is at hand ----------------------------------------------------------------------------------------------

    def find(self, name: Name) -> Record | None:
        """What is at hand of a transaction."""
        record = self._open.get(name)
        return self._done.get(name) if record is None else record

    async def find_or_recall(self, name: Name) -> Record:
        """What is at hand of a transaction, or the store knows; an empty record when that is nothing.

        Where something of it is being written, or was and nobody knows whether it is there, the store is asked behind
        that. Raises StoreUnavailable.
        """
        doubt = self._unsure.get(name)
        if doubt is not None:
            recalled: Record = await self._store.change(partial(_recall, name=name))
            self._settle(name, doubt)
            return recalled
        record = self.find(name)
        if record is None:
            recalled = await self._store.read(partial(_recall, name=name))
            record = self.find(name) or recalled  # another connection of the station may have been faster
        return record

    def writing(self, record: Record) -> _Writing:
        """Within the block something of a transaction is written. When that fails, it may be there or not."""
        return _Writing(self, record)

    def begin_writing(self, record: Record) -> object:
        """Until the end is told, with what this returns, the store is asked what it knows of the transaction."""
        return self._doubt(record.name)

    def end_writing(self, record: Record, doubt: object, *, is_written: bool) -> None:
        """It was written, or nobody knows whether it was."""
        if is_written:
            self._settle(record.name, doubt)
        else:
            self._drop(self.find(record.name) or record)
            self._doubt(record.name)

    def _doubt(self, name: Name) -> object:
        doubt = self._unsure[name] = object()
        if len(self._unsure) > self._open_kept:
            del self._unsure[next(iter(self._unsure))]
        return doubt

    def _settle(self, name: Name, doubt: object) -> None:
        if self._unsure.get(name) is doubt:
            del self._unsure[name]

    async def stored_response(self, record: Record, seq_no: int) -> Payload:
        """What an event that has come was answered. Raises StoreUnavailable."""
        if record.last_seq_no == seq_no:
            return record.last_response

        def read(connection: Connection) -> str | None:
            key = {"station": record.name[0], "transaction": record.name[1], "number": seq_no}
            return connection.scalar(_RESPONSE, key)

        text = await self._store.read(read)
        response: Payload = orjson.loads(text or _EMPTY)
        return response

    def others_of_token(self, token: Key, name: Name, evse_id: int | None) -> int:
        """How many transactions run on a token beside this one; none does on the same EVSE (E01.FR.14)."""
        others = [self._open[other] for other in self._of_token.get(token, ()) if other != name]
        return sum(other.is_running and (other.name[0], other.evse_id) != (name[0], evse_id) for other in others)

    def keep(self, record: Record, row: NewRow, seq_no: int, response: Payload) -> None:
        """An event has been stored: have at hand what it told. row: as rules.row_of() made it."""
        record = self.find(record.name) or record
        record.seq_nos.add(seq_no)
        record.last_seq_no, record.last_response = seq_no, response
        _learn(record, row)
        self._keep(record)

    def hold(self, record: Record) -> Record:
        """Have it at hand from now on, and return what is."""
        record = self.find(record.name) or record
        self._keep(record)
        return record

    def _keep(self, record: Record) -> None:
        name = record.name
        if record.is_complete:
            self._drop(record)
            self._done[name] = record
            if len(self._done) > self._done_kept:
                self._done.popitem(last=False)
            return
        if name in self._open:
            self._open.move_to_end(name)
        else:
            self._open[name] = record
            if len(self._open) > self._open_kept:
                self._drop(next(iter(self._open.values())))
        if record.token is not None:
            self._of_token.setdefault(record.token, set()).add(name)
        if record.evse_id is not None and record.final_seq_no is None:
            self._take_evse(record, (name[0], record.evse_id))

    def _take_evse(self, record: Record, evse: tuple[str, int]) -> None:
        """An EVSE has one transaction at a time (E01.FR.14): of two that are open, the older one was left behind."""
        name = self._at_evse.get(evse)
        if name == record.name:
            return
        other = None if name is None else self._open.get(name)
        if other is not None and (other.first_at or 0) > (record.first_at or 0):
            record.superseded = True
            return
        if other is not None:
            other.superseded = True
        self._at_evse[evse] = record.name

    def _drop(self, record: Record) -> None:
        name = record.name
        self._open.pop(name, None)
        self._done.pop(name, None)
        if record.token is not None:
            names = self._of_token.get(record.token)
            if names is not None:
                names.discard(name)
                if not names:
                    del self._of_token[record.token]
        if record.evse_id is not None and self._at_evse.get((name[0], record.evse_id)) == name:
            del self._at_evse[name[0], record.evse_id]

    # --- what is written ----------------------------------------------------------------------------------------------

    def merge_change(self, row: NewRow) -> Change:
        """Writes what an event tells of its transaction."""
        return Change(self._merge, [row])

    def event_change(self, row: NewRow, request: Payload, response: Payload) -> Change:
        """Writes an event, whole. row: as rules.row_of() made it."""
        return Change(
            self._insert_event,
            [
                {
                    "station_id": row["station_id"],
                    "transaction_id": row["transaction_id"],
                    "seq_no": int(request["seqNo"]),
                    "event_type": request["eventType"],
                    "trigger_reason": request["triggerReason"],
                    "offline": request.get("offline", False),
                    "happened_at": row["first_at"],
                    "received_at": row["updated_at"],
                    "payload": orjson.dumps(request).decode(),
                    "response": orjson.dumps(response).decode() if response else _EMPTY,
                }
            ],
        )

    async def note_status(self, name: Name, *, messages_in_queue: bool) -> None:
        """Keep what GetTransactionStatus was answered (E14). Raises StoreUnavailable."""
        row = {
            "station": name[0],
            "transaction": name[1],
            "in_queue": messages_in_queue,
            "asked": to_ms(self._clock.now()),
        }
        await self._store.commit(Change(self._note_status, [row]))


class _Writing:
    """What Ledger.writing() returns. A generator would cost several times as much, for each event."""

    __slots__ = ("_doubt", "_ledger", "_record")
    _doubt: object

    def __init__(self, ledger: Ledger, record: Record) -> None:
        self._ledger = ledger
        self._record = record

    def __enter__(self) -> None:
        self._doubt = self._ledger.begin_writing(self._record)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ledger.end_writing(self._record, self._doubt, is_written=kind is None)


def _merge_statement(store: Store) -> postgresql.Insert:
    """INSERT … ON CONFLICT that merges what events tell, in any order: each column is a minimum or a maximum.

    Where two columns belong together, the one that decides is compared, and the other goes with it.
    """
    insert = store.insert(transactions)
    new, old = insert.excluded, transactions.c
    earlier = _decides(old.register_first_at, new.register_first_at, new.register_first_at < old.register_first_at)
    later = _decides(old.register_last_at, new.register_last_at, new.register_last_at > old.register_last_at)
    first_token = _decides(old.token_seq_no, new.token_seq_no, new.token_seq_no < old.token_seq_no)
    last_state = _decides(old.state_seq_no, new.state_seq_no, new.state_seq_no > old.state_seq_no)
    last_end = _decides(old.final_seq_no, new.final_seq_no, new.final_seq_no > old.final_seq_no)
    least = ("first_at", "started_at", "first_seq_no", "remote_start_id", "reservation_id", "token_seq_no",
             "register_first_at")  # fmt: skip
    greatest = ("ended_at", "final_seq_no", "evse_id", "connector_id", "state_seq_no", "register_last_at", "updated_at")
    same_first = new.register_first_at == old.register_first_at
    same_last = new.register_last_at == old.register_last_at
    return insert.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={
            **{name: _least(old[name], new[name]) for name in least},
            **{name: _greatest(old[name], new[name]) for name in greatest},
            "id_token": case((first_token, new.id_token), else_=old.id_token),
            "id_token_type": case((first_token, new.id_token_type), else_=old.id_token_type),
            "token_status": case((first_token, new.token_status), else_=old.token_status),
            "charging_state": case((last_state, new.charging_state), else_=old.charging_state),
            "stopped_reason": case((last_end, new.stopped_reason), else_=old.stopped_reason),
            "register_first_wh": case(
                (earlier, new.register_first_wh),
                (same_first, _least(old.register_first_wh, new.register_first_wh)),
                else_=old.register_first_wh,
            ),
            "register_last_wh": case(
                (later, new.register_last_wh),
                (same_last, _greatest(old.register_last_wh, new.register_last_wh)),
                else_=old.register_last_wh,
            ),
        },
    )


def _decides(old: ColumnElement[Any], new: ColumnElement[Any], better: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the new row has what decides, and the old one has not or a worse one."""
    return better | (old.is_(None) & new.is_not(None))


def _least(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The lesser, NULL being no value; min() and least() differ between the databases."""
    return case((old < new, old), else_=func.coalesce(new, old))


def _greatest(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((old > new, old), else_=func.coalesce(new, old))


def _open_query(since: int) -> Select[Any]:
    """Open transactions with the extent of their seqNos, the last heard of first."""
    seq_no = transaction_events.c.seq_no
    extents = (
        select(
            *_EVENT_KEY,
            func.min(seq_no).label("lowest"),
            func.max(seq_no).label("highest"),
            func.count().label("count"),
        )
        .join(transactions, (_EVENT_KEY[0] == _KEY[0]) & (_EVENT_KEY[1] == _KEY[1]))
        .where(transactions.c.ended_at.is_(None), transactions.c.updated_at >= since)
        .group_by(*_EVENT_KEY)
        .subquery()
    )
    return (
        select(transactions, extents.c.lowest, extents.c.highest, extents.c.count)
        .join(extents, (extents.c.station_id == _KEY[0]) & (extents.c.transaction_id == _KEY[1]))
        .order_by(transactions.c.updated_at.desc())
    )


def _recall(connection: Connection, name: Name) -> Record:
    key = {"station": name[0], "transaction": name[1]}
    seq_nos = SeqNos.of(connection.scalars(_SEQ_NOS, key))
    if not seq_nos.spans:
        return Record(name)
    return _record(connection.execute(_TRANSACTION, key).one(), seq_nos)


def _record(row: Row[Any], seq_nos: SeqNos) -> Record:
    record = Record((row.station_id, row.transaction_id))
    record.seq_nos = seq_nos
    _learn(record, {name: getattr(row, name) for name in COLUMNS})
    return record


def _learn(record: Record, row: NewRow) -> None:
    if row["first_seq_no"] is not None:
        record.first_seq_no = row["first_seq_no"]
    if row["final_seq_no"] is not None:
        record.final_seq_no = row["final_seq_no"]
    if row["evse_id"] is not None:
        record.evse_id = row["evse_id"]
    if record.first_at is None or row["first_at"] < record.first_at:
        record.first_at = row["first_at"]
    record.extent = record.extent.merged(row)
    status = row["token_status"]
    if record.token is None and status == "Accepted":
        record.token = (row["id_token_type"], row["id_token"].lower())
