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
    remote_control,
    reservation,
    security,
    transactions,
)
from csms.blocks.conversation import Conversation, Handler, Intent, Outcome, Payload

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

INTENTS: Final[Mapping[str, Intent]] = {
    "ReserveNow": reservation.before_reserve_now,
    "RequestStartTransaction": remote_control.before_request_start_transaction,
    "SetVariables": security.before_set_variables,
}
"""What the CSMS keeps of a request of its own before it is sent, whoever asked for it."""

OUTCOMES: Final[Mapping[str, Outcome]] = {
    "ReserveNow": reservation.after_reserve_now,
    "CancelReservation": reservation.after_cancel_reservation,
    "RequestStartTransaction": remote_control.after_request_start_transaction,
    "ChangeAvailability": availability.after_change_availability,
    "GetBaseReport": provisioning.after_report_request,
    "GetReport": provisioning.after_report_request,
    "GetVariables": provisioning.after_get_variables,
    "SetVariables": provisioning.after_set_variables,
    "Reset": provisioning.after_reset,
    "TriggerMessage": provisioning.after_trigger_message,
}
"""What the CSMS learns from what came of a request of its own, in time or late, whoever asked for it."""

__all__ = ["HANDLERS", "INTENTS", "OUTCOMES", "Conversation", "Handler", "Intent", "Outcome", "Payload"]
