"""How a station is built: its EVSEs and connectors, and the limits that are set on them."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from station.hardware.world import NOMINAL_VOLTAGE_V


class Supply(enum.Enum):
    """What flows through a connector."""

    AC = "AC"
    DC = "DC"


class _Kind(NamedTuple):
    phases: int  # 0 is DC
    max_current_a: float
    max_power_w: float  # of DC


_KINDS: Final[Mapping[str, _Kind]] = {
    "cCCS1": _Kind(0, 500, 150_000),
    "cCCS2": _Kind(0, 500, 150_000),
    "cG105": _Kind(0, 125, 50_000),
    "cTesla": _Kind(0, 500, 250_000),
    "cType1": _Kind(1, 32, 0),
    "cType2": _Kind(3, 32, 0),
    "s309-1P-16A": _Kind(1, 16, 0),
    "s309-1P-32A": _Kind(1, 32, 0),
    "s309-3P-16A": _Kind(3, 16, 0),
    "s309-3P-32A": _Kind(3, 32, 0),
    "sBS1361": _Kind(1, 13, 0),
    "sCEE-7-7": _Kind(1, 16, 0),
    "sType2": _Kind(3, 32, 0),
    "sType3": _Kind(3, 32, 0),
    "Other1PhMax16A": _Kind(1, 16, 0),
    "Other1PhOver16A": _Kind(1, 32, 0),
    "Other3Ph": _Kind(3, 32, 0),
    "Pan": _Kind(0, 600, 450_000),
    "wInductive": _Kind(1, 16, 0),
    "wResonant": _Kind(1, 48, 0),
    "Undetermined": _Kind(1, 16, 0),
    "Unknown": _Kind(1, 16, 0),
    "cGBT": _Kind(0, 250, 125_000),
    "cChaoJi": _Kind(0, 600, 360_000),
    "OppCharge": _Kind(0, 600, 450_000),
}
"""What is usual for each value of OCPP's ConnectorEnumType, and of what the device model allows besides (2.13.4)."""


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A connector as it was built.

    connector_type: a value of OCPP's ConnectorEnumType. phases: of AC; 0 is DC, as SupplyPhases has it.
    max_current_a: of each phase. fixed_cable: the cable belongs to the station, there is no socket.
    """

    connector_type: str
    phases: int
    max_current_a: float
    max_power_w: float
    fixed_cable: bool

    def __post_init__(self) -> None:
        if self.phases not in {0, 1, 2, 3}:
            raise ValueError(f"a connector has 1 to 3 phases, or 0 for DC, not {self.phases}")
        if not self.max_current_a > 0 or not self.max_power_w > 0:
            raise ValueError("a connector's greatest current and power are above zero")

    @classmethod
    def of(cls, connector_type: str) -> ConnectorSpec:
        """What is usual for a connector of this type; ValueError: no such type."""
        kind = _KINDS.get(connector_type)
        if kind is None:
            raise ValueError(f"{connector_type!r} is not a type of connector: {', '.join(_KINDS)}")
        power_w = kind.phases * NOMINAL_VOLTAGE_V * kind.max_current_a if kind.phases else kind.max_power_w
        fixed = connector_type[0] in "cw" or connector_type in {"Pan", "OppCharge"}
        return cls(connector_type, kind.phases, kind.max_current_a, power_w, fixed)

    @property
    def supply(self) -> Supply:
        return Supply.AC if self.phases else Supply.DC


@dataclass(frozen=True, slots=True)
class EvseSpec:
    """An EVSE as it was built: connectors (their ids are their places, from 1), and what it can give to any of them."""

    connectors: tuple[ConnectorSpec, ...]
    max_power_w: float
    max_current_a: float = math.inf

    def __post_init__(self) -> None:
        if not self.connectors:
            raise ValueError("an EVSE has one connector at least")
        if not self.max_current_a > 0 or not self.max_power_w > 0:
            raise ValueError("an EVSE's greatest current and power are above zero")

    @classmethod
    def of(cls, connector_types: Sequence[str]) -> EvseSpec:
        """An EVSE with connectors as they are usual; as strong as the strongest. ValueError: no such type, or none."""
        connectors = tuple(ConnectorSpec.of(connector_type) for connector_type in connector_types)
        return cls(connectors, max((connector.max_power_w for connector in connectors), default=math.inf))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force, from whoever may set some; None: no limit. current_a: of each phase, or of DC.

    ValueError: less than nothing, or other than 1 to 3 phases.
    """

    power_w: float | None = None
    current_a: float | None = None
    phases: int | None = None

    def __post_init__(self) -> None:
        if any(limit is not None and not limit >= 0 for limit in (self.power_w, self.current_a)):
            raise ValueError("a limit is zero at least")
        if self.phases not in {None, 1, 2, 3}:
            raise ValueError(f"1 to 3 phases can be used, not {self.phases}")


UNLIMITED: Final = Limits()
