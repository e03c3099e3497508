"""What an expectation sees when it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Seen:
    """What an expectation has seen. is_met: it is as expected. what: how it is, for people. take: to be called when it
    was what was expected; may raise StepFailed.
    """

    is_met: bool
    what: str
    take: Callable[[], None] = lambda: None


Look = Callable[[Stage, int], Seen]
"""Looks at the stage, and at what was noted after that number. Raises StepFailed where there is nothing to look at."""
