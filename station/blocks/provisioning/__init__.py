"""B Provisioning: registration (B01-B03), variables (B05, B06), reports (B07, B08), network (B09, B10), reset."""

from station.blocks.provisioning.network_profile import NetworkProfileSettings
from station.blocks.provisioning.registration import (
    NEXT,
    OWN_RETRY_INTERVAL_S,
    BootReason,
    Provisioning,
    Registration,
    Verdict,
    may_send,
)
from station.blocks.provisioning.reports import Reports
from station.blocks.provisioning.reset import Resets, Transactions
from station.blocks.provisioning.variables import Variables

__all__ = [
    "NEXT",
    "OWN_RETRY_INTERVAL_S",
    "BootReason",
    "NetworkProfileSettings",
    "Provisioning",
    "Registration",
    "Reports",
    "Resets",
    "Transactions",
    "Variables",
    "Verdict",
    "may_send",
]
