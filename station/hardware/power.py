"""The operating point: what a station offers, what a vehicle takes of it, and what a meter then shows.

Values in, values out. Everything is a straight line over the state of charge, between the points where another limit
takes over; that is why energy can be counted exactly (stretch.py).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Final, NamedTuple

from station.hardware.specs import ConnectorSpec, EvseSpec, Limits, Supply
from station.hardware.vehicle import Curve, Vehicle
from station.hardware.world import NOMINAL_VOLTAGE_V, Mains

MIN_OFFER_A: Final = 6.0
"""A control pilot cannot offer less alternating current than this (IEC 61851-1): below, nothing is offered."""
SAME: Final = 1e-9
"""Two limits that differ by less than this share are one: what is computed on two ways differs by that much."""
_LEAST_WAY: Final = 1e-13
"""Of the state of charge, so that it grows at all."""


class Offer(NamedTuple):
    """The most that a station gives: of each phase, and altogether. phases: 0 for DC."""

    phases: int
    current_a: float
    power_w: float


def least_offer(connector: ConnectorSpec, evse: EvseSpec, cable_max_a: float, limits: Limits) -> Offer:
    """The least of connector, EVSE, cable and limits.

    Watts become amperes at the nominal voltage, which the mains never exceed: so the limit holds, and what is offered
    does not waver with the mains.
    """
    power_w = min(connector.max_power_w, evse.max_power_w, _or_inf(limits.power_w))
    current_a = min(connector.max_current_a, evse.max_current_a, cable_max_a, _or_inf(limits.current_a))
    if connector.supply is Supply.DC:
        return Offer(0, current_a, power_w) if current_a > 0 and power_w > 0 else Offer(0, 0.0, 0.0)
    phases = min(connector.phases, limits.phases or 3)
    current_a = min(current_a, power_w / (phases * NOMINAL_VOLTAGE_V))
    if current_a < MIN_OFFER_A:
        return Offer(phases, 0.0, 0.0)
    return Offer(phases, current_a, min(power_w, current_a * phases * NOMINAL_VOLTAGE_V))


class Line(NamedTuple):
    """A value at one state of charge, and how much more it is at 1 than at 0 if it goes on so."""

    value: float
    slope: float


class Draw(NamedTuple):
    """The watts a vehicle takes at one state of charge, and how long they go on in a straight line.

    until_soc: where another limit takes over or where it stops. stops: nothing flows from there on. finished: because
    the vehicle does not want more, whatever is offered.
    """

    power: Line
    until_soc: float
    stops: bool
    finished: bool


class Refusal(NamedTuple):
    """A vehicle takes nothing. finished: nor will it when more is offered."""

    finished: bool


def draw(offered: Offer, vehicle: Vehicle, soc: float, mains: Mains) -> Draw | Refusal:
    """What the vehicle takes of the offer: the least of the offer, its own limits and its curve, or less than its
    minimum, which is nothing.
    """
    stop_soc = vehicle.stop_soc
    if soc >= stop_soc or offered.current_a == 0:
        return Refusal(finished=soc >= stop_soc)
    battery, until_soc = _on_curve(vehicle.curve, soc, vehicle.max_power_w)
    ampere = _watts_per_ampere(offered.phases, vehicle, soc, mains)
    current_a = min(offered.current_a, vehicle.max_current_a)
    limits = [battery, Line(current_a * ampere.value, current_a * ampere.slope)]
    if offered.phases == 0:
        limits.append(Line(offered.power_w, 0.0))
    minimum = Line(vehicle.min_current_a * ampere.value, vehicle.min_current_a * ampere.slope)
    ceiling = min(limits).value * (1 + SAME)
    power = min((line for line in limits if line.value <= ceiling), key=lambda line: line.slope)
    finished = power is battery
    if power.value < minimum.value * (1 - SAME):
        return Refusal(finished)
    if power.value <= minimum.value * (1 + SAME) and power.slope < minimum.slope:
        return Refusal(finished)
    way = min(_way(line.value - power.value, power.slope - line.slope) for line in limits)
    until_soc = min(until_soc, stop_soc, soc + max(way, _LEAST_WAY))
    low_soc = soc + _way(power.value - minimum.value, minimum.slope - power.slope)
    if low_soc <= until_soc:
        return Draw(power, low_soc, stops=True, finished=finished)
    return Draw(power, until_soc, stops=until_soc == stop_soc, finished=until_soc == stop_soc)


class OperatingPoint(NamedTuple):
    """One moment at an outlet: all of it agrees, power is the sum of voltage x current x power_factor.

    voltages_v, currents_a: one for each phase of the connector, L1 first; for DC one.
    """

    power_w: float
    power_factor: float
    voltages_v: tuple[float, ...]
    currents_a: tuple[float, ...]

    def power_of(self, voltage_v: float, current_a: float) -> float:
        """Of one phase."""
        return voltage_v * current_a * self.power_factor


def idle_point(phases: int, mains: Mains, battery_v: float, *, live: bool) -> OperatingPoint:
    """Nothing flows. phases: of the connector, 0 for DC. live: the EVSE has mains. battery_v: at the outlet, for DC."""
    if phases == 0:
        return OperatingPoint(0.0, 1.0, (battery_v,), (0.0,))
    voltages_v = mains.voltages_v[:phases] if live else (0.0,) * phases
    return OperatingPoint(0.0, 1.0, voltages_v, (0.0,) * phases)


def operating_point(
    power_w: float, offered: Offer, vehicle: Vehicle, soc: float, phases: int, mains: Mains
) -> OperatingPoint:
    """What flows when the vehicle draws this power. phases: of the connector, 0 for DC."""
    current_a = power_w / _watts_per_ampere(offered.phases, vehicle, soc, mains).value
    if phases == 0:
        return OperatingPoint(power_w, 1.0, (power_w / current_a,), (current_a,))
    used = min(offered.phases, vehicle.phases)
    currents_a = (current_a,) * used + (0.0,) * (phases - used)
    return OperatingPoint(power_w, vehicle.power_factor, mains.voltages_v[:phases], currents_a)


def offered_now(offered: Offer, point: OperatingPoint) -> Offer:
    """The offer at the voltage of this moment. point: with the contactor closed, so that there is a voltage."""
    if offered.phases:
        return offered._replace(power_w=offered.current_a * sum(point.voltages_v[: offered.phases]))
    voltage_v = point.voltages_v[0]
    current_a = min(offered.current_a, offered.power_w / voltage_v)
    return Offer(0, current_a, min(offered.power_w, offered.current_a * voltage_v))


def _watts_per_ampere(phases: int, vehicle: Vehicle, soc: float, mains: Mains) -> Line:
    """Of each phase; of DC it is the battery's voltage. phases: that are offered, 0 for DC."""
    if phases:
        return Line(vehicle.power_factor * sum(mains.voltages_v[: min(phases, vehicle.phases)]), 0.0)
    empty_v, full_v = vehicle.voltage_v
    return Line(vehicle.battery_v(soc), full_v - empty_v)


def _way(gap_w: float, closing_w: float) -> float:
    """How much the state of charge grows before two lines meet; inf: they do not."""
    return gap_w / closing_w if closing_w > 0 else math.inf


def _or_inf(limit: float | None) -> float:
    return math.inf if limit is None else limit


def _on_curve(curve: Curve, soc: float, max_power_w: float) -> tuple[Line, float]:
    """The line of the curve from this state of charge, below 1, upwards, and where it ends."""
    right = bisect_right(curve, soc, key=lambda point: point[0])
    (left_soc, left), (right_soc, share) = curve[right - 1], curve[right]
    slope = (share - left) / (right_soc - left_soc)
    return Line((left + slope * (soc - left_soc)) * max_power_w, slope * max_power_w), right_soc
