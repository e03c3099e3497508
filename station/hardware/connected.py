"""A vehicle while it is connected: what of it changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from station.hardware.flow import Battery
from station.hardware.specs import Supply
from station.hardware.vehicle import AC_VEHICLE, Vehicle

if TYPE_CHECKING:
    from station.hardware.evse import Evse


class ConnectedVehicle:
    """A vehicle at a connector. departs_at: when its driver takes it away, by the world's clock; inf: nobody knows."""

    __slots__ = ("_evse", "_ready", "battery", "departs_at", "spec")

    def __init__(self, spec: Vehicle, evse: Evse, *, departs_at: float = math.inf) -> None:
        self.spec = spec
        self.battery = Battery(spec.soc)
        self.departs_at = departs_at
        self._evse = evse
        self._ready = spec.ready

    @classmethod
    def restored(cls, state: Mapping[str, Any], evse: Evse, now: float) -> ConnectedVehicle:
        """The vehicle that `snapshot` tells of. ValueError, KeyError, TypeError: it does not."""
        stays_s = state["stays_s"]
        vehicle = cls(
            Vehicle.from_json(state["spec"], usual=AC_VEHICLE),
            evse,
            departs_at=math.inf if stays_s is None else now + stays_s,
        )
        vehicle.battery.soc = state["soc"]
        vehicle.battery.finished = state["finished"]
        vehicle._ready = state["ready"]  # its own
        return vehicle

    def snapshot(self, now: float) -> dict[str, Any]:
        """What of it has to be remembered, as JSON."""
        return {
            "spec": self.spec.to_json(),
            "soc": self.soc,
            "finished": self.battery.finished,
            "ready": self._ready,
            "stays_s": None if self.departs_at == math.inf else max(0.0, self.departs_at - now),
        }

    @property
    def soc(self) -> float:
        """Its state of charge, a share."""
        return self._evse.flow.soc(self.battery)

    @property
    def taken_wh(self) -> float:
        """What it has taken at its inlet since it was plugged in."""
        return (self.soc - self.spec.soc) / self.spec.gain

    @property
    def tells_soc(self) -> bool:
        """The station is told its state of charge, as it is with DC."""
        return self.spec.supply is Supply.DC

    @property
    def satisfied(self) -> bool:
        """It does not take more, whatever is offered."""
        return self.soc >= self.spec.stop_soc or self.battery.finished

    @property
    def ready(self) -> bool:
        """It takes energy when there is some, as long as it is not satisfied."""
        return self._ready

    def set_ready(self, ready: bool) -> None:
        """Have it take energy, unless it is satisfied, or stop by its own will."""
        if self._ready != ready:
            self._ready = ready
            self._evse.part_changed()
