"""The drivers of a whole fleet: has each of them come when it is time."""

from __future__ import annotations

import heapq
import logging
import math
from random import Random
from typing import NamedTuple, NoReturn

import trio

from shared.clock import Clock
from station.app import Station
from station.fleet.figures import Figures, Outcome
from station.fleet.people import Cards, draw_plan, next_arrival_s
from station.fleet.visit import visit
from station.hardware import Evse
from station.pulse import Pulse

log = logging.getLogger()


class _Arrival(NamedTuple):
    """The next driver at an EVSE. order: which comes first of those at one moment. number: of this EVSE's drivers."""

    at: float
    order: int
    number: int
    station: Station
    evse: Evse


class Traffic:
    """Drivers come to the EVSEs of the stations that were added.

    One task waits for all who are yet to come, and each who is there has a task: an EVSE where nobody is takes no room.
    What a driver does depends on the seed, the EVSE and how many were there before, on nothing else.
    """

    def __init__(self, seed: int, arrivals_per_hour: float, cards: Cards, figures: Figures, clock: Clock) -> None:
        self._seed = seed
        self._arrivals_per_hour = arrivals_per_hour
        self._cards = cards
        self._figures = figures
        self._clock = clock
        self._arrivals: list[_Arrival] = []
        self._orders = 0
        self._changed = Pulse()

    def add(self, station: Station) -> None:
        """Have drivers come to this station from now on."""
        for evse in station.hardware.evses:
            self._expect(station, evse, number=1)
        self._changed.beat()

    async def run(self) -> NoReturn:
        """Have them come, for ever. What goes wrong in one visit ends that visit alone."""
        async with trio.open_nursery() as nursery:
            while True:
                now = trio.current_time()
                while self._arrivals and self._arrivals[0].at <= now:
                    arrival = heapq.heappop(self._arrivals)
                    self._expect(arrival.station, arrival.evse, arrival.number + 1)
                    nursery.start_soon(self._visit, arrival)
                with trio.move_on_at(self._arrivals[0].at if self._arrivals else math.inf):
                    await self._changed.wait()

    def _expect(self, station: Station, evse: Evse, number: int) -> None:
        random = self._random("arrival", station, evse, number)
        wait_s = next_arrival_s(random, self._arrivals_per_hour, self._clock.now())
        if wait_s < math.inf:
            self._orders += 1
            at = trio.current_time() + wait_s
            heapq.heappush(self._arrivals, _Arrival(at, self._orders, number, station, evse))

    async def _visit(self, arrival: _Arrival) -> None:
        station, evse = arrival.station, arrival.evse
        random = self._random("plan", station, evse, arrival.number)
        self._figures.arrived += 1
        try:
            outcome = await visit(station, evse, draw_plan(random, evse.connectors[0].spec.supply, self._cards))
        except Exception:
            log.exception("%s: a visit to EVSE %d went wrong", station.identity, evse.evse_id)
            self._figures.error("a visit went wrong")
            outcome = Outcome.FAILED
        self._figures.visits[outcome] += 1

    def _random(self, what: str, station: Station, evse: Evse, number: int) -> Random:
        return Random(f"{self._seed} {what} {station.identity} {evse.evse_id} {number}")  # noqa: S311  # repeatable
