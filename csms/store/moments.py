"""Moments as the database has them: milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def in_utc(moment: datetime) -> datetime:
    """An aware datetime, in UTC. Raises ValueError for one that lies outside the years 1 to 9999 there."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie within the years 1 to 9999 of UTC") from None


def to_ms(moment: datetime) -> int:
    """An aware datetime as the database has it; what is finer than a millisecond is lost."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """What to_ms() was given, in UTC."""
    return _EPOCH + ms * _MILLISECOND
