"""How a scenario went."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from station.scenario.scenario import Scenario, Step


class Verdict(enum.Enum):
    """How a step went. SKIPPED: it was not its turn any more."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step went. at: when it was over, in seconds since the start; took_s: how long it took. seen: what was so
    instead of what was expected; of a step that passed what it was, "" where there is nothing to say.
    """

    step: Step
    verdict: Verdict
    at: float
    took_s: float
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a scenario went. took_s: the whole of it."""

    scenario: Scenario
    steps: Sequence[StepOutcome]
    took_s: float

    @classmethod
    def not_played(cls, scenario: Scenario) -> Self:
        """Its turn never came."""
        return cls(scenario, [StepOutcome(step, Verdict.SKIPPED, 0.0, 0.0) for step in scenario.steps], 0.0)

    @property
    def passed(self) -> bool:
        """Every step has."""
        return all(step.verdict is Verdict.PASSED for step in self.steps)

    @property
    def failure(self) -> StepOutcome | None:
        """The step that failed; None also where it was interrupted."""
        return next((step for step in self.steps if step.verdict is Verdict.FAILED), None)
