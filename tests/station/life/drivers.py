"""Drivers who come to an EVSE, one after the other, and do there what drivers do."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from station.hardware import AC_VEHICLE, DC_VEHICLE, Evse, Locked, Supply, Vehicle
from tests.station.life.chance import HOUR_S, Chance

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any] | None]]
"""Has the CSMS send a request: the payload of the response, None where there was none."""

CARDS: Final = ("anna", "bert", "carl", "dora", "emil")
"""Of them dora is blocked."""
_CALLS_THE_HOTLINE_AFTER: Final = 3


def card(name: str) -> dict[str, Any]:
    return {"idToken": name, "type": "ISO14443"}


class Drivers:
    """All who come to one EVSE."""

    def __init__(self, evse: Evse, chance: Chance, ask: Ask, *, pause_s: float) -> None:
        """pause_s: between two visits, on the average."""
        self._evse = evse
        self._connector = evse.connectors[0]
        self._chance = chance
        self._ask = ask
        self._pause_s = pause_s
        self.visits = 0

    async def come_and_go(self) -> None:
        while True:
            await self._chance.wait(self._pause_s)
            self.visits += 1
            await self._visit()

    async def _visit(self) -> None:
        chance, name = self._chance, self._chance.random.choice(CARDS)
        if chance.happens(0.5):
            self._evse.occupy()
            await chance.stay(1, 60)
        card_first = chance.happens(0.4)
        if card_first:
            self._evse.reader.present(card(name))
            await chance.stay(1, 90)
        if chance.happens(0.95):
            self._connector.plug_in(self._vehicle())
            await chance.stay(1, 30)
            if not card_first or chance.happens(0.1):
                self._evse.reader.present(card(name))
            await self._charge()
            await self._leave(name)
        self._evse.occupy(occupied=False)

    def _vehicle(self) -> Vehicle:
        chance = self._chance
        usual = DC_VEHICLE if self._connector.spec.supply is Supply.DC else AC_VEHICLE
        return dataclasses.replace(
            usual,
            soc=chance.between(0.05, 0.9),
            target_soc=chance.random.choice([0.8, 1.0]),
            capacity_wh=chance.between(20_000, 90_000),
            departure_s=chance.between(HOUR_S / 2, 6 * HOUR_S) if chance.happens(0.2) else None,
        )

    async def _charge(self) -> None:
        """Stay for a while; now and then the vehicle pauses."""
        chance = self._chance
        await chance.stay(60, 3 * HOUR_S)
        if chance.happens(0.3) and self._evse.vehicle is not None:
            self._evse.vehicle.set_ready(ready=False)
            await chance.stay(10, HOUR_S)
            if self._evse.vehicle is not None:
                self._evse.vehicle.set_ready(ready=True)
            await chance.stay(10, HOUR_S)

    async def _leave(self, name: str) -> None:
        """Take the vehicle away: with the card, the button, or by pulling; whose cable is held calls the hotline."""
        chance = self._chance
        way = chance.random.choice(["card", "button", "pull", "another card"])
        for attempt in range(1000):
            if not self._connector.plugged_in:
                return
            if way == "card" or attempt:
                self._evse.reader.present(card(name))
            elif way == "button":
                self._evse.press_stop()
            elif way == "another card":
                self._evse.reader.present(card(chance.random.choice(CARDS)))
            elif not self._connector.fixed_cable:
                self._connector.disconnect_vehicle()
            await chance.stay(5, 60)
            if attempt >= _CALLS_THE_HOTLINE_AFTER:
                await self._ask("UnlockConnector", {"evseId": self._evse.evse_id, "connectorId": 1})
                await chance.stay(5, 60)
            try:
                self._connector.unplug()
            except Locked:
                await trio.sleep(300)
        raise AssertionError("a driver does not get his cable back")
