"""When stations that must wait may boot again: not all at the same second (B02.FR.08, B03.FR.06)."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

BOOTS_PER_SECOND: Final = 20


class BootRetries:
    """Gives each waiting station a second in which it may boot, and no second to more than BOOTS_PER_SECOND of them.

    A station waits the interval asked for, and longer by up to twice as many seconds as the others that wait then can
    fill: a few wait exactly that interval, five thousand are spread over some eight minutes behind it. Which second a
    station gets is drawn from `random`, so the same seed gives the same intervals.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._second_of: dict[str, int] = {}
        self._booked: Counter[int] = Counter()
        self._purged_at = 0

    def interval_s(self, station_id: str, now_s: int, least_s: int) -> int:
        """The seconds that a station has to wait. now_s: a clock that counts seconds; least_s: at least so many."""
        self.release(station_id)
        self._purge(now_s)
        earliest = now_s + least_s
        spread = 2 * len(self._second_of) // BOOTS_PER_SECOND
        second = earliest + self._random.randint(0, spread)
        for _ in range(spread + 1):  # they hold twice as many as wait, so not all can be full
            if self._booked[second] < BOOTS_PER_SECOND:
                break
            second = second + 1 if second < earliest + spread else earliest
        self._second_of[station_id] = second
        self._booked[second] += 1
        return second - now_s

    def release(self, station_id: str) -> None:
        """The station waits no more."""
        second = self._second_of.pop(station_id, None)
        if second is not None:
            self._booked[second] -= 1
            if not self._booked[second]:
                del self._booked[second]

    def _purge(self, now_s: int) -> None:
        """Forget those whose second is over, once a second."""
        if now_s == self._purged_at:
            return
        self._purged_at = now_s
        over = {second for second in self._booked if second < now_s}
        if over:
            for second in over:
                del self._booked[second]
            self._second_of = {one: second for one, second in self._second_of.items() if second not in over}
