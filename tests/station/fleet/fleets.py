"""A fleet whose stations each have a fake CSMS of their own, all in memory and in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import trio
import trio.testing

from shared.clock import TrioClock
from shared.ocppj.schemas import Schemas
from station.fleet.fleet import Fleet
from station.fleet.outlook import Outlook
from station.fleet.settings import FleetSettings
from tests.station.fake_csms import START, FakeCsms

NOON: Final = START.replace(hour=12)
"""When drivers come: at START nearly all sleep."""
Result = TypeVar("Result")


class Site:
    """prepare: has the CSMS of a station behave otherwise than usual; called with its identity before it is dialled."""

    def __init__(
        self, nursery: trio.Nursery, schemas: Schemas, prepare: Callable[[str, FakeCsms], None] | None = None
    ) -> None:
        self._nursery = nursery
        self._schemas = schemas
        self._prepare = prepare
        self.csms: dict[str, FakeCsms] = {}  # by identity

    async def open_stream(self, url: str) -> trio.abc.Stream:
        identity = url.rpartition("/")[2]
        if identity not in self.csms:
            self.csms[identity] = FakeCsms(self._nursery, self._schemas)
            if self._prepare is not None:
                self._prepare(identity, self.csms[identity])
        return await self.csms[identity].open_stream(url)


@asynccontextmanager
async def running_fleet(
    schemas: Schemas,
    settings: FleetSettings,
    *,
    seed: int = 7,
    prepare: Callable[[str, FakeCsms], None] | None = None,
) -> AsyncIterator[tuple[Fleet, Site, Outlook]]:
    """A fleet that runs until the block is left."""
    async with trio.open_nursery() as csms_nursery:
        site = Site(csms_nursery, schemas, prepare)
        fleet = Fleet(settings, seed, open_stream=site.open_stream, clock=TrioClock(NOON), schemas=schemas)
        outlook = Outlook(fleet)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fleet.run)
            yield fleet, site, outlook
            nursery.cancel_scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        csms_nursery.cancel_scope.cancel()


def in_virtual_time(function: Callable[[], Awaitable[Result]]) -> Result:
    """What it returns, run with a clock of its own that starts at zero."""
    return trio.run(function, clock=trio.testing.MockClock(autojump_threshold=0))
