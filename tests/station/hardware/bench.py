"""A workbench: hardware under a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from station.hardware import DC_VEHICLE, Evse, EvseSpec, Hardware, Vehicle

HOUR_S = 3600.0
FLAT = ((0.0, 1.0), (1.0, 1.0))


class HandClock:
    """Seconds that only go forward when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


def hardware(clock: HandClock, *connector_types: Sequence[str], seed: int = 1) -> Hardware:
    """A usual station with these EVSEs."""
    return Hardware.of(connector_types, monotonic=clock, random=Random(seed))  # noqa: S311  # repeatable on purpose


def built(clock: HandClock, *specs: EvseSpec, seed: int = 1) -> Hardware:
    """A station with EVSEs that are built otherwise than usual."""
    return Hardware(specs, monotonic=clock, random=Random(seed))  # noqa: S311  # repeatable on purpose


def dc_vehicle(**values: Any) -> Vehicle:
    """A vehicle for DC that takes 100 kW."""
    return replace(DC_VEHICLE, max_power_w=100_000.0, **values)


def charging(evse: Evse, vehicle: Vehicle | None = None) -> Evse:
    """The EVSE with this vehicle and its contactor closed."""
    evse.connectors[0].plug_in(vehicle)
    assert evse.contactor.close()
    return evse
