"""OCPP's dateTime: RFC 3339, written in UTC with milliseconds (OCPP 2.0.1 Part 2 §2.1.4 and §3.1)."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime
from typing import Final

# RFC 3339 §5.6, with the lengths of the months (§5.7) written out, so that one match decides.
_DATE_TIME: Final = re.compile(
    r"""
    (?: [0-9]{4} - (?: (?: 0[13578] | 1[02] ) - (?: 0[1-9] | [12][0-9] | 3[01] )
                     | (?: 0[469] | 11 )      - (?: 0[1-9] | [12][0-9] | 30 )
                     | 02                     - (?: 0[1-9] | 1[0-9] | 2[0-8] ) )
      | (?: [0-9]{2} (?: 0[48] | [2468][048] | [13579][26] ) | (?: [02468][048] | [13579][26] ) 00 ) - 02-29 )
    [Tt] (?: [01][0-9] | 2[0-3] ) : [0-5][0-9] : (?: [0-5][0-9] | (60) ) (?: \.[0-9]+ )?
    (?: [Zz] | [+-] (?: [01][0-9] | 2[0-3] ) : [0-5][0-9] )
    """,
    re.VERBOSE,
)
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def to_wire(moment: datetime) -> str:
    """An aware datetime as OCPP writes it: 2026-11-22T03:52:53.938Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_wire(text: str) -> datetime:
    """An aware datetime, in UTC, of a date-time that the schema has accepted.

    datetime has no leap seconds, so :60 is read as :59; and what lies outside its years 1 to 9999 as its first or last
    moment: a station whose clock is that wrong is still heard.
    """
    if text.startswith("0000"):
        return _EARLIEST
    moment = _parse(text)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _EARLIEST if moment.year == 1 else _LATEST


def is_date_time(text: object) -> bool:
    """Whether a JSON value passes for the format `date-time`: a string as RFC 3339 has it; what is no string passes.

    The date must exist, the offset be there, and second 60 stand where a leap second may: in the last minute, by UTC,
    of a month (RFC 3339 §5.7). OCPP allows three decimal places of a second and no more (Part 2 §2.1.4); any number
    passes here, for stations do send microseconds, and refusing their TransactionEvents for it would lose the bill.
    """
    if not isinstance(text, str):
        return True
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return False
    return match[1] is None or _is_leap_second(text)


def _is_leap_second(text: str) -> bool:
    try:
        before = _parse(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return False  # before year 1 or after 9999: no leap second was ever announced for those
    last_day = calendar.monthrange(before.year, before.month)[1]
    return (before.day, before.hour, before.minute) == (last_day, 23, 59)


def _parse(text: str) -> datetime:
    if text[17:19] == "60":
        text = f"{text[:17]}59{text[19:]}"
    return datetime.fromisoformat(text.upper())
