"""What the user asked for and cannot have."""

from __future__ import annotations


class UserMistake(Exception):
    """Something the user asked for cannot be done. The text is one line: what, and what to do."""
