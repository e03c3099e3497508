"""Plays a scenario on a station that runs, by Trio's clock, whichever that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from station.scenario.outcome import Outcome, StepOutcome, Verdict
from station.scenario.scenario import Action, Expectation, Scenario, Span, Step
from station.scenario.seen import Seen
from station.scenario.stage import Stage, StepFailed

LOOK_EVERY_S: Final = 0.1
"""How often it looks at what changes without anybody being told, such as energy."""

Told = Callable[[StepOutcome], None]


class Engine:
    """Plays one scenario once: `run()`. `outcome()` tells how it went so far, what was not played being skipped."""

    def __init__(self, scenario: Scenario, stage: Stage, told: Told) -> None:
        """told: told of each step when it is over."""
        self._scenario = scenario
        self._stage = stage
        self._told = told
        self._began: float | None = None
        self._over: list[StepOutcome] = []
        self._ended_s: float | None = None

    async def run(self) -> Outcome:
        """Play it until its end, or the first step that fails."""
        self._began = trio.current_time()
        with self._stage.station.hardware.watching(self._stage.observer.changed.beat):
            for step in self._scenario.steps:
                over = await self._play(step)
                self._over.append(over)
                self._told(over)
                if over.verdict is Verdict.FAILED:
                    break
        self._ended_s = self._now_s()
        return self.outcome()

    def outcome(self) -> Outcome:
        """How it went so far."""
        now_s = self._now_s() if self._ended_s is None else self._ended_s
        rest = self._scenario.steps[len(self._over) :]
        skipped = [StepOutcome(step, Verdict.SKIPPED, now_s, 0.0) for step in rest]
        return Outcome(self._scenario, [*self._over, *skipped], now_s)

    def _now_s(self) -> float:
        return 0.0 if self._began is None else trio.current_time() - self._began

    async def _play(self, step: Step) -> StepOutcome:
        late = ""
        if step.at is not None:
            late_s = self._now_s() - step.at
            await trio.sleep(max(-late_s, 0))
            late = f"{late_s:.1f} s late" if late_s >= LOOK_EVERY_S else ""
        began_s = self._now_s()
        try:
            match step.what:
                case Action(act, is_idle):
                    if not is_idle:
                        self._stage.observer.forget()
                    await act(self._stage)
                case Expectation() as expectation:
                    await self._expect(expectation)
        except StepFailed as failed:
            now_s = self._now_s()
            return StepOutcome(step, Verdict.FAILED, now_s, now_s - began_s, str(failed))
        now_s = self._now_s()
        return StepOutcome(step, Verdict.PASSED, now_s, now_s - began_s, late)

    async def _expect(self, expectation: Expectation) -> None:
        """Look again and again. What has happened since something was done counts, but not for what must never."""
        since = self._stage.observer.now if expectation.span is Span.NEVER_FOR else 0
        deadline = trio.current_time() + expectation.seconds
        while True:
            is_over = trio.current_time() >= deadline
            seen = self._look(expectation, since)
            match expectation.span:
                case Span.WITHIN if seen.is_met:
                    seen.take()
                    return
                case Span.WITHIN if is_over:
                    raise StepFailed(seen.what)
                case Span.NEVER_FOR if seen.is_met:
                    raise StepFailed(seen.what)
                case Span.ALWAYS_FOR if not seen.is_met:
                    raise StepFailed(seen.what)
                case Span.NEVER_FOR | Span.ALWAYS_FOR if is_over:
                    return
            with trio.move_on_at(min(deadline, trio.current_time() + LOOK_EVERY_S)):
                await self._stage.observer.changed.wait()

    def _look(self, expectation: Expectation, since: int) -> Seen:
        try:
            return expectation.look(self._stage, since)
        except StepFailed as nothing_to_see:
            return Seen(False, str(nothing_to_see))
