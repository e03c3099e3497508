"""A charging session as a station tells it, for the tests of block E."""

from __future__ import annotations

from typing import Any

Payload = dict[str, Any]


def event(
    event_type: str = "Updated",
    seq_no: int = 1,
    transaction_id: str = "T1",
    *,
    trigger: str = "MeterValuePeriodic",
    minute: int | None = None,
    wh: float | None = None,
    info: Payload | None = None,
    **more: Any,
) -> Payload:
    """A TransactionEvent. minute: of its timestamp, the seqNo where it is left out; wh: what the meter reads."""
    timestamp = f"2026-11-22T04:{seq_no if minute is None else minute:02}:00.000Z"
    payload: Payload = {
        "eventType": event_type,
        "timestamp": timestamp,
        "triggerReason": trigger,
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": transaction_id} | (info or {}),
        **more,
    }
    if wh is not None:
        payload["meterValue"] = [{"timestamp": timestamp, "sampledValue": [{"value": wh}]}]
    return payload


def token(number: str = "AA11", kind: str = "ISO14443") -> Payload:
    """An IdTokenType."""
    return {"idToken": number, "type": kind}


def session(length: int = 5, transaction_id: str = "T1", first: int = 0) -> list[Payload]:
    """A whole session of `length` events, the first of which has seqNo `first`."""
    last = first + length - 1
    start = event("Started", first, transaction_id, trigger="CablePluggedIn", wh=1000, evse={"id": 1, "connectorId": 1})
    authorized = event(
        "Updated", first + 1, transaction_id, trigger="Authorized", idToken=token(), info={"chargingState": "Charging"}
    )
    updates = [event("Updated", number, transaction_id, wh=1000 + 10 * number) for number in range(first + 2, last)]
    end = event(
        "Ended",
        last,
        transaction_id,
        trigger="StopAuthorized",
        wh=2000,
        info={"stoppedReason": "Local", "chargingState": "EVConnected"},
        idToken=token("BB22"),
    )
    return [start, authorized, *updates, end]
