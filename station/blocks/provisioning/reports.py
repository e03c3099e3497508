"""Reports of the device model, in as many NotifyReports as it takes, one report at a time (B07, B08)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NotRequired, TypedDict

from shared.clock import Clock
from shared.ocppj import date_time
from shared.ocppj.errors import CallFailed, CallTimedOut, ConnectionLost
from station.blocks.block import Block, Handler
from station.blocks.provisioning.sizes import check_size
from station.device_model import BYTES_PER_MESSAGE_GET_REPORT, ITEMS_PER_MESSAGE_GET_REPORT, DeviceModel
from station.device_model.model import Row
from station.device_model.report import base_report, custom_report, report_data
from station.device_model.wire import ComponentVariable, Criterion, ReportBase
from station.outgoing import Outgoing, Payload

log = logging.getLogger()

ROWS_IN_A_MESSAGE: Final = 40
"""Some ten kilobytes."""
ATTEMPTS: Final = 3
"""How often a part that is left unanswered is sent, before the report is given up."""
UNANSWERED_PAUSE_S: Final = 30.0
"""Before it is sent again, so that other messages have their turn."""


class GetBaseReportRequest(TypedDict):
    requestId: int
    reportBase: ReportBase


class GetReportRequest(TypedDict):
    requestId: int
    componentCriteria: NotRequired[list[Criterion]]
    componentVariable: NotRequired[list[ComponentVariable]]


@dataclass(slots=True)
class _Report:
    request_id: int
    rows: list[Row]  # what is still to be sent
    seq_no: int = 0
    unanswered: int = 0
    not_before: float = -math.inf
    asked_for_here: bool = True  # on the connection there is


class Reports(Block):
    """Tells the CSMS what it asks for."""

    def __init__(
        self,
        identity: str,
        variables: DeviceModel,
        clock: Clock,
        *,
        monotonic: Callable[[], float],
        known: Callable[[], bool],
    ) -> None:
        """known: whether the CSMS that the station is connected to has heard of it, maybe on another connection."""
        self._identity = identity
        self._variables = variables
        self._clock = clock
        self._monotonic = monotonic
        self._known = known
        self._report: _Report | None = None

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"GetBaseReport": self.get_base_report, "GetReport": self.get_report}

    def get_base_report(self, request: GetBaseReportRequest) -> Payload:
        """Answer GetBaseReport (B07); Rejected while another report is on its way (B07.FR.13).

        What is left of one that was asked for on a connection that was lost gives way.
        """
        if self._busy_with is not None:
            return _busy(self._busy_with)
        self._report = _Report(request["requestId"], base_report(self._variables, request["reportBase"]))
        return {"status": "Accepted"}

    def get_report(self, request: GetReportRequest) -> Payload:
        """Answer GetReport (B08); EmptyResultSet where nothing is as wanted, Rejected as for a base report."""
        wanted = request.get("componentVariable", [])
        check_size(
            request,
            wanted,
            self._variables,
            most_items=ITEMS_PER_MESSAGE_GET_REPORT,
            most_bytes=BYTES_PER_MESSAGE_GET_REPORT,
        )
        if self._busy_with is not None:
            return _busy(self._busy_with)  # B08.FR.16
        rows = custom_report(self._variables, request.get("componentCriteria", []), wanted)
        if not rows:
            return {"status": "EmptyResultSet"}  # B08.FR.15
        self._report = _Report(request["requestId"], rows)
        return {"status": "Accepted"}

    def next_call(self) -> Outgoing | None:
        """The next part of the report. It is sent to a CSMS that has not yet accepted the station, too (B02.FR.02)."""
        report = self._report
        if report is None or self._monotonic() < report.not_before:
            return None
        part, rest = report.rows[:ROWS_IN_A_MESSAGE], report.rows[ROWS_IN_A_MESSAGE:]

        def answered(_: Payload) -> None:
            report.rows, report.unanswered = rest, 0
            report.seq_no += 1
            if not rest and self._report is report:
                self._report = None

        def failed(failure: CallFailed) -> None:
            if isinstance(failure, ConnectionLost):
                return  # it goes on when the station is connected again (B07.FR.03, B08.FR.03)
            report.unanswered += 1
            report.not_before = self._monotonic() + UNANSWERED_PAUSE_S
            if report.unanswered == ATTEMPTS or not isinstance(failure, CallTimedOut):
                self._give_up(report)

        payload: Payload = {
            "requestId": report.request_id,
            "generatedAt": date_time.to_wire(self._clock.now()),
            "tbc": bool(rest),
            "seqNo": report.seq_no,
            "reportData": report_data(self._variables, part),
        }
        return Outgoing("NotifyReport", payload, answered, failed, asked_for=True)

    def due_at(self) -> float:
        return math.inf if self._report is None else self._report.not_before

    def connected(self, offline_s: float | None) -> None:  # noqa: ARG002  # the block's interface
        """A CSMS that does not know the station yet has not asked it for a report (B02.FR.02)."""
        if self._report is not None and not self._known():
            self._give_up(self._report)

    def disconnected(self) -> None:
        """The report goes on with the next connection, unless another is asked for on that."""
        if self._report is not None:
            self._report.asked_for_here = False

    @property
    def _busy_with(self) -> _Report | None:
        return self._report if self._report is not None and self._report.asked_for_here else None

    def _give_up(self, report: _Report) -> None:
        if self._report is report:
            log.warning("%s: report %d breaks off at part %d", self._identity, report.request_id, report.seq_no)
            self._report = None


def _busy(report: _Report) -> Payload:
    info = {"reasonCode": "Unspecified", "additionalInfo": f"report {report.request_id} is on its way"}
    return {"status": "Rejected", "statusInfo": info}
