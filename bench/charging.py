"""Whole charging transactions as a station tells them: Started, one Updated each minute with meter values, Ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bench.station import Said

UPDATES: Final = 10
MESSAGES: Final = UPDATES + 2
SAMPLES: Final = 5

_FIRST: Final = datetime(2026, 11, 22, 3, 52, 53, 938_000, tzinfo=UTC)
_PERIOD: Final = timedelta(minutes=1)
_PAUSE: Final = timedelta(minutes=30)
_POWER_W: Final = 7360.5


def transactions(index: int, count: int) -> Iterator[Said]:
    """So many transactions of station `index`, one after the other."""
    for nth in range(count):
        yield from _transaction(index, nth)


def _transaction(index: int, nth: int) -> Iterator[Said]:
    began = _FIRST + nth * (UPDATES * _PERIOD + _PAUSE)
    for seq_no in range(MESSAGES):
        message_id = f"{index:08x}-{nth:04x}-4000-8000-{seq_no:012x}"
        payload = _event(index, nth, seq_no, began + seq_no * _PERIOD)
        yield message_id, json.dumps([2, message_id, "TransactionEvent", payload], separators=(",", ":")).encode()


def _event(index: int, nth: int, seq_no: int, moment: datetime) -> dict[str, Any]:
    info: dict[str, Any] = {"transactionId": f"{index:08x}-{nth:04x}-4111-8000-000000000000"}
    timestamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event: dict[str, Any] = {
        "eventType": "Updated",
        "timestamp": timestamp,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": info,
        "evse": {"id": 1, "connectorId": 1},
    }
    context = "Sample.Periodic"
    if seq_no == 0:
        context = "Transaction.Begin"
        event |= {"eventType": "Started", "triggerReason": "Authorized"}
        event["idToken"] = {"idToken": f"04A2B3{index:08X}", "type": "ISO14443"}
    if seq_no == MESSAGES - 1:
        context = "Transaction.End"
        event |= {"eventType": "Ended", "triggerReason": "EVDeparted"}
        info["stoppedReason"] = "EVDisconnected"
    else:
        info["chargingState"] = "Charging"
    register_wh = 20_000 + nth * 3_000 + seq_no * _POWER_W / 60
    event["meterValue"] = [{"timestamp": timestamp, "sampledValue": _samples(register_wh, seq_no, context)}]
    return event


def _samples(register_wh: float, seq_no: int, context: str) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = [
        {"value": round(register_wh, 1), "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}},
        {"value": _POWER_W + seq_no, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}},
        {"value": 31.9, "measurand": "Current.Import", "phase": "L1", "unitOfMeasure": {"unit": "A"}},
        {"value": 231.4, "measurand": "Voltage", "phase": "L1-N", "unitOfMeasure": {"unit": "V"}},
        {"value": 40 + seq_no, "measurand": "SoC", "location": "EV", "unitOfMeasure": {"unit": "Percent"}},
    ]
    return [{**sample, "context": context} for sample in samples]
