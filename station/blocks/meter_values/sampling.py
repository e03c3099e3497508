"""Which values are taken of an EVSE at which moment of a transaction (J02, SampledDataCtrlr, AlignedDataCtrlr)."""

from __future__ import annotations

import enum
import math
from typing import Final

from shared.clock import Clock
from shared.ocppj import date_time
from station.blocks.meter_values.samples import meter_value
from station.blocks.meter_values.signing import Signer
from station.device_model import (
    ALIGNED_DATA_ENABLED,
    ALIGNED_DATA_INTERVAL,
    ALIGNED_DATA_MEASURANDS,
    ALIGNED_DATA_SEND_DURING_IDLE,
    ALIGNED_DATA_SIGN_READINGS,
    ALIGNED_DATA_TX_ENDED_INTERVAL,
    ALIGNED_DATA_TX_ENDED_MEASURANDS,
    SAMPLED_DATA_ENABLED,
    SAMPLED_DATA_SIGN_READINGS,
    SAMPLED_DATA_TX_ENDED_INTERVAL,
    SAMPLED_DATA_TX_ENDED_MEASURANDS,
    SAMPLED_DATA_TX_STARTED_MEASURANDS,
    SAMPLED_DATA_TX_UPDATED_INTERVAL,
    SAMPLED_DATA_TX_UPDATED_MEASURANDS,
    DeviceModel,
    Variable,
)
from station.hardware import Evse
from station.outgoing import Payload


class _Series(enum.Enum):
    """Samples that follow one another: Energy.Active.Import.Interval counts from the one before in its series."""

    UPDATED = enum.auto()
    ENDED = enum.auto()
    ALIGNED = enum.auto()
    ALIGNED_ENDED = enum.auto()


_ALIGNED: Final = frozenset({_Series.ALIGNED, _Series.ALIGNED_ENDED})
_OF_TRANSACTION: Final = (_Series.UPDATED, _Series.ENDED, _Series.ALIGNED_ENDED)
_OUT_OF_TURN: Final = "Trigger"
"""The context of a sample that belongs to no series: the interval goes on."""


class Sampling:
    """Takes samples. Each is a list of MeterValueTypes, empty where nothing is to be taken or there is nothing."""

    def __init__(self, variables: DeviceModel, clock: Clock, signer: Signer) -> None:
        self._variables = variables
        self._clock = clock
        self._signer = signer
        self._interval_began_wh: dict[tuple[int, _Series], float] = {}

    @property
    def updated_interval_s(self) -> float:
        """Between two samples for events of the kind Updated; infinite where none are wanted."""
        return self._interval_s(self._variables[SAMPLED_DATA_TX_UPDATED_INTERVAL])

    @property
    def ended_interval_s(self) -> float:
        """Between two samples that are kept for the Ended event; infinite where none are wanted."""
        return self._interval_s(self._variables[SAMPLED_DATA_TX_ENDED_INTERVAL])

    @property
    def aligned_interval_s(self) -> int | None:
        """Between two clock-aligned samples, None where none are wanted."""
        return self._aligned(self._variables[ALIGNED_DATA_INTERVAL])

    @property
    def aligned_updated_interval_s(self) -> int | None:
        """The same during transactions, in which they may not be wanted (J01.FR.19, J01.FR.20)."""
        return None if self._variables[ALIGNED_DATA_SEND_DURING_IDLE] else self.aligned_interval_s

    @property
    def aligned_ended_interval_s(self) -> int | None:
        """Between two clock-aligned samples that are kept for the Ended event, None where none are wanted."""
        return self._aligned(self._variables[ALIGNED_DATA_TX_ENDED_INTERVAL])

    def begin(self, evse: Evse) -> tuple[list[Payload], list[Payload]]:
        """For the Started event (E01.FR.09), and what is kept of the start for the Ended event (E06.FR.11)."""
        for series in _OF_TRANSACTION:
            self._interval_began_wh[evse.evse_id, series] = evse.meter.energy_wh
        self._signer.begin(evse)
        started = self._take(evse, SAMPLED_DATA_TX_STARTED_MEASURANDS, "Transaction.Begin", _Series.ENDED)
        if self._variables[SAMPLED_DATA_TX_STARTED_MEASURANDS] == self._variables[SAMPLED_DATA_TX_ENDED_MEASURANDS]:
            return started, started
        return started, self._take(evse, SAMPLED_DATA_TX_ENDED_MEASURANDS, "Transaction.Begin", _Series.ENDED)

    def sample(self, evse: Evse, context: str) -> list[Payload]:
        """For an Updated event (E02.FR.10). context: a value of ReadingContextEnumType."""
        return self._take(evse, SAMPLED_DATA_TX_UPDATED_MEASURANDS, context, _Series.UPDATED)

    def for_end(self, evse: Evse) -> list[Payload]:
        """What is kept for the Ended event, now and then during the transaction (J02.FR.03)."""
        return self._take(evse, SAMPLED_DATA_TX_ENDED_MEASURANDS, "Sample.Periodic", _Series.ENDED)

    def end(self, evse: Evse) -> list[Payload]:
        """For the Ended event (E06.FR.11)."""
        return self._take(evse, SAMPLED_DATA_TX_ENDED_MEASURANDS, "Transaction.End", _Series.ENDED)

    def aligned(self, evse: Evse, context: str = "Sample.Clock") -> list[Payload]:
        """At a full interval of the clock (J01.FR.14, J01.FR.22)."""
        return self._take(evse, ALIGNED_DATA_MEASURANDS, context, _Series.ALIGNED)

    def aligned_for_end(self, evse: Evse) -> list[Payload]:
        """What is kept for the Ended event at a full interval of the clock."""
        return self._take(evse, ALIGNED_DATA_TX_ENDED_MEASURANDS, "Sample.Clock", _Series.ALIGNED_ENDED)

    def to_json(self, evse: Evse) -> Payload:
        """What outlasts a power cycle of a transaction's samples.

        Where their intervals have begun, by the meter's register, and whether the public key is still to be shown.
        """
        began_wh = {series.name: self._interval_began_wh[evse.evse_id, series] for series in _OF_TRANSACTION}
        return {"began_wh": began_wh, "key_due": self._signer.key_due(evse)}

    def resume(self, evse: Evse, kept: Payload) -> None:
        """Go on with what `to_json` has told after a power cycle."""
        for name, began_wh in kept["began_wh"].items():
            self._interval_began_wh[evse.evse_id, _Series[name]] = began_wh
        if kept["key_due"]:
            self._signer.begin(evse)

    def _take(self, evse: Evse, measurands: Variable[tuple[str, ...]], context: str, series: _Series) -> list[Payload]:
        aligned = series in _ALIGNED
        if not self._variables[ALIGNED_DATA_ENABLED if aligned else SAMPLED_DATA_ENABLED]:
            return []
        now, key = self._clock.now(), (evse.evse_id, series)
        reading = evse.meter.read(since_wh=self._interval_began_wh.get(key))
        if context != _OUT_OF_TURN:
            self._interval_began_wh[key] = reading.energy_wh
        signs = self._variables[ALIGNED_DATA_SIGN_READINGS if aligned else SAMPLED_DATA_SIGN_READINGS]
        wanted: tuple[str, ...] = self._variables[measurands]
        taken = meter_value(
            reading,
            date_time.to_wire(now),
            wanted,
            context,
            self._signer.for_reading(evse, now, context) if signs else None,
        )
        return [] if taken is None else [taken]

    def _interval_s(self, interval_s: int) -> float:
        return interval_s if interval_s > 0 and self._variables[SAMPLED_DATA_ENABLED] else math.inf

    def _aligned(self, interval_s: int) -> int | None:
        return interval_s if interval_s > 0 and self._variables[ALIGNED_DATA_ENABLED] else None
