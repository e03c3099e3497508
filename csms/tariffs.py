"""What charging costs: the tariff, each one that was in force, and what a transaction costs by it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Final

import msgspec
import trio
from sqlalchemy import Connection, select

from csms.store import Change, Store
from csms.store.moments import to_ms
from csms.store.tables import tariffs
from shared.clock import Clock

DEFAULT: Final = "default"
"""The tariff of every station."""

Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]  # ISO 4217
Price = Annotated[float, msgspec.Meta(ge=0, le=1e9)]

_WH_IN_KWH: Final = 1000
_MS_IN_HOUR: Final = 3_600_000
_DECIMALS: Final = 2
_OTHER_DECIMALS: Final = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
"""Of the smallest amount of a currency (ISO 4217)."""


class Tariff(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a transaction costs, taxes included, as totalCost is.

    energy_price: of a kWh. time_price: of an hour from start to end, charging or not. start_price: of each transaction.
    """

    currency: Currency
    energy_price: Price
    time_price: Price = 0.0
    start_price: Price = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount, in whole smallest amounts of its currency."""

    amount: Decimal
    currency: str


def cost_of(tariff: Tariff, energy_wh: float | None, duration_ms: int) -> Cost | None:
    """What so much costs; None when it depends on an energy that nobody has metered."""
    if energy_wh is None and tariff.energy_price:
        return None
    energy = _exact(max(0.0, energy_wh or 0.0)) / _WH_IN_KWH * _exact(tariff.energy_price)
    time = Decimal(max(0, duration_ms)) / _MS_IN_HOUR * _exact(tariff.time_price)
    smallest = Decimal(1).scaleb(-_OTHER_DECIMALS.get(tariff.currency, _DECIMALS))
    amount = (_exact(tariff.start_price) + energy + time).quantize(smallest, ROUND_HALF_UP)
    return Cost(amount, tariff.currency)


def _exact(number: float) -> Decimal:
    """The number as it was written, not the binary fraction next to it."""
    return Decimal(repr(number))


@dataclass(frozen=True, slots=True)
class Period:
    """A tariff and when it is in force, in ms: until is None while it is. tariff: None for none."""

    since: int
    until: int | None
    tariff: Tariff | None


class Tariffs:
    """The default tariff, now and before, in memory and in the store. `load()` comes first."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._since: list[int] = []
        self._tariffs: list[Tariff | None] = []
        self._one_at_a_time = trio.Lock()  # so that memory and store see changes in one order
        insert = store.insert(tariffs)
        self._put = insert.on_conflict_do_update(
            index_elements=[tariffs.c.tariff_id, tariffs.c.valid_from], set_={"tariff": insert.excluded.tariff}
        )

    async def load(self) -> None:
        """Read all from the store."""

        def read(connection: Connection) -> list[tuple[int, Tariff | None]]:
            query = select(tariffs).where(tariffs.c.tariff_id == DEFAULT).order_by(tariffs.c.valid_from)
            return [
                (row.valid_from, None if row.tariff is None else msgspec.json.decode(row.tariff, type=Tariff))
                for row in connection.execute(query)
            ]

        found = await self._store.read(read)
        self._since = [since for since, _ in found]
        self._tariffs = [tariff for _, tariff in found]

    def __iter__(self) -> Iterator[Period]:
        """All that were in force, the latest first."""
        until: int | None = None
        for since, tariff in zip(reversed(self._since), reversed(self._tariffs), strict=True):
            yield Period(since, until, tariff)
            until = since

    @property
    def is_empty(self) -> bool:
        """Whether none was ever in force."""
        return not self._since

    @property
    def current(self) -> Period | None:
        """What is in force now, None when there is no tariff."""
        period = next(iter(self), None)
        return None if period is None or period.tariff is None else period

    def at(self, moment_ms: int) -> Tariff | None:
        """What was in force at a moment."""
        place = bisect_right(self._since, moment_ms)
        return self._tariffs[place - 1] if place else None

    def cost(self, started_at: int, ended_at: int, first_wh: float | None, last_wh: float | None) -> Cost | None:
        """What a transaction costs by what was in force when it began; None when that is not known.

        started_at, ended_at: in ms. first_wh, last_wh: what the meter read.
        """
        tariff = self.at(started_at)
        if tariff is None:
            return None
        energy_wh = None if first_wh is None or last_wh is None else last_wh - first_wh
        return cost_of(tariff, energy_wh, ended_at - started_at)

    async def put(self, tariff: Tariff) -> tuple[Period, bool]:
        """Have a tariff in force from now on; since when it is, and whether there was none. Raises StoreUnavailable."""
        async with self._one_at_a_time:
            current = self.current
            if current is not None and current.tariff == tariff:
                return current, False
            return await self._append(tariff), current is None

    async def delete(self) -> bool:
        """Have no tariff from now on; whether there was one. Raises StoreUnavailable."""
        async with self._one_at_a_time:
            if self.current is None:
                return False
            await self._append(None)
        return True

    async def _append(self, tariff: Tariff | None) -> Period:
        since = to_ms(self._clock.now())
        if self._since:
            since = max(since, self._since[-1] + 1)  # each has its time, also where the clock was set back
        text = None if tariff is None else msgspec.json.encode(tariff).decode()
        await self._store.commit(Change(self._put, [{"tariff_id": DEFAULT, "valid_from": since, "tariff": text}]))
        self._since.append(since)
        self._tariffs.append(tariff)
        return Period(since, None, tariff)
