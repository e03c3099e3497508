"""B Provisioning: who may speak when, and BootNotification (B01 to B03)."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import partial
from typing import Final

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.errands import Call
from csms.blocks.lifecycle import State, Step, after
from csms.device_model import DeviceModels
from csms.registry import Registration
from csms.reports import FULL_INVENTORY
from csms.store import Change
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import CallRefused, OcppError, SecurityError

log = logging.getLogger()  # the story of each station is what people watch, so it is told under no module's name

# What a request allows a Pending station to send (B02.FR.02); for TriggerMessage see MessageTriggerEnumType.
_REPORTS: Final[Mapping[str, str]] = {"GetBaseReport": "NotifyReport", "GetReport": "NotifyReport"}
_TRIGGERED: Final[Mapping[str, str]] = {
    "SignChargingStationCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
}
_OF_EACH_EVSE: Final = frozenset({"MeterValues", "TransactionEvent"})  # where no EVSE is named (F06.FR.11)


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
    """Remember what a request of ours asks the station to send: a report, or what a Pending one may (B02.FR.02)."""
    if action in _REPORTS:
        station_id = conversation.station.station_id
        conversation.device_models.report_requested(station_id, request["requestId"], request.get("reportBase"))
    if conversation.state is not State.PENDING:
        return
    if action == "TriggerMessage":
        triggered, times = _triggered(request)
        conversation.asked_for[triggered] = conversation.asked_for.get(triggered, 0) + times
    elif action in _REPORTS:
        conversation.asked_for[_REPORTS[action]] = math.inf  # it has as many parts as it takes


def note_served(conversation: Conversation, action: str) -> None:
    """What a Pending station was asked to send has come: it may send it no more often than it was asked."""
    left = conversation.asked_for.get(action)
    if left is not None:
        if left > 1:
            conversation.asked_for[action] = left - 1
        else:
            del conversation.asked_for[action]


async def after_trigger_message(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """One that the station does not follow (F06.FR.05, F06.FR.08) allows it nothing."""
    is_declined = isinstance(answer, CallRefused) or (isinstance(answer, dict) and answer["status"] != "Accepted")
    if is_declined:
        note_served(conversation, _triggered(request)[0])


def _triggered(request: Payload) -> tuple[str, float]:
    """Which message a TriggerMessage asks for, and how many of them."""
    requested = request["requestedMessage"]
    is_of_all = requested in _OF_EACH_EVSE and "evse" not in request
    if requested == "StatusNotification":  # of one connector, or of as many as the station likes (F06.FR.12)
        is_of_all = "connectorId" not in request.get("evse", ())
    return _TRIGGERED.get(requested, requested), math.inf if is_of_all else 1


async def boot_notification(conversation: Conversation, request: Payload) -> Payload:
    """Answer as the station's registration says (B01.FR.02, B02, B03); for `interval` see B01.FR.04 and B02.FR.08.

    One that is Pending is asked for its base report behind the answer (B02.FR.01, B07.FR.14), unless that is here.
    """
    station = conversation.station
    station_id = station.station_id
    registration = station.registration
    is_accepted = registration is Registration.ACCEPTED
    boot = _without_custom_data(request["chargingStation"])
    now = conversation.clock.now()
    told = {
        "status": registration.value,
        "reason": request["reason"],
        "model": boot["model"],
        "vendor_name": boot["vendorName"],
        "firmware_version": boot.get("firmwareVersion"),
    }
    changes: list[Change] = [conversation.events.change("station.booted", station_id, told)]
    if station.boot not in ({}, boot):
        changes += conversation.device_models.forget_inventory(station_id)
    write = conversation.registry.update
    if is_accepted:
        write = conversation.registry.booted
        changes.append(conversation.device_models.rebooted(station_id))
    await write(station, *changes, accepted=is_accepted, boot=boot, booted_at=now, reset=None)
    if station.registration is not registration:  # an operator has decided otherwise meanwhile
        return await boot_notification(conversation, request)
    conversation.asked_for.clear()
    if conversation.device_models.expects_report(station_id):
        conversation.asked_for["NotifyReport"] = math.inf  # to boot again, as it must, does not end the report
    await conversation.reservations.station_booted(station_id)
    take_step(conversation, Step(registration), "BootNotification")
    if is_accepted:
        conversation.boot_retries.release(station_id)
        interval_s = conversation.heartbeat_interval_s
    else:
        seconds = int(conversation.clock.now().timestamp())
        interval_s = conversation.boot_retries.interval_s(station_id, seconds, conversation.boot_retry_interval_s)
    if registration is Registration.PENDING and conversation.device_models.needs_inventory(station_id):
        conversation.errands.add(partial(_ask_for_inventory, conversation.device_models))
    return {
        "currentTime": to_wire(conversation.clock.now()),
        "interval": interval_s,
        "status": registration.value,
    }


async def _ask_for_inventory(device_models: DeviceModels, call: Call) -> None:
    await call("GetBaseReport", {"requestId": device_models.new_request_id(), "reportBase": FULL_INVENTORY})


def _without_custom_data(value: Payload) -> Payload:
    """A station's description is kept as long as the station; customData may be of any size, and is for nobody here."""
    return {
        name: _without_custom_data(field) if isinstance(field, dict) else field
        for name, field in value.items()
        if name != "customData"
    }


def take_step(conversation: Conversation, step: Step, action: str) -> None:
    """Move the station on in its lifecycle, and tell when that changed anything."""
    before, conversation.state = conversation.state, after(conversation.state, step)
    if conversation.state is not before:
        log.info(
            "%s: state transition : %s -> %s -> %s",
            conversation.station.station_id, before, action, conversation.state,
        )  # fmt: skip
