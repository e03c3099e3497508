"""Functions this station does not have, so that a CSMS need not try (Part 2 §2.5, §2.9 to §2.12)."""

from __future__ import annotations

from typing import Final

from station.device_model.data_types import Boolean
from station.device_model.variable import Variable

_FLAG: Final = Boolean()

DISPLAY_MESSAGE_AVAILABLE: Final = Variable(
    "DisplayMessageCtrlr", "Available", _FLAG, default=False, mutability="ReadOnly", constant=True
)
LOCAL_AUTH_LIST_AVAILABLE: Final = Variable(
    "LocalAuthListCtrlr", "Available", _FLAG, default=False, mutability="ReadOnly", constant=True
)
MONITORING_AVAILABLE: Final = Variable(
    "MonitoringCtrlr", "Available", _FLAG, default=False, mutability="ReadOnly", constant=True
)
SMART_CHARGING_AVAILABLE: Final = Variable(
    "SmartChargingCtrlr", "Available", _FLAG, default=False, mutability="ReadOnly", constant=True
)
TARIFF_AVAILABLE: Final = Variable(
    "TariffCostCtrlr", "Available", _FLAG, default=False, instance="Tariff", mutability="ReadOnly", constant=True
)
COST_AVAILABLE: Final = Variable(
    "TariffCostCtrlr", "Available", _FLAG, default=False, instance="Cost", mutability="ReadOnly", constant=True
)
