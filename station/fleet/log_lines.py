"""The log of thousands of stations that all say the same, so that people can still read it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LINES: Final = 5
SECONDS: Final = 10.0
_TEMPLATES_KEPT: Final = 1000


@dataclass(slots=True)
class _Seen:
    since: float
    count: int = 0


class Calm(logging.Filter):
    """Lets pass five lines of one kind within ten seconds; the next one of it says how many were left out.

    Lines are of one kind when they come from one place in the program. Errors always pass.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """now: seconds that only go forward."""
        super().__init__()
        self._now = now
        self._seen: dict[str, _Seen] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            return True
        now, template = self._now(), str(record.msg)
        seen = self._seen.get(template)
        if seen is None and len(self._seen) >= _TEMPLATES_KEPT:
            return True
        if seen is None or now - seen.since >= SECONDS:
            left_out = 0 if seen is None else max(0, seen.count - LINES)
            seen = self._seen[template] = _Seen(now)
            if left_out:
                record.msg = f"{record.getMessage()} (and {left_out} more like this)"
                record.args = ()
        seen.count += 1
        return seen.count <= LINES


class StderrNow(logging.Handler):
    """Writes to whatever stderr is at that moment: a live display puts itself in between."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr)
        except Exception:  # noqa: BLE001  # as every handler does: logging must not break what it tells of
            self.handleError(record)
