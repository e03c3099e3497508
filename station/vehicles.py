"""Vehicles as people write them: what is left out is as usual."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from station.fields import Field, Invalid, array, below, choice, flag, number, whole
from station.hardware import Supply, Vehicle

_MOST_POINTS: Final = 100
_PAIR: Final = array(number(), least=2, most=2)
_SHARE: Final = number(least=0, most=1)
_AMOUNT: Final = number(above=0)

VEHICLE_FIELDS: Final[Mapping[str, Field]] = {
    "supply": Field(choice(tuple(supply.value for supply in Supply))),
    "capacity_wh": Field(_AMOUNT),
    "soc": Field(_SHARE),
    "target_soc": Field(_SHARE),
    "energy_requested_wh": Field(number(least=0)),
    "departure_s": Field(number(least=0)),
    "ready": Field(flag),
    "phases": Field(whole(least=1, most=3)),
    "min_current_a": Field(_AMOUNT),
    "max_current_a": Field(_AMOUNT),
    "max_power_w": Field(_AMOUNT),
    "curve": Field(array(_PAIR, least=2, most=_MOST_POINTS)),
    "efficiency": Field(number(above=0, most=1)),
    "power_factor": Field(number(above=0, most=1)),
    "voltage_v": Field(_PAIR),
}
"""What can be written of a vehicle (see Vehicle); an object with these may have others besides."""


def vehicle_of(values: Mapping[str, Any], pointer: str, usual: Vehicle) -> Vehicle:
    """The vehicle that was written. values: as VEHICLE_FIELDS read them, others besides. Raises Invalid."""
    written = {name: values[name] for name in VEHICLE_FIELDS if values[name] is not None}
    if "supply" in written:
        written["supply"] = Supply(written["supply"])
    if "curve" in written:
        written["curve"] = tuple((soc, share) for soc, share in written["curve"])
    if "voltage_v" in written:
        written["voltage_v"] = tuple(written["voltage_v"])
    try:
        return dataclasses.replace(usual, **written)
    except ValueError as error:  # of values that do not go together
        name, _, rule = str(error).partition(" ")
        raise Invalid(below(pointer, name) if name in VEHICLE_FIELDS else pointer, rule) from None
