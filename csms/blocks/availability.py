"""G Availability: what connectors report (G01), and Heartbeat (G02)."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.lifecycle import Step
from csms.blocks.provisioning import take_step
from csms.registry import ConnectorStatus
from shared.ocppj.date_time import from_wire, to_wire


async def heartbeat(conversation: Conversation, _request: Payload) -> Payload:
    """Tell the time (G02.FR.02)."""
    return {"currentTime": to_wire(conversation.clock.now())}


async def status_notification(conversation: Conversation, request: Payload) -> Payload:
    """Keep the status of a connector (G01)."""
    status = ConnectorStatus(request["connectorStatus"], from_wire(request["timestamp"]))
    await _report(conversation, request["evseId"], request["connectorId"], status, "StatusNotification")
    return {}


async def notify_event(conversation: Conversation, request: Payload) -> Payload:
    """Keep the statuses that come as events of Connector.AvailabilityState (G01.FR.03 and others)."""
    for event in request["eventData"]:
        evse = event["component"].get("evse", {})
        if (
            event["component"]["name"] == "Connector"
            and event["variable"]["name"] == "AvailabilityState"
            and "connectorId" in evse
        ):
            status = ConnectorStatus(event["actualValue"], from_wire(event["timestamp"]))
            await _report(conversation, evse["id"], evse["connectorId"], status, "NotifyEvent")
    return {}


async def _report(
    conversation: Conversation, evse_id: int, connector_id: int, status: ConnectorStatus, action: str
) -> None:
    station = conversation.station
    station.connectors[evse_id, connector_id] = status
    await conversation.reservations.connector_reported(station.station_id, evse_id, status.status)
    take_step(conversation, Step.STATUS_REPORTED, action)
