"""Tells people how scenarios go, a line for each step when it is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Final

from shared.message_log import one_line
from station.scenario.outcome import Outcome, StepOutcome, Verdict
from station.scenario.scenario import Scenario

_MARKS: Final = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.SKIPPED: "-"}
_INDENT: Final = " " * 21
_LEAST_COLUMNS: Final = 40
_PLAIN_MARKS: Final = {Verdict.PASSED: "ok", Verdict.FAILED: "NO", Verdict.SKIPPED: "--"}


class Report:
    """Writes lines."""

    def __init__(
        self, say: Callable[[str], None], encoding: str | None = "utf-8", *, columns: int | None = None
    ) -> None:
        """say: takes a line. encoding: what they will be written in; marks are such that it has them.

        columns: of the terminal, longer lines go on below; None: there is none, and lines are as long as they are.
        """
        self._write = say
        self._columns = columns
        try:
            "".join(_MARKS.values()).encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            self._marks = _PLAIN_MARKS
        else:
            self._marks = _MARKS

    def begins(self, scenario: Scenario, identity: str, csms_url: str) -> None:
        """A scenario begins."""
        seed = "" if scenario.seed is None else f", seed {scenario.seed}"
        self._say(f"{scenario.name} ({scenario.path}): {identity} at {csms_url}{seed}")

    def step(self, over: StepOutcome) -> None:
        """A step is over."""
        mark = self._marks[over.verdict]
        note = f" ({over.seen})" if over.seen and over.verdict is Verdict.PASSED else ""
        self._say(f"{over.at:9.1f} s  {mark} {over.step.number:3}  {over.step.title}{note}")
        if over.verdict is Verdict.FAILED:
            self._say(f"{'':19}but: {over.seen}")

    def ends(self, outcome: Outcome) -> None:
        """A scenario is over."""
        for step in outcome.steps:
            if step.verdict is Verdict.SKIPPED:
                self._say(f"{'':11}  {self._marks[Verdict.SKIPPED]} {step.step.number:3}  {step.step.title}")
        self._say(f"{_verdict(outcome)} in {outcome.took_s:.1f} s: {outcome.scenario.name}")

    def all_over(self, outcomes: Sequence[Outcome]) -> None:
        """All scenarios are over, of which there were several."""
        failed = [outcome.scenario.name for outcome in outcomes if not outcome.passed]
        text = f"{len(outcomes) - len(failed)} of {len(outcomes)} scenarios passed"
        self._say(text + (f"; not: {', '.join(failed)}" if failed else ""))

    def _say(self, text: str) -> None:
        line = one_line(text)
        if self._columns is None or len(line) <= self._columns:
            self._write(line)
            return
        for part in wrap(line, max(self._columns, _LEAST_COLUMNS), subsequent_indent=_INDENT, break_on_hyphens=False):
            self._write(part)


def _verdict(outcome: Outcome) -> str:
    if outcome.passed:
        return "Passed"
    failure = outcome.failure
    return "Interrupted" if failure is None else f"Failed at step {failure.step.number} of {len(outcome.steps)}"
