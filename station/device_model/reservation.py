"""Variables of reservations (Part 2 §2.8)."""

from __future__ import annotations

from typing import Final

from station.device_model.data_types import Boolean
from station.device_model.variable import Variable

_RESERVATION: Final = "ReservationCtrlr"
_FLAG: Final = Boolean()

RESERVATION_AVAILABLE: Final = Variable(
    _RESERVATION, "Available", _FLAG, default=True, mutability="ReadOnly", constant=True
)
RESERVATION_ENABLED: Final = Variable(_RESERVATION, "Enabled", _FLAG, default=True)
RESERVATION_NON_EVSE_SPECIFIC: Final = Variable(
    _RESERVATION, "NonEvseSpecific", _FLAG, default=True, mutability="ReadOnly", constant=True
)
