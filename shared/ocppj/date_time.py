"""OCPP's dateTime: RFC 3339, written in UTC with milliseconds (OCPP 2.0.1 Part 2 §2.1.3)."""

from __future__ import annotations

from datetime import UTC, datetime


def to_wire(moment: datetime) -> str:
    """An aware datetime as OCPP writes it: 2026-11-22T03:52:53.938Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_wire(text: str) -> datetime:
    """An aware datetime, in UTC, of a date-time that the schema has accepted."""
    if ":60" in text:  # a leap second, which RFC 3339 allows and datetime does not know
        text = text.replace(":60", ":59", 1) if text[16:19] == ":60" else text
    return datetime.fromisoformat(text).astimezone(UTC)
