"""What a block wants asked of its station after it has answered it: a task of the connection does that."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from csms.store import StoreUnavailable
from shared.ocppj.errors import OcppError

log = logging.getLogger(__name__)

_WAITING: Final = 64

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Sends a CALL of an action with a payload, returns that of the result. Raises as Endpoint.call does."""
Errand = Callable[[Call], Awaitable[None]]


class Errands:
    """Errands of one connection, done one after the other. Those that are left when it ends are dropped."""

    def __init__(self) -> None:
        self._put, self._waiting = trio.open_memory_channel[Errand](_WAITING)

    def add(self, errand: Errand) -> bool:
        """Have it done; False: too many wait, it will not be."""
        try:
            self._put.send_nowait(errand)
        except (trio.WouldBlock, trio.BrokenResourceError):
            return False
        return True

    async def run(self, call: Call) -> None:
        """Do errand after errand; one that fails is logged."""
        async with self._waiting:
            async for errand in self._waiting:
                try:
                    await errand(call)
                except (OcppError, StoreUnavailable) as error:
                    log.info("an errand was left undone: %s", error)
