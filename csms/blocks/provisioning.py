"""B Provisioning: who may speak when, and BootNotification (B01 to B03)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.lifecycle import State, Step, after
from csms.registry import Registration
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import SecurityError

log = logging.getLogger()  # the story of each station is what people watch, so it is told under no module's name

# What a request allows a Pending station to send (B02.FR.02); for TriggerMessage see MessageTriggerEnumType.
_REPORTS: Final[Mapping[str, str]] = {"GetBaseReport": "NotifyReport", "GetReport": "NotifyReport"}
_TRIGGERED: Final[Mapping[str, str]] = {
    "SignChargingStationCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
}


def admit(conversation: Conversation, action: str) -> None:
    """Raise SecurityError for a CALL that its station may not send yet (B01.FR.10, B02.FR.09, B03.FR.07)."""
    state = conversation.state
    if state.is_accepted or action == "BootNotification":
        return
    if state is State.PENDING and action in conversation.asked_for:
        return
    if state is State.OFF:
        raise SecurityError("Send BootNotification first")
    raise SecurityError(f"BootNotification was answered {state}: wait for the interval, then send it again")


def may_be_called(state: State) -> bool:
    """Whether the CSMS may send a CALL: to anyone but a station it has Rejected (B03.FR.03)."""
    return state is not State.REJECTED


def note_request(conversation: Conversation, action: str, request: Payload) -> None:
    """Remember what a request of ours asks a Pending station to send (B02.FR.02)."""
    if conversation.state is not State.PENDING:
        return
    if action == "TriggerMessage":
        requested = request["requestedMessage"]
        conversation.asked_for.add(_TRIGGERED.get(requested, requested))
    elif action in _REPORTS:
        conversation.asked_for.add(_REPORTS[action])


async def boot_notification(conversation: Conversation, request: Payload) -> Payload:
    """Answer as the station's registration says (B01.FR.02, B02, B03); for `interval` see B01.FR.04 and B02.FR.08."""
    station = conversation.station
    station.boot = request["chargingStation"]
    registration = station.registration
    station.accepted = registration is Registration.ACCEPTED
    if station.accepted:
        station.connectors.clear()  # all of them are reported again (B01.FR.05)
    conversation.asked_for.clear()
    await conversation.reservations.station_booted(station.station_id)
    take_step(conversation, Step(registration), "BootNotification")
    return {
        "currentTime": to_wire(conversation.clock.now()),
        "interval": (conversation.heartbeat_interval_s if station.accepted else conversation.boot_retry_interval_s),
        "status": registration.value,
    }


def take_step(conversation: Conversation, step: Step, action: str) -> None:
    """Move the station on in its lifecycle, and tell when that changed anything."""
    before, conversation.state = conversation.state, after(conversation.state, step)
    if conversation.state is not before:
        log.info(
            "%s: state transition : %s -> %s -> %s",
            conversation.station.station_id, before, action, conversation.state,
        )  # fmt: skip
