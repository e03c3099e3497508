"""Messages of one direction that do not go on at once: until when each waits, and who may overtake whom."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import Final

_ROOM: Final = 64


@dataclass(order=True, slots=True)
class _Waiting:
    due_at: float
    number: int
    text: str = field(compare=False)
    in_order: bool = field(compare=False)


class Lane:
    """Texts that wait; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._held: list[_Waiting] = []
        self._taken = 0
        self._in_order = 0
        self._not_before = -math.inf

    @property
    def is_idle(self) -> bool:
        """Nothing waits."""
        return not self._waiting and not self._held

    @property
    def is_full(self) -> bool:
        """As many wait as may."""
        return len(self._waiting) + len(self._held) >= _ROOM

    @property
    def is_blocked(self) -> bool:
        """What comes now must queue up, for something waits that it may not overtake."""
        return self._in_order > 0

    @property
    def next_at(self) -> float:
        """When the next text is due; never, where none waits."""
        return min((waiting.due_at for waiting in (*self._waiting[:1], *self._held)), default=math.inf)

    def delay(self, text: str, until: float) -> None:
        """Have a text wait, and all that come behind it."""
        self._not_before = max(self._not_before, until)
        self.queue(text)

    def queue(self, text: str) -> None:
        """Have a text wait for those it may not overtake."""
        self._in_order += 1
        self._push(text, self._not_before, in_order=True)

    def postpone(self, text: str, until: float) -> None:
        """Have a text wait; others may overtake it."""
        self._push(text, until, in_order=False)

    def hold(self, text: str, until: float) -> None:
        """Have a text wait until another one has passed, or the time has come."""
        self._taken += 1
        self._held.append(_Waiting(until, self._taken, text, in_order=False))

    def passed(self) -> None:
        """A text has passed: those held back for it are due."""
        for held in self._held:
            self._push(held.text, -math.inf, in_order=False)
        self._held.clear()

    def take(self, now: float) -> str | None:
        """The next text that is due, which has passed thereby; None where there is none."""
        overdue = [held for held in self._held if held.due_at <= now]
        for held in overdue:
            self._held.remove(held)
            self._push(held.text, held.due_at, in_order=False)
        if not self._waiting or self._waiting[0].due_at > now:
            return None
        waiting = heapq.heappop(self._waiting)
        self._in_order -= waiting.in_order
        self.passed()
        return waiting.text

    def _push(self, text: str, due_at: float, *, in_order: bool) -> None:
        self._taken += 1
        heapq.heappush(self._waiting, _Waiting(due_at, self._taken, text, in_order))
