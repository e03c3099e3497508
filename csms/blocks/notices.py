"""What a station merely tells, of whichever block: it is acknowledged, and the message log shows it."""

from __future__ import annotations

from typing import Final

from csms.blocks.conversation import Conversation, Payload

NOTICES: Final = (
    "ClearedChargingLimit",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyMonitoringReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "SecurityEventNotification",
)


async def acknowledge(_conversation: Conversation, _request: Payload) -> Payload:
    """The response of each of NOTICES is empty."""
    return {}
