"""Variables of when transactions begin and end (Part 2 §2.6)."""

from __future__ import annotations

from typing import Final

from station.device_model.data_types import Boolean, Decimal, Integer, MemberList
from station.device_model.variable import Tier, Variable

TX_POINTS: Final = (
    "ParkingBayOccupancy",
    "EVConnected",
    "Authorized",
    "DataSigned",
    "PowerPathClosed",
    "EnergyTransfer",
)
"""What transactions may begin and end with."""

_TX: Final = "TxCtrlr"
_FLAG: Final = Boolean()

CHARGING_TIME: Final = Variable(
    _TX, "ChargingTime", Decimal(least=0), default=0.0, tier=Tier.EVSE, unit="s", mutability="ReadOnly"
)
"""Of the EVSE's transaction."""
EV_CONNECTION_TIME_OUT: Final = Variable(_TX, "EVConnectionTimeOut", Integer(), default=60, unit="s")
MAX_ENERGY_ON_INVALID_ID: Final = Variable(_TX, "MaxEnergyOnInvalidId", Integer(), default=0, unit="Wh")
RESUMPTION_TIMEOUT: Final = Variable(_TX, "ResumptionTimeout", Integer(), default=900, unit="s")
"""A transaction goes on after a power cycle that took no longer, and else ends with PowerLoss; 0: it ends in any case.

It has its name from OCPP 2.1; 2.0.1 leaves open how that is configured.
"""
STOP_TX_ON_EV_SIDE_DISCONNECT: Final = Variable(_TX, "StopTxOnEVSideDisconnect", _FLAG, default=True)
STOP_TX_ON_INVALID_ID: Final = Variable(_TX, "StopTxOnInvalidId", _FLAG, default=True)
TX_BEFORE_ACCEPTED_ENABLED: Final = Variable(_TX, "TxBeforeAcceptedEnabled", _FLAG, default=False)
TX_START_POINT: Final[Variable[tuple[str, ...]]] = Variable(
    _TX, "TxStartPoint", MemberList(TX_POINTS), default=("PowerPathClosed",)
)
TX_STOP_POINT: Final[Variable[tuple[str, ...]]] = Variable(
    _TX, "TxStopPoint", MemberList(TX_POINTS), default=("PowerPathClosed",)
)
