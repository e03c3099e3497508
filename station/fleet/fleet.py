"""The stations of a fleet: built and connected one after the other, and none of them is another one's business."""

from __future__ import annotations

import logging
from itertools import cycle, islice
from random import Random
from typing import Final, NoReturn

import trio

from shared.clock import TrioClock
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.device_model import AUTH_ENABLED, MESSAGE_TIMEOUT, DeviceModel
from station.fleet.figures import Figures, FleetWitness
from station.fleet.people import Cards
from station.fleet.settings import FleetSettings
from station.fleet.traffic import Traffic
from station.hardware import Hardware
from station.network import OpenStream
from station.state import MemoryState

log = logging.getLogger()

_DC_CONNECTORS: Final = ("cCCS2", "cG105")
_AC_CONNECTORS: Final = ("cType2", "sType2")


class Fleet:
    """Stations and their drivers. stations: those that were built so far, in the order of their numbers."""

    def __init__(
        self, settings: FleetSettings, seed: int, *, open_stream: OpenStream, clock: TrioClock, schemas: Schemas
    ) -> None:
        """seed: takes the place of the settings'. clock: tells drivers the time of day, and stations at first."""
        self.figures = Figures()
        self.stations: list[Station] = []
        self._settings = settings
        self._seed = seed
        self._random = Random(seed)  # noqa: S311  # repeatable on purpose
        self._open_stream = open_stream
        self._clock = clock
        self._schemas = schemas
        cards = Cards(settings.tokens, settings.strangers)
        self._traffic = Traffic(seed, settings.arrivals, cards, self.figures, clock)

    async def run(self) -> NoReturn:
        """Build and connect the stations at the given rate, and have them live until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._traffic.run)
            began = trio.current_time()
            for index in range(self._settings.count):
                await trio.sleep_until(began + index / self._settings.rate)
                station = self._build(index + 1)
                self.stations.append(station)
                nursery.start_soon(self._live, station)
                self._traffic.add(station)
            await trio.sleep_forever()

    async def _live(self, station: Station) -> None:
        try:
            await station.run()
        except* Exception as crash:
            log.exception("%s: crashed", station.identity, exc_info=crash)
            self.figures.crashed += 1
            self.figures.error("a station crashed")

    def _build(self, number: int) -> Station:
        settings = self._settings
        identity = settings.identity(number)
        built = Random(f"{self._seed} {identity}")  # noqa: S311  # repeatable on purpose
        state = MemoryState()
        variables = DeviceModel(state)
        variables.deliver(MESSAGE_TIMEOUT, settings.call_timeout)
        if not settings.tokens:
            variables[AUTH_ENABLED] = False  # whoever plugs in may charge (C02)
        return Station(
            identity,
            Hardware.of(self._connectors(built), monotonic=trio.current_time, random=built),
            variables,
            state,
            csms_url=settings.csms,
            password=settings.password_of(identity),
            open_stream=self._open_stream,
            clock=TrioClock(self._clock.now()),
            random=self._random,  # each has the same: one of its own takes 3 KB
            schemas=self._schemas,
            witness=FleetWitness(identity, self.figures),
        )

    def _connectors(self, random: Random) -> list[list[str]]:
        """For each EVSE the types of its connectors: all of a station give DC, or have sockets, or cables."""
        settings = self._settings
        is_dc = random.random() < settings.dc_share
        types = cycle(_DC_CONNECTORS) if is_dc else cycle([random.choice(_AC_CONNECTORS)])
        return [list(islice(types, settings.connectors)) for _ in range(settings.evses)]
