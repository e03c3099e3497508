"""Variables of how the station talks to the CSMS, of its clock and of the device model (Part 2 §2.1; Part 4 §6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from station.device_model.data_types import Boolean, DateTime, Integer, MemberList, OptionList, SequenceList
from station.device_model.variable import Variable

NETWORK_SLOTS: Final = ("1", "2", "3")
"""The slots for network connection profiles (B09.FR.06: at least two)."""
_COMM: Final = "OCPPCommCtrlr"
_DATA: Final = "DeviceDataCtrlr"
_CLOCK: Final = "ClockCtrlr"
_FLAG: Final = Boolean()
_COUNT: Final = Integer()

ACTIVE_NETWORK_PROFILE: Final = Variable(
    _COMM, "ActiveNetworkProfile", _COUNT, default=1, mutability="ReadOnly", persistent=True
)
FILE_TRANSFER_PROTOCOLS: Final[Variable[tuple[str, ...]]] = Variable(
    _COMM,
    "FileTransferProtocols",
    MemberList(("FTP", "FTPS", "HTTP", "HTTPS", "SFTP")),
    default=(),
    mutability="ReadOnly",
    constant=True,
)
HEARTBEAT_INTERVAL: Final = Variable(_COMM, "HeartbeatInterval", Integer(least=1), default=300, unit="s")
MESSAGE_TIMEOUT: Final = Variable(
    _COMM, "MessageTimeout", Integer(least=1), default=30, instance="Default", unit="s", mutability="ReadOnly"
)
MESSAGE_ATTEMPTS: Final = Variable(_COMM, "MessageAttempts", Integer(least=1), default=3, instance="TransactionEvent")
MESSAGE_ATTEMPT_INTERVAL: Final = Variable(
    _COMM, "MessageAttemptInterval", _COUNT, default=60, instance="TransactionEvent", unit="s"
)
NETWORK_CONFIGURATION_PRIORITY: Final[Variable[tuple[str, ...]]] = Variable(
    _COMM, "NetworkConfigurationPriority", SequenceList(NETWORK_SLOTS, least=1), default=("1",), reboot_required=True
)
NETWORK_PROFILE_CONNECTION_ATTEMPTS: Final = Variable(
    _COMM, "NetworkProfileConnectionAttempts", Integer(least=1), default=3
)
OFFLINE_THRESHOLD: Final = Variable(_COMM, "OfflineThreshold", _COUNT, default=60, unit="s")
PUBLIC_KEY_WITH_SIGNED_METER_VALUE: Final = Variable(
    _COMM,
    "PublicKeyWithSignedMeterValue",
    OptionList(("Never", "OncePerTransaction", "EveryMeterValue")),
    default="OncePerTransaction",
)
QUEUE_ALL_MESSAGES: Final = Variable(
    _COMM, "QueueAllMessages", _FLAG, default=False, mutability="ReadOnly", constant=True
)
"""What the specification has queued is, and nothing else."""
RESET_RETRIES: Final = Variable(_COMM, "ResetRetries", _COUNT, default=1)
RETRY_BACK_OFF_RANDOM_RANGE: Final = Variable(_COMM, "RetryBackOffRandomRange", _COUNT, default=3, unit="s")
RETRY_BACK_OFF_REPEAT_TIMES: Final = Variable(_COMM, "RetryBackOffRepeatTimes", Integer(most=16), default=4)
RETRY_BACK_OFF_WAIT_MINIMUM: Final = Variable(_COMM, "RetryBackOffWaitMinimum", _COUNT, default=2, unit="s")
UNLOCK_ON_EV_SIDE_DISCONNECT: Final = Variable(_COMM, "UnlockOnEVSideDisconnect", _FLAG, default=True)
WEB_SOCKET_PING_INTERVAL: Final = Variable(_COMM, "WebSocketPingInterval", _COUNT, default=30, unit="s")
"""0: no pings."""

BYTES_PER_MESSAGE_GET_REPORT: Final = Variable(
    _DATA, "BytesPerMessage", _COUNT, default=8192, instance="GetReport", mutability="ReadOnly", constant=True
)
BYTES_PER_MESSAGE_GET_VARIABLES: Final = Variable(
    _DATA, "BytesPerMessage", _COUNT, default=8192, instance="GetVariables", mutability="ReadOnly", constant=True
)
BYTES_PER_MESSAGE_SET_VARIABLES: Final = Variable(
    _DATA, "BytesPerMessage", _COUNT, default=8192, instance="SetVariables", mutability="ReadOnly", constant=True
)
ITEMS_PER_MESSAGE_GET_REPORT: Final = Variable(
    _DATA, "ItemsPerMessage", _COUNT, default=32, instance="GetReport", mutability="ReadOnly", constant=True
)
ITEMS_PER_MESSAGE_GET_VARIABLES: Final = Variable(
    _DATA, "ItemsPerMessage", _COUNT, default=32, instance="GetVariables", mutability="ReadOnly", constant=True
)
ITEMS_PER_MESSAGE_SET_VARIABLES: Final = Variable(
    _DATA, "ItemsPerMessage", _COUNT, default=32, instance="SetVariables", mutability="ReadOnly", constant=True
)
CONFIGURATION_VALUE_SIZE: Final = Variable(
    _DATA, "ConfigurationValueSize", Integer(most=1000), default=1000, mutability="ReadOnly", constant=True
)
REPORTING_VALUE_SIZE: Final = Variable(
    _DATA, "ReportingValueSize", Integer(most=2500), default=2500, mutability="ReadOnly", constant=True
)

DATE_TIME: Final = Variable(
    _CLOCK, "DateTime", DateTime(), default=datetime(1970, 1, 1, tzinfo=UTC), mutability="ReadOnly"
)
TIME_SOURCE: Final[Variable[tuple[str, ...]]] = Variable(
    _CLOCK, "TimeSource", SequenceList(("Heartbeat", "RealTimeClock"), least=1), default=("Heartbeat",)
)
"""The first one is used: neither of them ever fails."""
