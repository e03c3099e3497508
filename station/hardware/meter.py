"""The meter of one EVSE, at its outlet: one reading of everything, in which all values agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from station.hardware.evse import Evse

_DC: tuple[None] = (None,)
_PHASES = ("L1", "L2", "L3")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter shows at one moment.

    energy_wh: its register, which only grows and is never set back. energy_interval_wh: what has come since the earlier
    register that was named. phases: L1 and so on, of the connector; None alone for DC. voltages_v, currents_a,
    powers_w: one for each of these, against neutral. power_factor: of the whole; 1 when nothing flows. power_offered_w,
    current_offered_a (of each phase): the most the vehicle may take. soc: a share; None: the vehicle does not tell.
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
        return self._evse.flow.power_w

    def read(self, *, since_wh: float | None = None) -> Reading:
        """Everything, now. since_wh: a former reading's energy_wh, from which energy_interval_wh counts; None: 0 Wh."""
        evse = self._evse
        point, offered = evse.operating_point(), evse.offered()
        energy_wh = evse.flow.energy_wh
        mains = evse.mains()
        vehicle = evse.vehicle
        dc = len(point.voltages_v) == 1 and evse.phases == 0
        return Reading(
            energy_wh=energy_wh,
            energy_interval_wh=0.0 if since_wh is None else energy_wh - since_wh,
            energy_reactive_varh=evse.flow.reactive_varh,
            power_w=point.power_w,
            power_reactive_var=point.power_w * math.tan(math.acos(point.power_factor)),
            power_factor=point.power_factor,
            phases=_DC if dc else _PHASES[: len(point.voltages_v)],
            voltages_v=point.voltages_v,
            currents_a=point.currents_a,
            powers_w=tuple(
                volts * amperes * point.power_factor
                for volts, amperes in zip(point.voltages_v, point.currents_a, strict=True)
            ),
            frequency_hz=mains.frequency_hz,
            power_offered_w=offered.power_w,
            current_offered_a=offered.current_a,
            phases_used=sum(current_a > 0 for current_a in point.currents_a),
            temperature_c=mains.ambient_c + evse.flow.heat_c,
            soc=vehicle.soc if vehicle is not None and vehicle.tells_soc else None,
        )
