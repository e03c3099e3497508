"""A stretch of time over which power is a straight line over the state of charge: energy in closed form.

With P = p + s (soc - soc0) and d soc / dt = g P the power is p exp(s g t), and the energy its integral.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from station.hardware.power import Draw, Offer, Refusal, draw
from station.hardware.vehicle import Vehicle
from station.hardware.world import Mains

_HOUR_S = 3600.0


class Circuit(NamedTuple):
    """A vehicle on a closed contactor. until: seconds, as the stretches count them, when its driver takes it away."""

    offered: Offer
    vehicle: Vehicle
    until: float

    @property
    def reactive_share(self) -> float:
        """Reactive energy for each unit of active energy."""
        return math.tan(math.acos(self.vehicle.power_factor)) if self.offered.phases else 0.0


class Stretch(NamedTuple):
    """Energy flows from `begins_at` to `ends_at`, and takes the battery from `soc` to `end_soc`.

    power_w, slope_w: at the beginning, and over the state of charge. total_wh: at the inlet, until the end. gain: share
    of the battery that a watt-hour fills. stops: nothing flows afterwards. finished: for the vehicle has what it wants.
    """

    begins_at: float
    ends_at: float
    soc: float
    end_soc: float
    power_w: float
    slope_w: float
    total_wh: float
    gain: float
    stops: bool
    finished: bool

    def energy_wh(self, at: float) -> float:
        """What has flowed by then, a moment of this stretch."""
        if at >= self.ends_at:
            return self.total_wh
        return min(self.total_wh, _energy_wh(self.power_w, self.slope_w * self.gain, at - self.begins_at))

    def soc_at(self, at: float) -> float:
        """The state of charge at a moment of this stretch."""
        if at >= self.ends_at:
            return self.end_soc
        return min(self.end_soc, self.soc + self.gain * self.energy_wh(at))

    def power_at(self, at: float) -> float:
        """The power at a moment of this stretch, in watts."""
        return self.power_w + self.slope_w * (self.soc_at(at) - self.soc)


def next_stretch(circuit: Circuit, soc: float, at: float, mains: Mains, mains_until: float) -> Stretch | Refusal:
    """What flows from this moment on, with this state of charge. mains: as they are until that other moment."""
    drawn = draw(circuit.offered, circuit.vehicle, soc, mains)
    if isinstance(drawn, Refusal):
        return drawn
    if at >= circuit.until:
        return Refusal(finished=False)
    power_w, slope_w = drawn.power
    gain = circuit.vehicle.gain
    ends_at = at + _duration_s(drawn, soc, gain)
    # The mains do not matter to DC: the vehicle's voltage is that of its battery.
    cut_at = min(circuit.until, mains_until) if circuit.offered.phases else circuit.until
    if ends_at <= cut_at:
        total_wh = (drawn.until_soc - soc) / gain
        stops, finished = drawn.stops, drawn.finished
        return Stretch(at, ends_at, soc, drawn.until_soc, power_w, slope_w, total_wh, gain, stops, finished)
    total_wh = _energy_wh(power_w, slope_w * gain, cut_at - at)
    end_soc = min(drawn.until_soc, soc + gain * total_wh)
    return Stretch(at, cut_at, soc, end_soc, power_w, slope_w, total_wh, gain, stops=False, finished=False)


def _energy_wh(power_w: float, growth: float, seconds: float) -> float:
    """growth: of the power, as a share of it per watt and hour; it is exponential."""
    hours = seconds / _HOUR_S
    exponent = growth * hours
    return power_w * hours * (math.expm1(exponent) / exponent if exponent else 1.0)


def _duration_s(drawn: Draw, soc: float, gain: float) -> float:
    """Seconds until the state of charge is where this draw ends."""
    energy_wh = (drawn.until_soc - soc) / gain
    change = drawn.power.slope * (drawn.until_soc - soc) / drawn.power.value
    return _HOUR_S * energy_wh / drawn.power.value * (math.log1p(change) / change if change else 1.0)
