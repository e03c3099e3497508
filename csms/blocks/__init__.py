"""The functional blocks of OCPP, seen from the CSMS: which function serves which action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from csms.blocks import (
    authorization,
    availability,
    data_transfer,
    meter_values,
    notices,
    provisioning,
    reservation,
    transactions,
)
from csms.blocks.conversation import Conversation, Handler, Outcome, Payload

HANDLERS: Final[Mapping[str, Handler]] = {
    "BootNotification": provisioning.boot_notification,
    "Authorize": authorization.authorize,
    "TransactionEvent": transactions.transaction_event,
    "MeterValues": meter_values.meter_values,
    "Heartbeat": availability.heartbeat,
    "StatusNotification": availability.status_notification,
    "NotifyEvent": availability.notify_event,
    "NotifyReport": provisioning.notify_report,
    "ReservationStatusUpdate": reservation.reservation_status_update,
    "DataTransfer": data_transfer.data_transfer,
    **dict.fromkeys(notices.NOTICES, notices.acknowledge),
}
"""What a station may send."""

OUTCOMES: Final[Mapping[str, Outcome]] = {
    "ReserveNow": reservation.after_reserve_now,
    "CancelReservation": reservation.after_cancel_reservation,
    "ChangeAvailability": availability.after_change_availability,
    "GetBaseReport": provisioning.after_report_request,
    "GetReport": provisioning.after_report_request,
    "GetVariables": provisioning.after_get_variables,
    "SetVariables": provisioning.after_set_variables,
    "Reset": provisioning.after_reset,
}
"""What the CSMS learns from the answer to a request of its own, whoever asked for it."""

__all__ = ["HANDLERS", "OUTCOMES", "Conversation", "Handler", "Outcome", "Payload"]
