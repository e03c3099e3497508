"""A vehicle: what it can take, and how full it is while it is connected."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from station.hardware.specs import Supply

Curve = tuple[tuple[float, float], ...]

_LEAST_WAY: Final = 1e-6
_USUAL_CURVE: Final[Curve] = ((0.0, 1.0), (0.8, 1.0), (1.0, 0.4))


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle as it arrives.

    soc, target_soc: state of charge as a share of capacity_wh, 0 to 1. phases: that it can use of AC; of no meaning for
    DC. min_current_a, max_current_a: of each phase, or of DC; below the first nothing flows. max_power_w: at the inlet.
    curve: points (state of charge, share of max_power_w), straight between them; the state of charge grows from 0 to 1,
    two equal ones make a step. It stops for good at target_soc, when energy_requested_wh (at the inlet) have come, or
    when the curve falls below the minimum. departure_s: so long after it was plugged in its driver takes it away; None:
    somebody unplugs it. ready: it takes energy when there is some. efficiency: the share that arrives in the battery.
    voltage_v: of the battery, empty and full (for DC). ValueError: values that cannot be.
    """

    supply: Supply = Supply.AC
    capacity_wh: float = 60_000.0
    soc: float = 0.3
    target_soc: float = 1.0
    energy_requested_wh: float | None = None
    departure_s: float | None = None
    ready: bool = True
    phases: int = 3
    min_current_a: float = 6.0
    max_current_a: float = 16.0
    max_power_w: float = 11_000.0
    curve: Curve = _USUAL_CURVE
    efficiency: float = 0.9
    power_factor: float = 0.99
    voltage_v: tuple[float, float] = (350.0, 410.0)

    def __post_init__(self) -> None:
        for name in ("soc", "target_soc"):
            _demand(0 <= getattr(self, name) <= 1, name, "is a share, 0 to 1")
        for name in ("efficiency", "power_factor"):
            _demand(0 < getattr(self, name) <= 1, name, "is a share above 0, up to 1")
        for name in ("capacity_wh", "min_current_a", "max_current_a", "max_power_w"):
            _demand(0 < getattr(self, name) < math.inf, name, "is above 0")
        requested_wh, departure_s = self.energy_requested_wh, self.departure_s
        _demand(requested_wh is None or requested_wh >= 0, "energy_requested_wh", "is not below 0")
        _demand(departure_s is None or departure_s > 0, "departure_s", "is above 0")
        _demand(self.min_current_a <= self.max_current_a, "min_current_a", "is not above max_current_a")
        _demand(self.phases in {1, 2, 3}, "phases", "is 1, 2 or 3")
        _demand(
            0 < self.voltage_v[0] <= self.voltage_v[1] < math.inf, "voltage_v", "is two voltages, the second not less"
        )
        socs = [soc for soc, _ in self.curve]
        whole = len(socs) >= 2 and socs[0] == 0 and socs[-1] == 1 and socs == sorted(socs)
        _demand(whole, "curve", "has states of charge that grow from 0 to 1")
        ways = {right - left for left, right in itertools.pairwise(socs)}
        _demand(
            min(ways - {0.0}) >= _LEAST_WAY, "curve", f"has states of charge that are equal or {_LEAST_WAY:g} apart"
        )
        _demand(all(0 <= share <= 1 for _, share in self.curve), "curve", "has shares of max_power_w, 0 to 1")

    @property
    def stop_soc(self) -> float:
        """The state of charge at which it has what it wants."""
        if self.energy_requested_wh is None:
            return self.target_soc
        return min(self.target_soc, self.soc + self.energy_requested_wh * self.gain)

    @property
    def gain(self) -> float:
        """By what share of the battery a watt-hour at the inlet fills it."""
        return self.efficiency / self.capacity_wh

    def battery_v(self, soc: float) -> float:
        """The battery's voltage at this state of charge."""
        empty_v, full_v = self.voltage_v
        return empty_v + (full_v - empty_v) * soc

    @classmethod
    def from_json(cls, values: Mapping[str, object], *, usual: Vehicle) -> Vehicle:
        """A vehicle that is `usual` but for these values, as `to_json` gives them. ValueError: which one is wrong."""
        chosen: dict[str, Any] = {}
        for name, value in values.items():
            if name not in _READ:
                raise ValueError(f"a vehicle has no {name!r}: {', '.join(_READ)}")
            try:
                chosen[name] = _READ[name](value)
            except (TypeError, ValueError):
                raise ValueError(f"{name}: {value!r} is not a value for it") from None
        return dataclasses.replace(usual, **chosen)

    def to_json(self) -> dict[str, Any]:
        """All values, by their names."""
        values = {name: getattr(self, name) for name in _READ}
        return values | {
            "supply": self.supply.value,
            "curve": [list(point) for point in self.curve],
            "voltage_v": list(self.voltage_v),
        }


def _demand(met: bool, name: str, rule: str) -> None:
    if not met:
        raise ValueError(f"{name} {rule}")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _pair(value: object) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError
    return _number(value[0]), _number(value[1])


def _curve(value: object) -> Curve:
    if not isinstance(value, list | tuple):
        raise TypeError
    return tuple(_pair(point) for point in value)


_READ: Final = {
    "supply": Supply,
    "capacity_wh": _number,
    "soc": _number,
    "target_soc": _number,
    "energy_requested_wh": _number_or_none,
    "departure_s": _number_or_none,
    "ready": _truth,
    "phases": _whole,
    "min_current_a": _number,
    "max_current_a": _number,
    "max_power_w": _number,
    "curve": _curve,
    "efficiency": _number,
    "power_factor": _number,
    "voltage_v": _pair,
}

AC_VEHICLE: Final = Vehicle()
DC_VEHICLE: Final = Vehicle(
    supply=Supply.DC,
    min_current_a=1.0,
    max_current_a=400.0,
    max_power_w=120_000.0,
    curve=((0.0, 0.7), (0.1, 1.0), (0.5, 1.0), (0.8, 0.45), (1.0, 0.05)),
    efficiency=0.96,
    power_factor=1.0,
)
