"""Variables of the station, its EVSEs and its connectors, read from the hardware (Part 2 §2.13; Part 1 §4.1)."""

from __future__ import annotations

from typing import Final, Literal

from station.device_model.data_types import Boolean, Decimal, Integer, OptionList, String
from station.device_model.variable import Tier, Variable

AvailabilityState = Literal["Available", "Occupied", "Reserved", "Unavailable", "Faulted"]

MODEL: Final = "Wallbox XYZ"
VENDOR_NAME: Final = "anewone"

_STATION: Final = "ChargingStation"
_EVSE: Final = "EVSE"
_CONNECTOR: Final = "Connector"
_FLAG: Final = Boolean()
_PHASES: Final = Integer(most=3)
_STATES: Final = OptionList(("Available", "Occupied", "Reserved", "Unavailable", "Faulted"))

STATION_AVAILABILITY_STATE: Final = Variable(
    _STATION, "AvailabilityState", _STATES, default="Unavailable", mutability="ReadOnly"
)
STATION_AVAILABLE: Final = Variable(_STATION, "Available", _FLAG, default=True, mutability="ReadOnly", constant=True)
STATION_MODEL: Final = Variable(_STATION, "Model", String(20), default=MODEL, mutability="ReadOnly", constant=True)
STATION_PROBLEM: Final = Variable(_STATION, "Problem", _FLAG, default=False, mutability="ReadOnly")
STATION_SUPPLY_PHASES: Final = Variable(
    _STATION, "SupplyPhases", _PHASES, default=3, mutability="ReadOnly", constant=True
)
STATION_VENDOR_NAME: Final = Variable(
    _STATION, "VendorName", String(50), default=VENDOR_NAME, mutability="ReadOnly", constant=True
)

EVSE_ALLOW_RESET: Final = Variable(
    _EVSE, "AllowReset", _FLAG, default=True, tier=Tier.EVSE, mutability="ReadOnly", constant=True
)
EVSE_AVAILABILITY_STATE: Final = Variable(
    _EVSE, "AvailabilityState", _STATES, default="Unavailable", tier=Tier.EVSE, mutability="ReadOnly"
)
EVSE_AVAILABLE: Final = Variable(
    _EVSE, "Available", _FLAG, default=True, tier=Tier.EVSE, mutability="ReadOnly", constant=True
)
EVSE_POWER: Final = Variable(_EVSE, "Power", Decimal(), default=0.0, tier=Tier.EVSE, unit="W", mutability="ReadOnly")
"""maxLimit: what the EVSE can provide."""
EVSE_PROBLEM: Final = Variable(_EVSE, "Problem", _FLAG, default=False, tier=Tier.EVSE, mutability="ReadOnly")
EVSE_SUPPLY_PHASES: Final = Variable(
    _EVSE, "SupplyPhases", _PHASES, default=3, tier=Tier.EVSE, mutability="ReadOnly", constant=True
)

CONNECTOR_AVAILABILITY_STATE: Final = Variable(
    _CONNECTOR, "AvailabilityState", _STATES, default="Unavailable", tier=Tier.CONNECTOR, mutability="ReadOnly"
)
CONNECTOR_AVAILABLE: Final = Variable(
    _CONNECTOR, "Available", _FLAG, default=True, tier=Tier.CONNECTOR, mutability="ReadOnly", constant=True
)
CONNECTOR_CONNECTOR_TYPE: Final = Variable(
    _CONNECTOR,
    "ConnectorType",
    String(20),
    default="Unknown",
    tier=Tier.CONNECTOR,
    mutability="ReadOnly",
    constant=True,
)
CONNECTOR_LOCK_PROBLEM: Final = Variable(
    "ConnectorPlugRetentionLock", "Problem", _FLAG, default=False, tier=Tier.CONNECTOR, mutability="ReadOnly"
)
"""The lock was to hold a plug, and could not (G05)."""
CONNECTOR_PROBLEM: Final = Variable(
    _CONNECTOR, "Problem", _FLAG, default=False, tier=Tier.CONNECTOR, mutability="ReadOnly"
)
CONNECTOR_SUPPLY_PHASES: Final = Variable(
    _CONNECTOR, "SupplyPhases", _PHASES, default=3, tier=Tier.CONNECTOR, mutability="ReadOnly", constant=True
)
