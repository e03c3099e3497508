"""Who comes to charge: when, with which vehicle and card, and for how long. All of it is drawn, nothing is done."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from station.hardware import DC_VEHICLE, Supply, Vehicle
from station.id_token import NO_AUTHORIZATION, IdToken

_HOURS: Final = (2, 1, 1, 1, 2, 5, 12, 30, 40, 30, 24, 25, 30, 28, 25, 28, 36, 48, 46, 36, 26, 16, 9, 4)
"""How busy each hour of the day is beside the others."""
_MEAN: Final = sum(_HOURS) / len(_HOURS)
_HOUR: Final = timedelta(hours=1)

_SHORT_STAY_S: Final = 40 * 60.0
_LONG_STAY_S: Final = 6 * 3600.0
_DC_STAY_S: Final = 35 * 60.0
_SHORT_STAYS: Final = 0.65
_LEAST_STAY_S: Final = 60.0


class _Kind(NamedTuple):
    weight: float
    vehicle: Vehicle


_AC_KINDS: Final[Sequence[_Kind]] = (
    _Kind(0.20, Vehicle(capacity_wh=14_000, phases=1, max_current_a=16, max_power_w=3_700)),  # plug-in hybrid
    _Kind(0.15, Vehicle(capacity_wh=40_000, phases=1, max_current_a=32, max_power_w=7_400)),
    _Kind(0.40, Vehicle(capacity_wh=60_000, phases=3, max_current_a=16, max_power_w=11_000)),
    _Kind(0.15, Vehicle(capacity_wh=82_000, phases=3, max_current_a=16, max_power_w=11_000)),
    _Kind(0.10, Vehicle(capacity_wh=52_000, phases=3, max_current_a=32, max_power_w=22_000)),
)
_DC_KINDS: Final[Sequence[_Kind]] = (
    _Kind(
        0.25,
        Vehicle(
            Supply.DC, 40_000, min_current_a=1, max_current_a=125, max_power_w=50_000, efficiency=0.95, power_factor=1
        ),
    ),
    _Kind(
        0.50,
        Vehicle(
            Supply.DC,
            60_000,
            min_current_a=1,
            max_current_a=300,
            max_power_w=110_000,
            curve=DC_VEHICLE.curve,
            efficiency=0.96,
            power_factor=1,
        ),
    ),
    _Kind(
        0.25,
        Vehicle(
            Supply.DC,
            90_000,
            min_current_a=1,
            max_current_a=500,
            max_power_w=220_000,
            curve=((0.0, 0.8), (0.05, 1.0), (0.45, 1.0), (0.8, 0.5), (1.0, 0.05)),
            efficiency=0.96,
            power_factor=1,
            voltage_v=(650.0, 800.0),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards that drivers may have.

    known: how many there are, 0: nobody has or needs one. strangers: the share of drivers whose card nobody knows.
    """

    known: int
    strangers: float

    def draw(self, random: Random) -> IdToken:
        """Somebody's."""
        if not self.known:
            return NO_AUTHORIZATION
        if random.random() < self.strangers:
            return {"idToken": f"STRANGER{random.getrandbits(32):08X}", "type": "ISO14443"}
        return card(random.randint(1, self.known))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a driver is about to do.

    plugs_in_s: after arriving. presents_s: the card, after that. patience_s: until energy flows. stays_s: from then on.
    leaves_when_full: before that, if the vehicle has what it wants. cable_max_a: of the driver's own cable.
    pulls_plug: leaves without a word, where no lock holds the plug. leaves_s: how long it takes to go.
    """

    vehicle: Vehicle
    token: IdToken
    plugs_in_s: float
    presents_s: float
    patience_s: float
    stays_s: float
    leaves_when_full: bool
    cable_max_a: float
    pulls_plug: bool
    leaves_s: float


def card(number: int) -> IdToken:
    """The card with this number, from 1."""
    return {"idToken": f"FLEET{number:06d}", "type": "ISO14443"}


def busyness(now: datetime) -> float:
    """How many arrive at this time of the day, 1 being the average."""
    return _HOURS[now.hour] / _MEAN


def next_arrival_s(random: Random, per_hour: float, now: datetime) -> float:
    """Seconds until the next driver comes: a Poisson process, hour by hour as busy as the day is; inf: nobody does.

    per_hour: on average over a day.
    """
    if per_hour <= 0:
        return math.inf
    owed, waited_s, at = random.expovariate(1.0), 0.0, now  # of what the rate must add up to
    while True:
        rate = per_hour * busyness(at) / 3600.0
        left_s = (at.replace(minute=0, second=0, microsecond=0) + _HOUR - at).total_seconds()
        if owed <= rate * left_s:
            return waited_s + owed / rate
        owed -= rate * left_s
        waited_s += left_s
        at = now + timedelta(seconds=waited_s)


def draw_plan(random: Random, supply: Supply, cards: Cards) -> Plan:
    """What the next driver will do at an EVSE that gives this."""
    is_dc = supply is Supply.DC
    kinds = _DC_KINDS if is_dc else _AC_KINDS
    usual = random.choices(kinds, [kind.weight for kind in kinds])[0].vehicle
    if is_dc:
        soc, target_soc = random.triangular(0.05, 0.70, 0.20), random.triangular(0.70, 1.0, 0.80)
        stay_s, spread = _DC_STAY_S, 0.35
    else:
        soc, target_soc = random.triangular(0.05, 0.95, 0.45), random.choice((0.8, 0.9, 1.0, 1.0))
        stay_s, spread = (_SHORT_STAY_S, 0.6) if random.random() < _SHORT_STAYS else (_LONG_STAY_S, 0.4)
    return Plan(
        vehicle=dataclasses.replace(usual, soc=soc, target_soc=target_soc),
        token=cards.draw(random),
        plugs_in_s=random.uniform(5, 40),
        presents_s=random.uniform(2, 20),
        patience_s=random.uniform(60, 180),
        stays_s=max(_LEAST_STAY_S, random.lognormvariate(math.log(stay_s), spread)),
        leaves_when_full=random.random() < (0.8 if is_dc else 0.35),
        cable_max_a=random.choice((20.0, 32.0, 32.0)),
        pulls_plug=random.random() < 0.1,
        leaves_s=random.uniform(5, 60),
    )
