"""Tells people how scenarios go, a line for each step when it is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from shared.message_log import one_line
from station.scenario.outcome import Outcome, StepOutcome, Verdict
from station.scenario.scenario import Scenario

_MARKS: Final = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.SKIPPED: "-"}
_PLAIN_MARKS: Final = {Verdict.PASSED: "ok", Verdict.FAILED: "NO", Verdict.SKIPPED: "--"}


class Report:
    """Writes lines. say: takes one. encoding: what they will be written in; marks are such that it has them."""

    def __init__(self, say: Callable[[str], None], encoding: str | None = "utf-8") -> None:
        self._say = say
        try:
            "".join(_MARKS.values()).encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            self._marks = _PLAIN_MARKS
        else:
            self._marks = _MARKS

    def begins(self, scenario: Scenario, identity: str, csms_url: str) -> None:
        """A scenario begins."""
        seed = "" if scenario.seed is None else f", seed {scenario.seed}"
        self._say(one_line(f"{scenario.name} ({scenario.path}): {identity} at {csms_url}{seed}"))

    def step(self, over: StepOutcome) -> None:
        """A step is over."""
        mark = self._marks[over.verdict]
        note = f" ({over.seen})" if over.seen and over.verdict is Verdict.PASSED else ""
        self._say(one_line(f"{over.at:9.1f} s  {mark} {over.step.number:3}  {over.step.title}{note}"))
        if over.verdict is Verdict.FAILED:
            self._say(one_line(f"{'':19}but: {over.seen}"))

    def ends(self, outcome: Outcome) -> None:
        """A scenario is over."""
        for step in outcome.steps:
            if step.verdict is Verdict.SKIPPED:
                self._say(one_line(f"{'':11}  {self._marks[Verdict.SKIPPED]} {step.step.number:3}  {step.step.title}"))
        self._say(one_line(f"{_verdict(outcome)} in {outcome.took_s:.1f} s: {outcome.scenario.name}"))

    def all_over(self, outcomes: Sequence[Outcome]) -> None:
        """All scenarios are over, of which there were several."""
        failed = [outcome.scenario.name for outcome in outcomes if not outcome.passed]
        text = f"{len(outcomes) - len(failed)} of {len(outcomes)} scenarios passed"
        self._say(one_line(text + (f"; not: {', '.join(failed)}" if failed else "")))


def _verdict(outcome: Outcome) -> str:
    if outcome.passed:
        return "Passed"
    failure = outcome.failure
    return "Interrupted" if failure is None else f"Failed at step {failure.step.number} of {len(outcome.steps)}"
