"""What one seed decides for all who take part in a life, each of whom draws for himself."""

from __future__ import annotations

from random import Random

import trio

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


class Chance:
    """A generator of one's own: what one of them draws changes nothing for the others."""

    def __init__(self, seed: int, whose: str) -> None:
        self.random = Random(f"{seed} {whose}")  # noqa: S311  # repeatable on purpose

    def happens(self, probability: float) -> bool:
        return self.random.random() < probability

    def between(self, least: float, most: float) -> float:
        return self.random.uniform(least, most)

    async def wait(self, mean_s: float) -> None:
        """Wait for what happens by chance, every `mean_s` on the average."""
        await trio.sleep(self.random.expovariate(1 / mean_s))

    async def stay(self, least_s: float, most_s: float) -> None:
        await trio.sleep(self.random.uniform(least_s, most_s))
