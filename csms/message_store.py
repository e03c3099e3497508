"""Keeps each CALL and what came of it, for those who ask what was said. It is no promise to anybody.

Whoever talks to a station does not wait for this: what is to be kept gathers in memory, and a task of its own writes it
in batches. When the database cannot keep up, the oldest go, and are counted.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any, Final, NamedTuple

import orjson
import trio
from sqlalchemy import Connection, func, select

from csms.store import Change, Row, Store, StoreUnavailable
from csms.store.moments import to_ms
from csms.store.tables import messages
from csms.store.texts import storable
from shared.clock import Clock
from shared.message_log import Exchange
from shared.ocppj.redaction import may_hold_secrets, redact, redact_answer

log = logging.getLogger(__name__)

FLUSH_S: Final = 0.25
CAPACITY: Final = 20_000
_AT_ONCE: Final = 1_000  # in one commit: where commits take a tenth of a second, fewer would not keep up
_WITHOUT_PAUSE: Final = 100
_RETRY_S: Final = 1.0
_LAST_WORD_S: Final = 3.0
_MAX_ACTION: Final = 40
_MAX_ID: Final = 36
_MAX_CODE: Final = 40


class _Entry(NamedTuple):
    """over_at: by Trio's clock, which is quickly read."""

    exchange: Exchange
    over_at: float


class MessageStore:
    """What is said with all stations. `record` is the Recorder of each connection; `run()` writes."""

    def __init__(self, store: Store, clock: Clock, capacity: int = CAPACITY) -> None:
        self._store = store
        self._clock = clock
        self._insert = store.insert(messages).on_conflict_do_nothing()
        self._waiting: deque[_Entry] = deque()
        self._capacity = capacity
        self._something = trio.Event()
        self._writing = trio.Lock()
        self._last_number = 0
        self._batch: list[Row] = []
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many are not written yet."""
        return len(self._waiting) + len(self._batch)

    def record(self, exchange: Exchange) -> None:
        """Keep this, soon."""
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self.dropped += 1
        elif not self._waiting:
            self._something.set()
        self._waiting.append(_Entry(exchange, trio.current_time()))

    async def load(self) -> None:
        """Go on behind what is kept. Raises StoreUnavailable."""
        self._last_number = await self._store.read(_last_number)

    async def run(self) -> None:
        """Write what was recorded, for ever."""
        while True:
            await self._something.wait()
            await trio.sleep(FLUSH_S)  # more comes meanwhile, and is written together with it
            self._something = trio.Event()
            dropped = self.dropped
            try:
                await self.flush()
            except StoreUnavailable as error:
                log.warning("%d messages wait for the database: %s", self.waiting, error)
                await trio.sleep(_RETRY_S)
            if self.waiting:
                self._something.set()
            if self.dropped > dropped:
                log.warning("%d messages were dropped from the log", self.dropped - dropped)

    async def flush(self) -> None:
        """Write what is waiting now, and not what comes meanwhile: that gathers. Raises StoreUnavailable."""
        async with self._writing:
            left = self.waiting
            while left > 0:
                left -= await self._write_some()

    async def close(self) -> None:
        """Write what is waiting, if the database takes it soon; nothing more is to be recorded."""
        with trio.move_on_after(_LAST_WORD_S):
            try:
                await self.flush()
            except StoreUnavailable as error:
                log.warning("%d messages were not written: %s", self.waiting, error)

    async def _write_some(self) -> int:
        """How many were written."""
        # With numbers of ours, to write a batch again does no harm: the first attempt may have been heard after all.
        epoch_s = to_ms(self._clock.now()) / 1000 - trio.current_time()
        while self._waiting and len(self._batch) < _AT_ONCE:
            self._last_number += 1
            self._batch.append(_row(self._last_number, self._waiting.popleft(), epoch_s))
            if len(self._batch) % _WITHOUT_PAUSE == 0:
                await trio.lowlevel.checkpoint()
        await self._store.commit(Change(self._insert, self._batch))
        written, self._batch = len(self._batch), []
        return written


def _last_number(connection: Connection) -> int:
    return connection.scalar(select(func.max(messages.c.message_no))) or 0


def _row(number: int, entry: _Entry, epoch_s: float) -> Row:
    """epoch_s: 0 by Trio's clock, in seconds since 1970."""
    exchange = entry.exchange
    request = orjson.dumps(exchange.request).decode()
    is_secret = may_hold_secrets(request)
    return {
        "message_no": number,
        "station_id": exchange.station_id,
        "direction": exchange.direction,
        "action": None if exchange.action is None else storable(exchange.action[:_MAX_ACTION]),
        "message_id": storable(exchange.message_id[:_MAX_ID]),
        "request": orjson.dumps(redact(exchange.request)).decode() if is_secret else request,
        "response": _response(exchange, is_secret=is_secret),
        "error_code": None if exchange.failure is None else storable(exchange.failure.code[:_MAX_CODE]),
        "called_at": round((epoch_s + entry.over_at - exchange.latency_s) * 1000),
        "latency_ms": round(exchange.latency_s * 1000, 3),
    }


def _response(exchange: Exchange, *, is_secret: bool) -> str | None:
    """The payload; or what is wrong, if it failed, for which that of an InvalidAnswer stands beside it.

    is_secret: the request may hold secrets.
    """
    failure = exchange.failure
    answer: Any = exchange.response
    if failure is not None:
        answer = {"description": failure.description, "details": failure.details, "response": exchange.response}
    if answer is None:
        return None
    text = orjson.dumps(answer).decode()
    if is_secret or may_hold_secrets(text):
        return orjson.dumps(redact_answer(answer, exchange.request)).decode()
    return text
