"""Tells the CSMS of each connector and that the station is alive, and answers ChangeAvailability."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal, NotRequired, TypedDict, cast

from shared.clock import TrioClock
from shared.ocppj import date_time
from shared.ocppj.errors import CallFailed, CallRefused, CallTimedOut, ConnectionLost
from station.blocks.availability.changes import Changes
from station.blocks.block import Block, Handler
from station.blocks.reservation import Reservations
from station.device_model import HEARTBEAT_INTERVAL, OFFLINE_THRESHOLD, DeviceModel, follows_csms
from station.hardware import Connector, Evse, Hardware
from station.outgoing import Outgoing, Payload

ConnectorStatus = Literal["Available", "Occupied", "Reserved", "Unavailable", "Faulted"]

UNANSWERED_PAUSE_S: Final = 30.0
"""Before a status that the CSMS left unanswered is reported again, so that other messages have their turn."""
HEARTBEAT_AT_LEAST_EVERY_S: Final = 24 * 3600.0  # G02.FR.07


class EvseType(TypedDict):
    id: int
    connectorId: NotRequired[int]


class ChangeAvailabilityRequest(TypedDict):
    operationalStatus: Literal["Operative", "Inoperative"]
    evse: NotRequired[EvseType]


class HeartbeatResponse(TypedDict):
    currentTime: str


def connector_status(connector: Connector, *, in_use: bool, reserved: bool) -> ConnectorStatus:
    """The one status of a connector (G01.FR.01).

    in_use: neither it nor its EVSE nor the station is switched off. reserved: its EVSE is held for a reservation: then
    a plugged-in vehicle changes nothing (G01.FR.09, G03.FR.09).
    """
    if connector.faulted:
        return "Faulted"  # G03.FR.06: of an inoperative EVSE, all but the faulted connectors are Unavailable
    if not in_use:
        return "Unavailable"
    if reserved:
        return "Reserved"
    return "Occupied" if connector.plugged_in else "Available"


class Availability(Block):
    """Reports a connector whenever what the CSMS was told last is not how it is, so that nothing can be forgotten."""

    def __init__(
        self,
        hardware: Hardware,
        reservations: Reservations,
        variables: DeviceModel,
        clock: TrioClock,
        changes: Changes,
        *,
        monotonic: Callable[[], float],
        closed: Callable[[int], bool] = lambda _: False,
    ) -> None:
        """closed: tells of an EVSE by its id whether it takes nobody new for now."""
        self._hardware = hardware
        self._reservations = reservations
        self._variables = variables
        self._clock = clock
        self._changes = changes
        self._monotonic = monotonic
        self._closed = closed
        self._reported: dict[Connector, ConnectorStatus] = {}
        self._report_not_before = -math.inf
        self._last_sent_at = -math.inf
        self._last_clock_sync_at = -math.inf

    def status(self, evse: Evse, connector: Connector) -> ConnectorStatus:
        """How a connector is now."""
        return connector_status(
            connector,
            in_use=self._hardware.in_use(evse, connector) and not self._closed(evse.evse_id),
            reserved=evse.evse_id in self._reservations.held,
        )

    def report_all(self) -> None:
        """The CSMS has to be told of every connector, for it has just accepted the station (B01.FR.05)."""
        self._reported.clear()

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"ChangeAvailability": self.change_availability}

    def hardware_changed(self) -> None:
        self._changes.hardware_changed()

    def tick(self) -> bool:
        return self._changes.settle()

    def connected(self, offline_s: float | None) -> None:
        """After a long time all connectors are reported, else those that have changed (B04)."""
        if offline_s is not None and offline_s > self._variables[OFFLINE_THRESHOLD]:
            self.report_all()

    def sending(self, action: str) -> None:
        """The station is about to send a CALL: the heartbeat may wait as long again (G02.FR.05, G02.FR.07)."""
        self._last_sent_at = self._monotonic()
        if action in {"BootNotification", "Heartbeat"}:
            self._last_clock_sync_at = self._last_sent_at

    def next_call(self) -> Outgoing | None:
        """A StatusNotification for a connector that is not as was reported, or a Heartbeat when it is time for one."""
        if self._monotonic() >= self._report_not_before:
            for evse, connector in self._hardware.connectors():
                if self._reported.get(connector) != self.status(evse, connector):
                    return self.status_notification(evse, connector)
        if self._monotonic() >= self._heartbeat_at():
            return self.heartbeat()
        return None

    def due_at(self) -> float:
        """When the next heartbeat is due, or the next attempt at a report."""
        if self._monotonic() < self._report_not_before:
            return min(self._report_not_before, self._heartbeat_at())
        return self._heartbeat_at()

    def status_notification(self, evse: Evse, connector: Connector) -> Outgoing:
        """A report of how the connector is now."""
        status = self.status(evse, connector)

        def answered(_: Payload) -> None:
            self._reported[connector] = status

        def failed(failure: CallFailed) -> None:
            match failure:
                case ConnectionLost() | CallRefused(code="SecurityError"):
                    pass  # reported again when the station is connected or registered again
                case CallTimedOut():
                    self._report_not_before = self._monotonic() + UNANSWERED_PAUSE_S
                case _:
                    self._reported[connector] = status  # it has arrived; saying it again will not help

        payload: Payload = {
            "timestamp": date_time.to_wire(self._clock.now()),
            "connectorStatus": status,
            "evseId": evse.evse_id,
            "connectorId": connector.connector_id,
        }
        return Outgoing("StatusNotification", payload, answered, failed)

    def heartbeat(self) -> Outgoing:
        """A Heartbeat, whose answer sets the clock where the CSMS is its source (G02.FR.06)."""

        def answered(payload: Payload) -> None:
            if follows_csms(self._variables):
                self._clock.set(date_time.from_wire(cast(HeartbeatResponse, payload)["currentTime"]))

        def failed(_: CallFailed) -> None:
            """The next one comes in an interval."""

        return Outgoing("Heartbeat", {}, answered, failed)

    def change_availability(self, request: ChangeAvailabilityRequest) -> Payload:
        """Answer ChangeAvailability for a connector, an EVSE or the station (G03, G04).

        Accepted as well where nothing changes (G03.FR.03); Scheduled while a transaction is ongoing there (G03.FR.05).
        """
        evse_type = request.get("evse")
        path = [] if evse_type is None else [evse_type["id"]]
        if evse_type is not None and "connectorId" in evse_type:
            path.append(evse_type["connectorId"])
        return {"status": self._changes.request(path, operative=request["operationalStatus"] == "Operative")}

    def _heartbeat_at(self) -> float:
        interval_s = self._variables[HEARTBEAT_INTERVAL]
        return min(self._last_sent_at + interval_s, self._last_clock_sync_at + HEARTBEAT_AT_LEAST_EVERY_S)
