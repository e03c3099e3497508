"""The meter of one EVSE, at its outlet: one reading of everything, in which all values agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from station.hardware.flow import Momentary
from station.hardware.power import Offer, OperatingPoint, idle_point, offered_now, operating_point
from station.hardware.world import Mains

if TYPE_CHECKING:
    from station.hardware.evse import Evse

_PHASES: Final[Sequence[tuple[str, ...] | tuple[None]]] = ((None,), ("L1",), ("L1", "L2"), ("L1", "L2", "L3"))
"""By the number of phases; 0 is DC."""


class Reading(NamedTuple):
    """What a meter shows at one moment.

    energy_wh: its register, which only grows and is never set back. energy_interval_wh: what has come since the earlier
    register that was named. phases: L1 and so on, of the connector; None alone for DC. voltages_v, currents_a,
    powers_w: one for each of these, against neutral. power_factor: of the whole; 1 when nothing flows. power_offered_w,
    current_offered_a (of each phase): the most the vehicle may take. phases_used: of AC. soc: a share; None: the
    vehicle does not tell.
    """

    energy_wh: float
    energy_interval_wh: float
    energy_reactive_varh: float
    power_w: float
    power_reactive_var: float
    power_factor: float
    phases: tuple[str, ...] | tuple[None]
    voltages_v: tuple[float, ...]
    currents_a: tuple[float, ...]
    powers_w: tuple[float, ...]
    frequency_hz: float
    power_offered_w: float
    current_offered_a: float
    phases_used: int
    temperature_c: float
    soc: float | None


class Meter:
    """The meter of one EVSE."""

    __slots__ = ("_evse",)

    def __init__(self, evse: Evse) -> None:
        self._evse = evse

    @property
    def energy_wh(self) -> float:
        """The register: all energy that has ever flowed to vehicles, also before the power was lost."""
        return self._evse.flow.energy_wh

    @property
    def power_w(self) -> float:
        """What flows now."""
        return self._evse.flow.at(self._evse.world.now()).power_w

    def read(self, *, since_wh: float | None = None) -> Reading:
        """Everything, now. since_wh: a former energy_wh, from which energy_interval_wh counts; None: that is 0."""
        evse = self._evse
        now = evse.world.now()
        mains, flow = evse.world.mains(now), evse.flow.at(now)
        point = self._point(flow, mains)
        offered = Offer(evse.phases, 0.0, 0.0) if evse.offer is None else offered_now(evse.offer, point)
        vehicle = evse.vehicle
        return Reading(
            energy_wh=flow.energy_wh,
            energy_interval_wh=0.0 if since_wh is None else flow.energy_wh - since_wh,
            energy_reactive_varh=flow.reactive_varh,
            power_w=point.power_w,
            power_reactive_var=point.power_w * math.tan(math.acos(point.power_factor)),
            power_factor=point.power_factor,
            phases=_PHASES[evse.phases],
            voltages_v=point.voltages_v,
            currents_a=point.currents_a,
            powers_w=tuple(map(point.power_of, point.voltages_v, point.currents_a)),
            frequency_hz=mains.frequency_hz,
            power_offered_w=offered.power_w,
            current_offered_a=offered.current_a,
            phases_used=sum(current_a > 0 for current_a in point.currents_a) if evse.phases else 0,
            temperature_c=mains.ambient_c + flow.heat_c,
            soc=flow.soc if vehicle is not None and vehicle.tells_soc else None,
        )

    def _point(self, flow: Momentary, mains: Mains) -> OperatingPoint:
        evse = self._evse
        if flow.soc is None or evse.vehicle is None or evse.offer is None:
            return idle_point(evse.phases, mains, 0.0, live=evse.live)
        vehicle = evse.vehicle.spec
        if flow.power_w == 0:
            return idle_point(evse.phases, mains, vehicle.battery_v(flow.soc), live=True)
        return operating_point(flow.power_w, evse.offer, vehicle, flow.soc, evse.phases, mains)
