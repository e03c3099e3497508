"""What flows through one EVSE, counted up to any moment: its registers, and the battery that it fills.

It is followed from stretch to stretch, never ticked; where the stretches begin and end depends on the physics alone. So
who looks, and how often, makes no difference at all.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from station.hardware.power import Refusal
from station.hardware.stretch import Circuit, Stretch, next_stretch
from station.hardware.world import BEST_MAINS, World

_HEAT_C: Final = 22.0
"""By which an EVSE gets warmer than its surroundings under full load."""
_HEAT_TIME_S: Final = 900.0


class Battery:
    """What changes in a vehicle by charging. finished: it does not take more, whatever is offered."""

    __slots__ = ("finished", "soc")

    def __init__(self, soc: float) -> None:
        self.soc = soc
        self.finished = False


class Momentary(NamedTuple):
    """A flow at one moment. soc: of the battery that can be filled. heat_c: warmer by this than the surroundings."""

    power_w: float
    energy_wh: float
    reactive_varh: float
    soc: float | None
    heat_c: float


class Flow:
    """The flow of energy through one EVSE. Every moment given to its methods is `world.now()` or was."""

    __slots__ = (
        "_battery",
        "_circuit",
        "_energy_wh",
        "_heat_c",
        "_heat_since",
        "_look_at",
        "_rated_w",
        "_reactive_share",
        "_reactive_varh",
        "_stopped_at",
        "_stretch",
        "_world",
    )

    def __init__(self, world: World, rated_w: float) -> None:
        """rated_w: the power at which the EVSE gets as warm as it can."""
        self._world = world
        self._rated_w = rated_w
        self._energy_wh = 0.0
        self._reactive_varh = 0.0
        self._reactive_share = 0.0
        self._circuit: Circuit | None = None
        self._battery: Battery | None = None
        self._stretch: Stretch | None = None
        self._stopped_at = math.inf
        self._look_at: float | None = None
        self._heat_c = 0.0
        self._heat_since = -math.inf

    def settle(self, circuit: Circuit | None, battery: Battery | None) -> None:
        """Something has changed: from now on energy flows as this circuit lets it, into this battery."""
        now = self._world.now()
        self._follow(now)
        if circuit == self._circuit and battery is self._battery and self._stopped_at == math.inf:
            return
        self._end_stretch(now)
        self._circuit, self._battery = circuit, battery
        self._stopped_at = math.inf
        self._reactive_share = 0.0 if circuit is None else circuit.reactive_share
        self._begin_stretch(now)

    @property
    def flows(self) -> bool:
        """Energy flows now."""
        return self._follow(self._world.now()) is not None

    @property
    def energy_wh(self) -> float:
        """The register of the meter."""
        now = self._world.now()
        stretch = self._follow(now)
        return self._energy_wh + (0.0 if stretch is None else stretch.energy_wh(now))

    def at(self, now: float) -> Momentary:
        """All of it at this moment."""
        stretch = self._follow(now)
        heat_c = self._heat_at(now, stretch)
        if stretch is None:
            soc = None if self._battery is None else self._battery.soc
            return Momentary(0.0, self._energy_wh, self._reactive_varh, soc, heat_c)
        energy_wh = stretch.energy_wh(now)
        return Momentary(
            stretch.power_at(now),
            self._energy_wh + energy_wh,
            self._reactive_varh + energy_wh * self._reactive_share,
            stretch.soc_at(now),
            heat_c,
        )

    def soc(self, battery: Battery) -> float:
        """How full this battery is; it may be another one than that which is filled."""
        now = self._world.now()
        stretch = self._follow(now)
        return battery.soc if stretch is None or battery is not self._battery else stretch.soc_at(now)

    def changes_at(self) -> float:
        """Nothing begins or ceases to flow before this moment, unless `settle` is called; inf: never.

        It may be a moment at which nothing happens, and one should ask again.
        """
        if self._circuit is None or self._stretch is None:
            return self._stopped_at
        if self._look_at is None:
            self._look_at = _earliest_end(self._circuit, self._stretch)
        return self._look_at

    @property
    def stopped(self) -> bool:
        """It has ceased to flow by itself since `settle`."""
        self._follow(self._world.now())
        return self._stopped_at < math.inf

    def restore(self, energy_wh: float, reactive_varh: float) -> None:
        """Set the registers to what they were."""
        self._energy_wh, self._reactive_varh = energy_wh, reactive_varh

    def _follow(self, now: float) -> Stretch | None:
        """The stretch of this moment; None: nothing flows."""
        while self._stretch is not None and now >= self._stretch.ends_at:
            stretch = self._stretch
            self._end_stretch(stretch.ends_at)
            if stretch.finished and self._battery is not None:
                self._battery.finished = True
            if stretch.stops or not self._begin_stretch(stretch.ends_at):
                self._stopped_at = stretch.ends_at
        return self._stretch

    def _end_stretch(self, at: float) -> None:
        self._heat_c, self._heat_since = self._heat_at(at, self._stretch), at
        if self._stretch is None or self._battery is None:
            return
        energy_wh = self._stretch.energy_wh(at)
        self._energy_wh += energy_wh
        self._reactive_varh += energy_wh * self._reactive_share
        self._battery.soc = self._stretch.soc_at(at)
        self._stretch = None

    def _begin_stretch(self, at: float) -> bool:
        """Whether energy flows from this moment on."""
        self._look_at = None
        if self._circuit is None or self._battery is None or self._battery.finished:
            return False
        world = self._world
        begun = next_stretch(self._circuit, self._battery.soc, at, world.mains(at), world.mains_until(at))
        if isinstance(begun, Refusal):
            self._battery.finished = begun.finished
            return False
        self._stretch = begun
        return True

    def _heat_at(self, at: float, stretch: Stretch | None) -> float:
        goal_c = 0.0 if stretch is None else _HEAT_C * min(1.0, stretch.power_w / self._rated_w) ** 2
        return goal_c + (self._heat_c - goal_c) * math.exp((self._heat_since - at) / _HEAT_TIME_S)


def _earliest_end(circuit: Circuit, stretch: Stretch) -> float:
    """A moment before which the flow does not stop; when it stops, if that is at the end of this stretch.

    At the highest voltage the battery fills fastest, and the vehicle's minimum is highest.
    """
    if stretch.stops:
        return stretch.ends_at
    soc, at = stretch.soc, stretch.begins_at
    while not isinstance(following := next_stretch(circuit, soc, at, BEST_MAINS, math.inf), Refusal):
        soc, at = following.end_soc, following.ends_at
        if following.stops:
            break
    return max(at, stretch.ends_at)
