"""Variables of sampled and clock-aligned meter values (Part 2 §2.7)."""

from __future__ import annotations

from typing import Final

from station.device_model.data_types import Boolean, Integer, MemberList
from station.device_model.variable import Variable

MEASURANDS: Final = (
    "Energy.Active.Import.Register",
    "Energy.Active.Import.Interval",
    "Power.Active.Import",
    "Power.Offered",
    "Power.Factor",
    "Current.Import",
    "Current.Offered",
    "Voltage",
    "Frequency",
    "SoC",
)
"""What the meter and the vehicle can tell; SoC only while the vehicle does."""

_SAMPLED: Final = "SampledDataCtrlr"
_ALIGNED: Final = "AlignedDataCtrlr"
_FLAG: Final = Boolean()
_MEASURANDS: Final = MemberList(MEASURANDS)
_INTERVAL: Final = Integer()

SAMPLED_DATA_AVAILABLE: Final = Variable(
    _SAMPLED, "Available", _FLAG, default=True, mutability="ReadOnly", constant=True
)
SAMPLED_DATA_ENABLED: Final = Variable(_SAMPLED, "Enabled", _FLAG, default=True)
SAMPLED_DATA_REGISTER_VALUES_WITHOUT_PHASES: Final = Variable(
    _SAMPLED, "RegisterValuesWithoutPhases", _FLAG, default=True, mutability="ReadOnly", constant=True
)
"""The meter has one register for all phases."""
SAMPLED_DATA_SIGN_READINGS: Final = Variable(_SAMPLED, "SignReadings", _FLAG, default=False)
SAMPLED_DATA_TX_ENDED_INTERVAL: Final = Variable(_SAMPLED, "TxEndedInterval", _INTERVAL, default=0, unit="s")
"""0: only what was taken at the start and at the end."""
SAMPLED_DATA_TX_ENDED_MEASURANDS: Final[Variable[tuple[str, ...]]] = Variable(
    _SAMPLED, "TxEndedMeasurands", _MEASURANDS, default=MEASURANDS[:1]
)
SAMPLED_DATA_TX_STARTED_MEASURANDS: Final[Variable[tuple[str, ...]]] = Variable(
    _SAMPLED, "TxStartedMeasurands", _MEASURANDS, default=MEASURANDS[:1]
)
SAMPLED_DATA_TX_UPDATED_INTERVAL: Final = Variable(_SAMPLED, "TxUpdatedInterval", _INTERVAL, default=60, unit="s")
"""0: no samples during the transaction."""
SAMPLED_DATA_TX_UPDATED_MEASURANDS: Final[Variable[tuple[str, ...]]] = Variable(
    _SAMPLED,
    "TxUpdatedMeasurands",
    _MEASURANDS,
    default=("Energy.Active.Import.Register", "Power.Active.Import", "SoC"),
)

ALIGNED_DATA_AVAILABLE: Final = Variable(
    _ALIGNED, "Available", _FLAG, default=True, mutability="ReadOnly", constant=True
)
ALIGNED_DATA_ENABLED: Final = Variable(_ALIGNED, "Enabled", _FLAG, default=True)
ALIGNED_DATA_INTERVAL: Final = Variable(_ALIGNED, "Interval", _INTERVAL, default=0, unit="s")
"""0: no clock-aligned values."""
ALIGNED_DATA_MEASURANDS: Final[Variable[tuple[str, ...]]] = Variable(
    _ALIGNED, "Measurands", _MEASURANDS, default=MEASURANDS[:1]
)
ALIGNED_DATA_SEND_DURING_IDLE: Final = Variable(_ALIGNED, "SendDuringIdle", _FLAG, default=False)
"""True: none while a transaction is ongoing."""
ALIGNED_DATA_SIGN_READINGS: Final = Variable(_ALIGNED, "SignReadings", _FLAG, default=False)
ALIGNED_DATA_TX_ENDED_INTERVAL: Final = Variable(_ALIGNED, "TxEndedInterval", _INTERVAL, default=0, unit="s")
"""0: none."""
ALIGNED_DATA_TX_ENDED_MEASURANDS: Final[Variable[tuple[str, ...]]] = Variable(
    _ALIGNED, "TxEndedMeasurands", _MEASURANDS, default=MEASURANDS[:1]
)
