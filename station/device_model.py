"""The station's variables (OCPP 2.0.1 Part 2, appendix "Referenced components and variables")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Variable(Generic[Value]):
    """A variable of a component, and the value it has before anybody sets one."""

    component: str
    name: str
    default: Value
    instance: str | None = None


HEARTBEAT_INTERVAL: Final = Variable("OCPPCommCtrlr", "HeartbeatInterval", 300)  # s
MESSAGE_ATTEMPT_INTERVAL: Final = Variable(
    "OCPPCommCtrlr", "MessageAttemptInterval", 60, instance="TransactionEvent"
)  # s
MESSAGE_ATTEMPTS: Final = Variable("OCPPCommCtrlr", "MessageAttempts", 3, instance="TransactionEvent")
MESSAGE_TIMEOUT: Final = Variable("OCPPCommCtrlr", "MessageTimeout", 30, instance="Default")  # s
OFFLINE_THRESHOLD: Final = Variable("OCPPCommCtrlr", "OfflineThreshold", 60)  # s
RETRY_BACK_OFF_RANDOM_RANGE: Final = Variable("OCPPCommCtrlr", "RetryBackOffRandomRange", 3)  # s
RETRY_BACK_OFF_REPEAT_TIMES: Final = Variable("OCPPCommCtrlr", "RetryBackOffRepeatTimes", 4)
RETRY_BACK_OFF_WAIT_MINIMUM: Final = Variable("OCPPCommCtrlr", "RetryBackOffWaitMinimum", 2)  # s
WEB_SOCKET_PING_INTERVAL: Final = Variable("OCPPCommCtrlr", "WebSocketPingInterval", 30)  # s; 0: no pings
RESERVATION_AVAILABLE: Final = Variable("ReservationCtrlr", "Available", default=True)
RESERVATION_ENABLED: Final = Variable("ReservationCtrlr", "Enabled", default=True)
RESERVATION_NON_EVSE_SPECIFIC: Final = Variable("ReservationCtrlr", "NonEvseSpecific", default=True)


class DeviceModel:
    """The values of one station's variables."""

    def __init__(self) -> None:
        self._values: dict[Variable[Any], Any] = {}

    def __getitem__(self, variable: Variable[Value]) -> Value:
        value: Value = self._values.get(variable, variable.default)
        return value

    def __setitem__(self, variable: Variable[Value], value: Value) -> None:
        self._values[variable] = value
