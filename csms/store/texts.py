"""Text as the database takes it."""

from __future__ import annotations


def storable(text: str) -> str:
    """A text of somebody else's, without NUL: PostgreSQL's text has none, and some stations pad with it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text
