"""A state that ends with the process: for stations that nobody restarts, by the thousand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from station.state.base import State


class MemoryState(State):
    """Outlives the station's simulated losses of power, not the process."""

    __slots__ = ()

    async def keep(self) -> None:
        await trio.lowlevel.checkpoint()
        self._settle(self._changes)
        self._changes.clear()

    def keep_along(self, key: str, value: Callable[[], Any]) -> None:
        """It ends with the process itself."""
