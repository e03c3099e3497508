"""What the stations of the benchmark say: OCPP 2.0.1 CALLs as frames that lack nothing but a number.

A CALL's messageId must be new each time, and so must a TransactionEvent's seqNo. Both carry the station's running
number; it always has seven digits, so a frame keeps its length and `number.join(pieces)` completes it.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any, Final

from bench.websocket import TEXT, client_header

SUBPROTOCOL: Final = "ocpp2.0.1"
# Nobody's secret: it is made for servers that live for the length of one benchmark.
PASSWORD: Final = "bench-password-0123456789"  # noqa: S105
FIRST_NUMBER: Final = 1_000_000
LAST_NUMBER: Final = 9_999_999
NUMBER_DIGITS: Final = 7

_TIME: Final = "2026-11-22T03:52:53.938Z"


class Action(enum.Enum):
    """The CALLs that are measured, and those that come before them."""

    BOOT_NOTIFICATION = "BootNotification"
    STATUS_NOTIFICATION = "StatusNotification"
    HEARTBEAT = "Heartbeat"
    TRANSACTION_EVENT = "TransactionEvent"


@dataclass(frozen=True, slots=True)
class Template:
    """One station's CALL without its number.

    pieces: the masked frame, cut where the number goes.   answer_start: the text of a CALLRESULT up to its number.
    """

    pieces: tuple[bytes, ...]
    answer_start: bytes

    def frame(self, number: int) -> bytes:
        """The complete frame. number: FIRST_NUMBER .. LAST_NUMBER, new for each message of this station."""
        return (b"%d" % number).join(self.pieces)


def identity(index: int, prefix: str = "BENCH") -> str:
    """The identity of station `index`, which is also its user name."""
    return f"{prefix}_{index:05d}"


def template(action: Action, index: int) -> Template:
    """The CALL `action` of station `index`, with messageIds of 36 characters as a UUID has."""
    id_start = f"{index:08x}-0000-4000-8000-00000"
    head = f'[2,"{id_start}'
    pieces = [text.encode() for text in (head, *_after_message_id(action, index))]
    length = sum(map(len, pieces)) + NUMBER_DIGITS * (len(pieces) - 1)
    pieces[0] = client_header(TEXT, length) + pieces[0]
    return Template(tuple(pieces), f'[3,"{id_start}'.encode())


def _after_message_id(action: Action, index: int) -> tuple[str, ...]:
    """The text between the numbers and after them: a TransactionEvent has its seqNo at the end, as a second one."""
    start = f'","{action.value}",'
    match action:
        case Action.BOOT_NOTIFICATION:
            return (f"{start}{_json(_boot_notification())}]",)
        case Action.STATUS_NOTIFICATION:
            return (f"{start}{_json(_status_notification())}]",)
        case Action.HEARTBEAT:
            return (f"{start}{{}}]",)
        case Action.TRANSACTION_EVENT:
            return (f'{start}{_json(_transaction_event(index)).removesuffix("}")},"seqNo":', "}]")


def _json(payload: dict[str, Any]) -> str:
    return json.dumps(payload, separators=(",", ":"))


def _boot_notification() -> dict[str, Any]:
    return {"reason": "PowerUp", "chargingStation": {"model": "Wallbox XYZ", "vendorName": "anewone"}}


def _status_notification() -> dict[str, Any]:
    return {"timestamp": _TIME, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}


def _transaction_event(index: int) -> dict[str, Any]:
    """A periodic update in the middle of charging, all but its seqNo: about 800 bytes as a whole message."""
    values: list[dict[str, Any]] = [
        {"value": 23485.2, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}},
        {"value": 7360.5, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}},
        {"value": 231.4, "measurand": "Voltage", "unitOfMeasure": {"unit": "V"}},
        {"value": 64, "measurand": "SoC", "location": "EV", "unitOfMeasure": {"unit": "Percent"}},
    ]
    return {
        "eventType": "Updated",
        "timestamp": _TIME,
        "triggerReason": "MeterValuePeriodic",
        "transactionInfo": {
            "transactionId": f"{index:08x}-1111-4000-8000-000000000000",
            "chargingState": "Charging",
        },
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [
            {
                "timestamp": _TIME,
                "sampledValue": [{**value, "context": "Sample.Periodic"} for value in values],
            }
        ],
    }
