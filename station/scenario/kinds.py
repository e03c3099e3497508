"""What steps have in common: what can be written of each kind, and what it is read against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from station.fields import Field, Invalid, below, whole
from station.hardware import Connector, Evse, Hardware
from station.scenario.names import GIVEN

Played = TypeVar("Played")
Values = Mapping[str, Any]

EVSE: Final = Field(whole(least=1), default=1)
CONNECTOR: Final = Field(whole(least=1), default=1)
CHARGING_STATES: Final = ("Idle", "EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE")
"""OCPP's ChargingStateEnumType."""


@dataclass(slots=True)
class Sketch:
    """What a scenario is read against: the station it is for, untouched, and the names that were kept so far."""

    hardware: Hardware
    has_api: bool
    names: set[str] = field(default_factory=lambda: set(GIVEN))

    def evse(self, values: Values, pointer: str) -> Evse:
        """The EVSE that a step names. Raises Invalid."""
        evse = self.hardware.evse(values["evse"])
        if evse is None:
            there = ", ".join(str(evse.evse_id) for evse in self.hardware.evses)
            raise Invalid(below(pointer, "evse"), f"there is no EVSE {values['evse']}; there are: {there}")
        return evse

    def connector(self, values: Values, pointer: str) -> Connector:
        """The connector that a step names. Raises Invalid."""
        evse = self.evse(values, pointer)
        connector = evse.connector(values["connector"])
        if connector is None:
            there = ", ".join(str(connector.connector_id) for connector in evse.connectors)
            problem = f"EVSE {evse.evse_id} has no connector {values['connector']}; it has: {there}"
            raise Invalid(below(pointer, "connector"), problem)
        return connector


@dataclass(frozen=True, slots=True)
class Kind(Generic[Played]):
    """One kind of step. fields: what can be written of it.

    prepare(values, sketch, pointer): what is played, of the values as the fields read them. Raises Invalid.
    """

    fields: Mapping[str, Field]
    prepare: Callable[[Values, Sketch, str], Played]
