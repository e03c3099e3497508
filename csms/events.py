"""What happens at the stations, as a log that programs can follow: how it is written. See event_feed for reading."""

from __future__ import annotations

from typing import Any

import orjson

from csms.store import Change, Commit, Store
from csms.store.moments import to_ms
from csms.store.tables import events
from shared.clock import Clock


class EventLog:
    """Events are rows: one is written together with what it tells of, so that none is lost and none is told untrue."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._clock = clock
        self._insert = store.insert(events)

    def has_news(self, commit: Commit) -> bool:
        """Whether a batch may have written events."""
        return commit.has_work or id(self._insert) in commit.statements

    def change(self, event_type: str, station_id: str | None, data: dict[str, Any]) -> Change:
        """The row of an event that happens now, to be committed with what it tells of. data: JSON."""
        return Change(
            self._insert,
            [
                {
                    "event_type": event_type,
                    "station_id": station_id,
                    "happened_at": to_ms(self._clock.now()),
                    "data": orjson.dumps(data).decode(),
                }
            ],
        )
