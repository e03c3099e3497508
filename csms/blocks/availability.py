"""G Availability: what connectors report (G01), Heartbeat (G02), and what comes of ChangeAvailability (G03, G04)."""

from __future__ import annotations

import logging
from typing import Final

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.lifecycle import Step
from csms.blocks.numbers import check_integers
from csms.blocks.provisioning import take_step
from csms.registry import Availability, ConnectorStatus
from shared.ocppj.date_time import from_wire, to_wire
from shared.ocppj.errors import OcppError, PropertyConstraintViolation

log = logging.getLogger(__name__)

MOST_CONNECTORS: Final = 1000  # of one station: what it reports is kept, and must not grow without end
_STATUSES: Final = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})  # ConnectorStatusEnumType
_STATUS_SHOWN: Final = 50  # characters, in logs: what a station sends as a status may be anything
_AGREED: Final = frozenset({"Accepted", "Scheduled"})

Reports = dict[tuple[int, int], ConnectorStatus]


async def heartbeat(conversation: Conversation, _request: Payload) -> Payload:
    """Tell the time (G02.FR.03)."""
    return {"currentTime": to_wire(conversation.clock.now())}


async def status_notification(conversation: Conversation, request: Payload) -> Payload:
    """Keep the status of a connector (G01)."""
    check_integers(request, "evseId", "connectorId")
    reports: Reports = {}
    _add(conversation, reports, request["evseId"], request["connectorId"], request["connectorStatus"], request)
    await _keep(conversation, reports)
    take_step(conversation, Step.STATUS_REPORTED, "StatusNotification")
    return {}


async def notify_event(conversation: Conversation, request: Payload) -> Payload:
    """Keep the statuses that come as events of Connector.AvailabilityState (G01.FR.03 and others)."""
    reports: Reports = {}
    is_of_connectors = False
    for event in request["eventData"]:
        evse = event["component"].get("evse", {})
        if _tells_availability(event) and "connectorId" in evse:
            check_integers(evse, "id", "connectorId")
            is_of_connectors |= _add(
                conversation, reports, evse["id"], evse["connectorId"], event["actualValue"], event
            )
    if is_of_connectors:
        await _keep(conversation, reports)
        take_step(conversation, Step.STATUS_REPORTED, "NotifyEvent")
    return {}


def _tells_availability(event: Payload) -> bool:
    names = (event["component"]["name"].lower(), event["variable"]["name"].lower())  # identifierString: in any case
    return names == ("connector", "availabilitystate")


async def after_change_availability(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """Keep what the station agreed to (G03.FR.02, G04.FR.03): Scheduled is for after the transaction (G03.FR.05).

    It takes the place of what was said before of the same EVSEs and connectors.
    """
    if isinstance(answer, OcppError):
        return
    if answer["status"] not in _AGREED:
        return
    evse = request.get("evse", {})
    agreed = Availability(
        evse.get("id"),
        evse.get("connectorId"),
        request["operationalStatus"],
        answer["status"],
        to_wire(conversation.clock.now()),
    )
    station = conversation.station
    others = tuple(one for one in station.availability if not agreed.covers(one))
    await conversation.registry.update(station, availability=(*others, agreed))


def _add(
    conversation: Conversation, reports: Reports, evse_id: int, connector_id: int, status: str, source: Payload
) -> bool:
    """Add what `source` tells of a connector at its timestamp, unless something newer is known.

    False when it tells nothing: it names no status that a connector can have.
    """
    station = conversation.station
    if status not in _STATUSES:
        log.warning("%s: %r is no status of a connector", station.station_id, status[:_STATUS_SHOWN])
        return False
    report = ConnectorStatus(status, from_wire(source["timestamp"]), conversation.clock.now())
    key = evse_id, connector_id
    if key not in station.connectors and len(station.connectors | reports) >= MOST_CONNECTORS:
        raise PropertyConstraintViolation(f"More than {MOST_CONNECTORS} connectors of one charging station")
    known = reports.get(key) or station.connectors.get(key)
    if known is not None and report.held_at < known.held_at:
        log.info("%s: connector %d of EVSE %d was %s earlier, that is past", station.station_id, *reversed(key), status)
        return True
    reports[key] = report
    return True


async def _keep(conversation: Conversation, reports: Reports) -> None:
    """Keep what is new, and tell what has changed."""
    if not reports:
        return
    station = conversation.station
    told = [
        conversation.events.change(
            "connector.status",
            station.station_id,
            {
                "evse_id": evse_id,
                "connector_id": connector_id,
                "status": report.status,
                "timestamp": to_wire(report.timestamp),
            },
        )
        for (evse_id, connector_id), report in reports.items()
        if (known := station.connectors.get((evse_id, connector_id))) is None or known.status != report.status
    ]
    await conversation.registry.report(station, reports, *told)
    for (evse_id, _), report in reports.items():
        await conversation.reservations.connector_reported(station.station_id, evse_id, report.status)
