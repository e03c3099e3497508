"""What goes wrong at a station: the network, the mains, parts, messages."""

from __future__ import annotations

from typing import Any

from station.app import Station
from tests.station.life.chance import HOUR_S, Chance

_FAULT_CODES = ("GroundFailure", "EmergencyStop", "OverVoltage", "HighTemperature")


class Weather:
    """Each of its tasks makes one thing go wrong, now and then, and well again."""

    def __init__(self, station: Station, seed: int) -> None:
        self._station = station
        self._seed = seed
        self.outages = self.power_cuts = self.defects = self.storms = 0

    async def network(self) -> None:
        chance = Chance(self._seed, "network")
        while True:
            await chance.wait(8 * HOUR_S)
            self.outages += 1
            seconds = chance.random.choice([5.0, 90.0, 1800.0, 4 * HOUR_S])
            self._station.network.down(seconds, half_open=chance.happens(0.3))
            await chance.stay(seconds, 2 * seconds)

    async def mains(self) -> None:
        chance = Chance(self._seed, "mains")
        while True:
            await chance.wait(20 * HOUR_S)
            self.power_cuts += 1
            off_s = chance.random.choice([1.0, 30.0, 1200.0])
            if chance.happens(0.7):
                self._station.cut_power(off_s)
            else:
                self._station.reboot("LocalReset", off_s=off_s)

    async def parts(self) -> None:
        chance = Chance(self._seed, "parts")
        while True:
            await chance.wait(20 * HOUR_S)
            self.defects += 1
            evse = chance.random.choice(self._station.hardware.evses)
            connector = evse.connectors[0]
            match chance.random.choice(["evse", "connector", "breaker", "lock"]):
                case "evse":
                    evse.fault(chance.random.choice(_FAULT_CODES))
                case "connector":
                    connector.fail("InternalError")
                case "breaker":
                    evse.trip_breaker()
                case "lock":
                    connector.jam()
            await chance.stay(60, 2 * HOUR_S)
            self.repair()

    async def messages(self) -> None:
        """Storms in which single messages suffer."""
        chance = Chance(self._seed, "messages")
        while True:
            await chance.wait(12 * HOUR_S)
            self.storms += 1
            rules = [self._rule(chance) for _ in range(chance.random.randint(1, 3))]
            self._station.faults.put({"rules": rules, "seed": chance.random.getrandbits(16)})
            await chance.stay(600, 2 * HOUR_S)
            self._station.faults.clear()

    def repair(self) -> None:
        """All parts are well again."""
        for evse in self._station.hardware.evses:
            evse.clear_fault()
            evse.reset_breaker()
            for connector in evse.connectors:
                connector.clear_fault()
                connector.unjam()

    def clear_up(self) -> None:
        """All is well again."""
        self.repair()
        self._station.faults.clear()
        self._station.network.up()

    def _rule(self, chance: Chance) -> dict[str, Any]:
        kind = chance.random.choice(
            ["delay", "late-answer", "reorder", "duplicate", "drop", "power-cut", "half-open", "call-error"]
        )
        rule: dict[str, Any] = {"kind": kind, "probability": chance.random.choice([0.05, 0.3])}
        if kind in {"delay", "late-answer", "reorder"}:
            rule["seconds"] = chance.random.choice([0.5, 10.0, 45.0])
        if kind in {"power-cut", "half-open"}:
            rule |= {"count": 1, "after": chance.random.randint(0, 5)}
        if kind != "call-error":
            rule |= chance.random.choice([{}, {"direction": "sent"}, {"direction": "received"}])
            rule |= chance.random.choice([{}, {"action": "TransactionEvent"}])
        return rule
