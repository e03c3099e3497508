"""What happens at the stations, as a log that programs can follow: how it is read, from any point on, as it comes.

Each reader remembers nothing but how far it has come, so one that is slow costs no memory. The latest events are kept
at hand, so that those who follow live read the table once for all of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import trio
from sqlalchemy import Connection, Select, func, or_, select

from csms.store import Store
from csms.store.tables import events

_TAIL: Final = 1_000
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One event. happened_at: in ms (csms.store.moments). data: JSON text."""

    event_id: int
    event_type: str
    station_id: str | None
    happened_at: int
    data: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a reader wants. stations: none: all. types: "transaction.ended", or "transaction" for all such."""

    stations: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def admits(self, event: Event) -> bool:
        """Whether the reader wants this one."""
        if self.stations and event.station_id not in self.stations:
            return False
        return not self.types or event.event_type in self.types or event.event_type.partition(".")[0] in self.types

    def narrow(self, rows: Select[Any]) -> Select[Any]:
        """The same for the database."""
        if self.stations:
            rows = rows.where(events.c.station_id.in_(self.stations))
        if self.types:
            families = [events.c.event_type.startswith(f"{family}.", autoescape=True) for family in self.types]
            rows = rows.where(or_(events.c.event_type.in_(self.types), *families))
        return rows


@dataclass(frozen=True, slots=True)
class Gap:
    """A reader cannot go on where it stopped: it was at `after`, and what is kept begins with `oldest`."""

    after: int
    oldest: int


class EventFeed:
    """The events for those who read them. `wake()` is to be called when some may have been committed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = trio.Event()
        self._is_closed = False
        self._reading = trio.Lock()
        self._is_stale = True
        # What the table has behind _tail_after is in _tail, up to _tail_end.
        self._tail: list[Event] = []
        self._tail_after = 0
        self._tail_end = 0
        self.readers = 0

    @property
    def news(self) -> trio.Event:
        """Set when there may be more than there was when it was asked for, or there will be no more."""
        return self._news

    @property
    def is_closed(self) -> bool:
        """Whether readers are to end."""
        return self._is_closed

    def wake(self) -> None:
        """Events may have been committed."""
        self._is_stale = True
        self._news.set()
        self._news = trio.Event()

    def close(self) -> None:
        """Let every reader end."""
        self._is_closed = True
        self._news.set()

    async def open(self, wanted: Wanted, after: int | None) -> tuple[EventReader, Gap | None]:
        """A reader of what comes behind the event `after`; None: from now on. 0: of all there is.

        A Gap where events behind `after` have been deleted, or `after` is of another database; the reader then begins
        with the oldest there is. Raises StoreUnavailable.
        """
        newest = await self.newest()
        if after is None:
            return EventReader(self, wanted, newest), None
        oldest = await self._store.read(_oldest)
        before = max(0, oldest - 1)
        if after == 0 or before <= after <= newest:
            return EventReader(self, wanted, max(after, before)), None
        return EventReader(self, wanted, before), Gap(after, oldest)

    async def newest(self) -> int:
        """The id of the newest event, 0 when there is none. Raises StoreUnavailable."""
        async with self._reading:
            await self._catch_up()
            return self._tail_end

    async def read(self, wanted: Wanted, after: int) -> tuple[list[Event], int]:
        """Some events behind `after`, in their order, and how far the log was searched. Raises StoreUnavailable."""
        async with self._reading:
            await self._catch_up()
            if after >= self._tail_after:
                return self._from_tail(wanted, after)
        return await self._store.read(lambda connection: _from_table(connection, wanted, after))

    def _from_tail(self, wanted: Wanted, after: int) -> tuple[list[Event], int]:
        start = bisect_right(self._tail, after, key=lambda event: event.event_id)
        found = self._tail[start : start + _AT_ONCE]
        is_all = start + len(found) == len(self._tail)
        end = max(after, self._tail_end) if is_all else found[-1].event_id
        return [event for event in found if wanted.admits(event)], end

    async def _catch_up(self) -> None:
        if not self._is_stale:
            return
        self._is_stale = False  # who commits from here on makes it stale again
        try:
            fresh = await self._store.read(lambda connection: _newest(connection, self._tail_end))
        except BaseException:
            self._is_stale = True
            raise
        if len(fresh) == _TAIL:
            self._tail, self._tail_after = fresh, fresh[0].event_id - 1
        else:
            self._tail += fresh
            surplus = len(self._tail) - _TAIL
            if surplus > 0:
                self._tail_after = self._tail[surplus - 1].event_id
                del self._tail[:surplus]
        if fresh:
            self._tail_end = fresh[-1].event_id


class EventReader:
    """Somebody who follows the log. position: the event up to which it has come."""

    def __init__(self, feed: EventFeed, wanted: Wanted, position: int) -> None:
        self._feed = feed
        self._wanted = wanted
        self.position = position

    async def next(self) -> Sequence[Event]:
        """The next events, as soon as there are some; none when the feed was closed. Raises StoreUnavailable.

        One that is cancelled has lost nothing.
        """
        while not self._feed.is_closed:
            news = self._feed.news
            found, end = await self._feed.read(self._wanted, self.position)
            is_at_end, self.position = end == self.position, end
            if found:
                return found
            if is_at_end:
                await news.wait()
        return ()


_ROWS: Final = select(events.c.event_id, events.c.event_type, events.c.station_id, events.c.happened_at, events.c.data)


def _event(row: Any) -> Event:
    return Event(row.event_id, row.event_type, row.station_id, row.happened_at, row.data)


def _oldest(connection: Connection) -> int:
    return connection.scalar(select(func.min(events.c.event_id))) or 0


def _newest(connection: Connection, after: int) -> list[Event]:
    rows = connection.execute(_ROWS.where(events.c.event_id > after).order_by(events.c.event_id.desc()).limit(_TAIL))
    return [_event(row) for row in rows][::-1]


def _from_table(connection: Connection, wanted: Wanted, after: int) -> tuple[list[Event], int]:
    end = connection.scalar(select(func.max(events.c.event_id))) or 0
    rows = wanted.narrow(_ROWS.where(events.c.event_id > after, events.c.event_id <= end))
    found = [_event(row) for row in connection.execute(rows.order_by(events.c.event_id).limit(_AT_ONCE))]
    return found, found[-1].event_id if len(found) == _AT_ONCE else max(after, end)
