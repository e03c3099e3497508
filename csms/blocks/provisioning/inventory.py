"""B Provisioning: the reports of a station's variables (B07, B08)."""

from __future__ import annotations

import logging

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.numbers import check_integers
from csms.registry import Registration
from shared.ocppj.errors import CallRefused, OcppError

log = logging.getLogger()  # the story of each station is what people watch, so it is told under no module's name


async def notify_report(conversation: Conversation, request: Payload) -> Payload:
    """Keep a part of a report (B07.FR.03, B08.FR.03); the station may be accepted for it, see Conversation."""
    check_integers(request, "requestId", "seqNo")
    for data in request.get("reportData", ()):
        check_integers(data["component"].get("evse", {}), "id", "connectorId")
    station = conversation.station
    report = await conversation.device_models.part_received(station, request)
    if report.is_complete and not conversation.device_models.expects_report(station.station_id):
        conversation.asked_for.pop("NotifyReport", None)
    if (
        conversation.accepts_after_report
        and station.registration is Registration.PENDING
        and report.is_full_inventory
        and report.is_complete
    ):
        await conversation.registry.update(station, registration=Registration.ACCEPTED)
        log.info("%s: its base report is complete, so its next boot will be accepted", station.station_id)
    return {}


async def after_report_request(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """Whether the report comes (B07.FR.01, .02, .13; B08.FR.01, .02, .15, .16), after GetBaseReport or GetReport."""
    if isinstance(answer, CallRefused):
        status = "CallError"
    elif isinstance(answer, OcppError):  # it may come all the same
        return
    else:
        status = answer["status"]
    if status != "Accepted":
        conversation.asked_for.pop("NotifyReport", None)  # B07.FR.05
    await conversation.device_models.report_answered(conversation.station, request["requestId"], status)
