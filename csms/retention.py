"""Deletes what is too old or too much of the logs, in small batches, so that nobody who writes waits long for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import trio
from sqlalchemy import Column, Connection, Table, delete, func, select

from csms.store import Store, StoreUnavailable
from csms.store.moments import to_ms
from shared.clock import Clock

log = logging.getLogger(__name__)

_PERIOD_S: Final = 60.0
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """How much of a log is kept. number: its column that counts up, in the order of `at`, the moments in ms."""

    table: Table
    number: Column[Any]
    at: Column[Any]
    age: timedelta
    count: int


class Retention:
    """Keeps the logs to their rules. The newest row always stays: it tells which number was the last."""

    def __init__(self, store: Store, clock: Clock, rules: Sequence[Rule]) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules

    async def run(self) -> None:
        """Look after the logs, for ever."""
        while True:
            for rule in self._rules:
                try:
                    await self.apply(rule)
                except StoreUnavailable as error:
                    log.warning("%s: old rows stay for now: %s", rule.table.name, error)
            await trio.sleep(_PERIOD_S)

    async def apply(self, rule: Rule) -> int:
        """Delete what one log has too much of; how many rows. Raises StoreUnavailable."""
        oldest = to_ms(self._clock.now() - rule.age)
        deleted = 0
        while True:
            number = await self._store.read(lambda connection: _last_to_go(connection, rule, oldest))
            if number is None:
                return deleted
            statement = delete(rule.table).where(rule.number <= number)
            deleted += await self._store.change(lambda connection: connection.execute(statement).rowcount)  # noqa: B023 - done at once


def _last_to_go(connection: Connection, rule: Rule, oldest: int) -> int | None:
    """The number up to which the next batch is to be deleted."""
    newest = connection.scalar(select(func.max(rule.number)))
    if newest is None:
        return None
    first = select(rule.number, rule.at).where(rule.number < newest).order_by(rule.number).limit(_AT_ONCE)
    last = None
    for number, at in connection.execute(first):
        if at >= oldest and number > newest - rule.count:
            break
        last = number
    return last
