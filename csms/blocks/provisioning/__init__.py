"""B Provisioning: who may speak when, boot, reset, variables and reports (B01 to B12)."""

from csms.blocks.provisioning.boot import (
    admit,
    after_trigger_message,
    boot_notification,
    may_be_called,
    note_request,
    note_served,
    take_step,
)
from csms.blocks.provisioning.inventory import after_report_request, notify_report
from csms.blocks.provisioning.reset import after_reset
from csms.blocks.provisioning.stagger import BootRetries
from csms.blocks.provisioning.variables import after_get_variables, after_set_variables

__all__ = [
    "BootRetries",
    "admit",
    "after_get_variables",
    "after_report_request",
    "after_reset",
    "after_set_variables",
    "after_trigger_message",
    "boot_notification",
    "may_be_called",
    "note_request",
    "note_served",
    "notify_report",
    "take_step",
]
