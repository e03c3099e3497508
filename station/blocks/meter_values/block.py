"""Clock-aligned meter values outside of transactions (J01), and those that the CSMS asks for (F06)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from shared.clock import Clock
from shared.ocppj.errors import CallFailed
from station.blocks.block import Block
from station.blocks.meter_values.aligned import Aligned
from station.blocks.meter_values.sampling import Sampling
from station.device_model import ALIGNED_DATA_SEND_DURING_IDLE, DeviceModel
from station.hardware import Evse, Hardware
from station.outgoing import Outgoing, Payload

REPORTS_KEPT: Final = 64
"""MeterValues that wait to be sent; beyond, the oldest are dropped. They are not queued while offline."""


class MeterValues(Block):
    """Reports of EVSEs that no transaction is ongoing on."""

    def __init__(
        self,
        hardware: Hardware,
        variables: DeviceModel,
        clock: Clock,
        sampling: Sampling,
        *,
        monotonic: Callable[[], float],
        online: Callable[[], bool],
        ongoing: Callable[[int | None], bool],
    ) -> None:
        """ongoing: whether a transaction is, on this EVSE or on any."""
        self._hardware = hardware
        self._variables = variables
        self._clock = clock
        self._sampling = sampling
        self._monotonic = monotonic
        self._online = online
        self._ongoing = ongoing
        self._reports: list[Payload] = []
        self._aligned = Aligned(lambda: sampling.aligned_interval_s)

    def report(self, evse: Evse, context: str = "Trigger") -> Outgoing | None:
        """A MeterValues with how things are at this EVSE, None when it has nothing to show."""
        values = self._sampling.aligned(evse, context)
        return _outgoing({"evseId": evse.evse_id, "meterValue": values}) if values else None

    def tick(self) -> bool:
        """Take the samples of this interval, where it is full (J01.FR.14)."""
        if not self._aligned.is_due(self._clock.now()):
            return False
        for evse in self._idle():
            values = self._sampling.aligned(evse)
            if values and self._online():
                self._reports.append({"evseId": evse.evse_id, "meterValue": values})
                del self._reports[:-REPORTS_KEPT]
        return True

    def tick_at(self) -> float:
        return self._monotonic() + self._aligned.wait_s(self._clock.now())

    def disconnected(self) -> None:
        """They are not queued: the next ones come at the next full interval."""
        self._reports.clear()

    def next_call(self) -> Outgoing | None:
        if not self._reports:
            return None
        report = self._reports[0]

        def over() -> None:
            if self._reports and self._reports[0] is report:
                del self._reports[0]

        return _outgoing(report, over)

    def _idle(self) -> Iterable[Evse]:
        if self._variables[ALIGNED_DATA_SEND_DURING_IDLE] and self._ongoing(None):  # J01.FR.20
            return []
        return [evse for evse in self._hardware.evses if not self._ongoing(evse.evse_id)]


def _outgoing(payload: Payload, over: Callable[[], object] = lambda: None) -> Outgoing:
    def answered(_: Payload) -> None:
        over()

    def failed(_: CallFailed) -> None:
        over()

    return Outgoing("MeterValues", payload, answered, failed)
