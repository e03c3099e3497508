"""Ids that the CSMS gives to its requests: never one that is in use, or was."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from sqlalchemy import Column, Connection, select

from csms.store import Store
from shared.ocppj.errors import PropertyConstraintViolation

MAX_ID: Final = 2**31 - 1  # OCPP's integer has 31 bits and a sign
_LIMIT: Final = 2**63  # what others give as an integer may be larger, but no database keeps more
_DRAWN_AT_ONCE: Final = 64


def fits(number: float) -> bool:
    """Whether databases can keep an id that somebody else gave."""
    return abs(number) < _LIMIT


def check(number: float, pointer: str) -> None:
    """Raise PropertyConstraintViolation for an id that databases cannot keep. pointer: where it stands."""
    if not fits(number):
        raise PropertyConstraintViolation(f"{pointer}: must have at most 63 bits")


class Ids:
    """Ids by chance: a station may hold some of an earlier database of the CSMS, and counting would meet those."""

    def __init__(self, store: Store, random: Random, column: Column[Any]) -> None:
        """column: where all ids that were ever used are kept."""
        self._store = store
        self._random = random
        self._column = column
        self._free: list[int] = []

    async def new(self) -> int:
        """An id that is not in the database and was not given before. Raises StoreUnavailable."""
        while not self._free:
            drawn = {self._random.randint(1, MAX_ID) for _ in range(_DRAWN_AT_ONCE)}

            def taken(connection: Connection, drawn: set[int] = drawn) -> set[int]:
                return set(connection.scalars(select(self._column).where(self._column.in_(drawn))))

            self._free = sorted(drawn - await self._store.read(taken))
        return self._free.pop()
