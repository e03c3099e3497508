"""What the store knows of transactions that are not at hand, read at once for all who ask meanwhile.

When thousands of stations begin to charge at the same time, or come back, each of them has one that is not at hand. If
each were read by itself, in a thread beside a busy loop, the last would wait longer than anybody's patience.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import trio
from sqlalchemy import Connection, select, tuple_

from csms.blocks.transactions.record import Name, Record
from csms.blocks.transactions.rules import SeqNos
from csms.store import Store, StoreUnavailable
from csms.store.tables import transaction_events, transactions

_PATIENCE_S: Final = 20.0
_NAMES_AT_ONCE: Final = 100  # SQLite takes so many parameters only
_NAME: Final = tuple_(transactions.c.station_id, transactions.c.transaction_id)
_EVENT_NAME: Final = tuple_(transaction_events.c.station_id, transaction_events.c.transaction_id)


@dataclass(slots=True, eq=False)
class _Read:
    """One for all who have asked before it begins. Without records and failure: who was to read has gone."""

    names: set[Name] = field(default_factory=set)
    records: dict[Name, Record] | None = None
    failure: str | None = None
    is_over: trio.Event = field(default_factory=trio.Event)


class Recall:
    """Asks the store. The first who asks reads for all who come before that begins, one read after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next: _Read | None = None
        self._reading = trio.Lock()

    async def __call__(self, name: Name) -> Record:
        """What the store knows of a transaction; an empty record when that is nothing. Raises StoreUnavailable."""
        with trio.move_on_after(_PATIENCE_S):
            while True:
                read = await self._take_part(name)
                if read.failure is not None:
                    raise StoreUnavailable(read.failure)
                if read.records is not None:
                    return read.records[name]
        raise StoreUnavailable(f"the database did not answer within {_PATIENCE_S:g} s")

    async def _take_part(self, name: Name) -> _Read:
        read = self._next
        if read is not None:
            read.names.add(name)
            await (
                read.is_over.wait()
            )  # all are told at once: one after the other would take a turn of the loop for each
            return read
        read = self._next = _Read({name})
        try:
            async with self._reading:
                self._next = None
                read.records = await self._store.read(partial(recall, names=list(read.names)))
        except StoreUnavailable as error:
            read.failure = str(error)
        finally:
            if self._next is read:
                self._next = None
            read.is_over.set()
        return read


def recall(connection: Connection, names: Sequence[Name]) -> dict[Name, Record]:
    """What is known of transactions, by name; an empty record of those of which that is nothing."""
    records = {name: Record(name) for name in names}
    for start in range(0, len(names), _NAMES_AT_ONCE):
        part = names[start : start + _NAMES_AT_ONCE]
        rows = connection.execute(select(transactions).where(_NAME.in_(part))).all()
        known = [(row.station_id, row.transaction_id) for row in rows]
        seq_nos = _seq_nos(connection, known)
        records |= {name: Record.of_row(row, seq_nos[name]) for name, row in zip(known, rows, strict=True)}
    return records


def _seq_nos(connection: Connection, names: Sequence[Name]) -> dict[Name, SeqNos]:
    if not names:
        return {}
    event = transaction_events.c
    numbers: defaultdict[Name, list[int]] = defaultdict(list)
    query = select(event.station_id, event.transaction_id, event.seq_no).where(_EVENT_NAME.in_(names))
    for station_id, transaction_id, seq_no in connection.execute(query):
        numbers[station_id, transaction_id].append(seq_no)
    return {name: SeqNos.of(numbers[name]) for name in names}
