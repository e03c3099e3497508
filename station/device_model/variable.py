"""What a variable is, the same for every station (Part 1 §4; Part 2 §2.50 VariableAttributeType, §2.51)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from station.device_model.data_types import DataType

Value = TypeVar("Value")
Mutability = Literal["ReadOnly", "WriteOnly", "ReadWrite"]


class Tier(enum.Enum):
    """The level of a station at which a component sits; at the lower two there are as many as EVSEs or connectors."""

    STATION = "ChargingStation"
    EVSE = "EVSE"
    CONNECTOR = "Connector"


class Place(NamedTuple):
    """Where a component is: at the station, at an EVSE or at a connector of one (EVSEType)."""

    evse_id: int | None = None
    connector_id: int | None = None

    @property
    def tier(self) -> Tier:
        """The level this place is at."""
        if self.evse_id is None:
            return Tier.STATION
        return Tier.EVSE if self.connector_id is None else Tier.CONNECTOR


STATION = Place()


@dataclass(frozen=True, slots=True, eq=False)
class Variable(Generic[Value]):
    """A variable of a component, and the value it has before anybody sets one. Two of them are never the same.

    instance: of the variable. reboot_required: a new value takes effect with the next reboot. Every one that can be
    set is persistent (Part 2, "Referenced Components and Variables" §2); `persistent` adds to these. constant: never
    changes while the station runs.
    """

    component: str
    name: str
    data_type: DataType[Value]
    default: Value
    instance: str | None = None
    tier: Tier = Tier.STATION
    unit: str | None = None
    mutability: Mutability = "ReadWrite"
    persistent: bool = False
    constant: bool = False
    reboot_required: bool = False

    @property
    def kept(self) -> bool:
        """Its value outlives a loss of power."""
        return self.persistent or self.mutability != "ReadOnly"

    def __str__(self) -> str:
        """Such as OCPPCommCtrlr.MessageTimeout[Default]."""
        return f"{self.component}.{self.name}" + (f"[{self.instance}]" if self.instance else "")

    def component_type(self, place: Place) -> dict[str, Any]:
        """The ComponentType of its component at a place."""
        component: dict[str, Any] = {"name": self.component}
        if place.evse_id is not None:
            component["evse"] = {"id": place.evse_id}
            if place.connector_id is not None:
                component["evse"]["connectorId"] = place.connector_id
        return component

    def variable_type(self) -> dict[str, Any]:
        """Its VariableType."""
        return {"name": self.name} | ({"instance": self.instance} if self.instance else {})
