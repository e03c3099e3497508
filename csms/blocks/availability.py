"""G Availability: what connectors report (G01), and Heartbeat (G02)."""

from __future__ import annotations

from typing import Final

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.lifecycle import Step
from csms.blocks.provisioning import take_step
from csms.registry import ConnectorStatus
from shared.ocppj.date_time import from_wire, to_wire
from shared.ocppj.errors import PropertyConstraintViolation

_STATUSES: Final = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})  # ConnectorStatusEnumType
MOST_CONNECTORS: Final = 1000  # of one station: what it reports is kept, and must not grow without end


async def heartbeat(conversation: Conversation, _request: Payload) -> Payload:
    """Tell the time (G02.FR.03)."""
    return {"currentTime": to_wire(conversation.clock.now())}


async def status_notification(conversation: Conversation, request: Payload) -> Payload:
    """Keep the status of a connector (G01)."""
    status = ConnectorStatus(request["connectorStatus"], from_wire(request["timestamp"]))
    _report(conversation, request["evseId"], request["connectorId"], status, "StatusNotification")
    return {}


async def notify_event(conversation: Conversation, request: Payload) -> Payload:
    """Keep the statuses that come as events of Connector.AvailabilityState (G01.FR.03 and others)."""
    for event in request["eventData"]:
        evse = event["component"].get("evse", {})
        if _tells_availability(event) and "connectorId" in evse:
            status = ConnectorStatus(event["actualValue"], from_wire(event["timestamp"]))
            _report(conversation, evse["id"], evse["connectorId"], status, "NotifyEvent")
    return {}


def _tells_availability(event: Payload) -> bool:
    """Whether an event is about a connector's status; the schema does not look at what stands in actualValue."""
    names = (event["component"]["name"].lower(), event["variable"]["name"].lower())  # identifierString: in any case
    return names == ("connector", "availabilitystate") and event["actualValue"] in _STATUSES


def _report(conversation: Conversation, evse_id: int, connector_id: int, status: ConnectorStatus, action: str) -> None:
    station = conversation.station
    if (evse_id, connector_id) not in station.connectors and len(station.connectors) >= MOST_CONNECTORS:
        raise PropertyConstraintViolation(f"More than {MOST_CONNECTORS} connectors of one charging station")
    station.connectors[evse_id, connector_id] = status
    conversation.reservations.connector_reported(station.station_id, evse_id, status.status)
    take_step(conversation, Step.STATUS_REPORTED, action)
