"""The transactions: what must be at hand of the open ones, and the changes that write all of them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from functools import partial
from typing import Final

import orjson
from sqlalchemy import Connection

from csms.blocks.transactions.recall import Recall, recall
from csms.blocks.transactions.record import Name, Record
from csms.blocks.transactions.rules import Payload, SeqNos
from csms.blocks.transactions.statements import (
    NOTE_STATUS,
    RESPONSE,
    merge_statement,
    open_query,
)
from csms.store import Change, Store
from csms.store import Row as NewRow
from csms.store.moments import to_ms
from csms.store.tables import transaction_events
from csms.tokens import Key
from shared.clock import Clock

log = logging.getLogger(__name__)

OPEN_KEPT: Final = 50_000  # some 0.6 KB each; of others the store is asked
DONE_KEPT: Final = 5_000  # their last event may be resent
_RECENT_MS: Final = 7 * 24 * 3600 * 1000  # of what is open at start, the rest was probably forgotten by its station

_EMPTY: Final = "{}"


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
        self._recall = Recall(store)
        self._merge = merge_statement(store)
        self._insert_event = store.insert(transaction_events).on_conflict_do_nothing()

    async def load(self) -> None:
        """Have the transactions at hand that are open and were heard of lately."""
        since = to_ms(self._clock.now()) - _RECENT_MS
        query = open_query(since).limit(self._open_kept)
        for row in reversed(await self._store.read(lambda connection: connection.execute(query).all())):
            if row.highest - row.lowest + 1 == row.count:  # else its seqNos are read when it goes on
                record = Record.of_row(row, SeqNos([(row.lowest, row.highest)]))
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
            recalled: dict[Name, Record] = await self._store.change(partial(recall, names=[name]))
            self._settle(name, doubt)
            return recalled[name]
        record = self.find(name)
        if record is None:
            found = await self._recall(name)
            record = self.find(name) or found  # another connection of the station may have been faster
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
            return connection.scalar(RESPONSE, key)

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
        record.learn(row)
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
        await self._store.commit(Change(NOTE_STATUS, [row]))


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
