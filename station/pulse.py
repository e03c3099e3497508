"""Wakes whoever waits for a change."""

from __future__ import annotations

import trio


class Pulse:
    """Tasks look at what they need, and wait here for the next change where it is not there.

    No wake-up is lost as long as no `await` comes between the look and the wait.
    """

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = trio.Event()

    def beat(self) -> None:
        """Wake everybody who waits now."""
        self._next.set()
        self._next = trio.Event()

    async def wait(self) -> None:
        """Return at the next beat."""
        await self._next.wait()
