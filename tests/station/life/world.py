"""A life from its first day to the settling of accounts behind its last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import trio

from station.app import Station
from station.hardware import Locked
from tests.station.life.chance import DAY_S, HOUR_S, Chance
from tests.station.life.drivers import Ask, Drivers
from tests.station.life.operator import Operator
from tests.station.life.weather import Weather

MESSAGE_ATTEMPTS = "1000"
"""So that no event is given up however often the CSMS refuses it (E13.FR.04)."""


class World:
    """Everybody who has to do with one station of two EVSEs."""

    def __init__(self, station: Station, seed: int, ask: Ask, now: Callable[[], datetime]) -> None:
        """ask: has the CSMS send a request. now: the CSMS's time."""
        self.station = station
        self.weather = Weather(station, seed)
        self.operator = Operator(station, Chance(seed, "operator"), ask, now)
        self.drivers = [
            Drivers(evse, Chance(seed, f"drivers {evse.evse_id}"), ask, pause_s=pause_s)
            for evse, pause_s in zip(station.hardware.evses, (2 * HOUR_S, 3 * HOUR_S), strict=True)
        ]

    async def live(self, days: float) -> None:
        """Let so many days pass, and then everything come to rest."""
        await self.operator.set_variable("OCPPCommCtrlr", "MessageAttempts", MESSAGE_ATTEMPTS, "TransactionEvent")
        await self.operator.set_variable("OCPPCommCtrlr", "WebSocketPingInterval", "300")
        await self.operator.set_variable("SampledDataCtrlr", "TxUpdatedInterval", "300")
        async with trio.open_nursery() as nursery:
            for drivers in self.drivers:
                nursery.start_soon(drivers.come_and_go)
            for task in (self.weather.network, self.weather.mains, self.weather.parts, self.weather.messages):
                nursery.start_soon(task)
            nursery.start_soon(self.operator.work)
            await trio.sleep(days * DAY_S)
            nursery.cancel_scope.cancel()
        await self._come_to_rest()

    async def _come_to_rest(self) -> None:
        self.weather.clear_up()
        await trio.sleep(HOUR_S)  # the power is back, the station is connected, waits between attempts are over
        for evse in self.station.hardware.evses:
            self._everybody_leaves(evse.evse_id)
        await trio.sleep(HOUR_S)
        await self.operator.put_in_use()
        await self.operator.cancel_reservations()
        await trio.sleep(HOUR_S)

    def _everybody_leaves(self, evse_id: int) -> None:
        evse = self.station.hardware.evses[evse_id - 1]
        evse.press_stop()
        evse.occupy(occupied=False)
        connector = evse.connectors[0]
        connector.disconnect_vehicle()
        connector.unlock()
        try:
            connector.unplug()
        except Locked as error:
            raise AssertionError("a repaired lock does not open") from error
