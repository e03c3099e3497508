"""What REST version 1 tells of transactions and meter values: the shape of each body, and an example of it."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from csms.api.views import STATION_ID

_TRANSACTION_ID: Final = "5b1d0b0e-2c2f-4f4e-9a3e-0c9f7f6f0001"
_STARTED_AT: Final = "2026-11-22T03:52:53.938Z"
_ENDED_AT: Final = "2026-11-22T04:22:53.938Z"


class TransactionView(TypedDict):
    """A transaction. What no event has told yet is null.

    energy_wh: imported, from first to last reading of the register. events_missing: seqNos between those that came.
    complete: Started, Ended and all between have come. messages_in_queue: what the station answered to
    GetTransactionStatus, asked at status_asked_at. total_cost: by the tariff that was in force when it began, taxes
    included, once it is complete.
    """

    station_id: str
    transaction_id: str
    evse_id: int | None
    connector_id: int | None
    started_at: str | None
    ended_at: str | None
    duration_s: float | None
    open: bool
    energy_wh: float | None
    register_start_wh: float | None
    register_stop_wh: float | None
    id_token: str | None
    id_token_type: str | None
    id_token_status: str | None
    charging_state: str | None
    stopped_reason: str | None
    remote_start_id: int | None
    reservation_id: int | None
    events_received: int
    events_missing: int
    complete: bool
    total_cost: float | None
    currency: str | None
    messages_in_queue: bool | None
    status_asked_at: str | None
    updated_at: str | None


TRANSACTION: Final[TransactionView] = {
    "station_id": STATION_ID,
    "transaction_id": _TRANSACTION_ID,
    "evse_id": 1,
    "connector_id": 1,
    "started_at": _STARTED_AT,
    "ended_at": _ENDED_AT,
    "duration_s": 1800.0,
    "open": False,
    "energy_wh": 5500.0,
    "register_start_wh": 120_000.0,
    "register_stop_wh": 125_500.0,
    "id_token": "04A2B3C4D5E680",
    "id_token_type": "ISO14443",
    "id_token_status": "Accepted",
    "charging_state": "EVConnected",
    "stopped_reason": "Local",
    "remote_start_id": None,
    "reservation_id": None,
    "events_received": 2,
    "events_missing": 0,
    "complete": True,
    "total_cost": 2.7,
    "currency": "EUR",
    "messages_in_queue": None,
    "status_asked_at": None,
    "updated_at": _ENDED_AT,
}


class TransactionsView(TypedDict):
    """A page of transactions, latest beginning first."""

    transactions: list[TransactionView]
    next_cursor: str | None


class MeterValueView(TypedDict):
    """One sampled value. transaction_id, seq_no: of the TransactionEvent that brought it, null outside of transactions.

    The value is in `unit` times 10 to the power of `multiplier`. signed_meter_value: as OCPP has it.
    """

    sampled_at: str
    evse_id: int | None
    transaction_id: str | None
    seq_no: int | None
    measurand: str
    context: str
    phase: str | None
    location: str
    unit: str | None
    multiplier: int
    value: float
    signed_meter_value: dict[str, Any] | None


METER_VALUE: Final[MeterValueView] = {
    "sampled_at": _STARTED_AT,
    "evse_id": 1,
    "transaction_id": _TRANSACTION_ID,
    "seq_no": 0,
    "measurand": "Energy.Active.Import.Register",
    "context": "Transaction.Begin",
    "phase": None,
    "location": "Outlet",
    "unit": "Wh",
    "multiplier": 0,
    "value": 120_000.0,
    "signed_meter_value": None,
}


class MeterValuesView(TypedDict):
    """A page of meter values, oldest first."""

    meter_values: list[MeterValueView]
    next_cursor: str | None


class GapView(TypedDict):
    """The seqNos from first to last have not come."""

    first: int
    last: int


class TransactionEventView(TypedDict):
    """A TransactionEvent, and what it was answered."""

    seq_no: int
    received_at: str
    request: dict[str, Any]
    response: dict[str, Any]


class WholeTransactionView(TransactionView):
    """A transaction with its events, by seqNo, what is missing between them, and all it has measured."""

    gaps: list[GapView]
    events: list[TransactionEventView]
    meter_values: list[MeterValueView]


WHOLE_TRANSACTION: Final[WholeTransactionView] = {
    **TRANSACTION,
    "events_missing": 1,
    "complete": False,
    "total_cost": None,
    "currency": None,
    "gaps": [{"first": 1, "last": 1}],
    "events": [
        {
            "seq_no": 0,
            "received_at": _STARTED_AT,
            "request": {
                "eventType": "Started",
                "seqNo": 0,
                "timestamp": _STARTED_AT,
                "transactionInfo": {"transactionId": _TRANSACTION_ID},
                "triggerReason": "Authorized",
            },
            "response": {"idTokenInfo": {"status": "Accepted"}},
        },
        {
            "seq_no": 2,
            "received_at": _ENDED_AT,
            "request": {
                "eventType": "Ended",
                "seqNo": 2,
                "timestamp": _ENDED_AT,
                "transactionInfo": {"stoppedReason": "Local", "transactionId": _TRANSACTION_ID},
                "triggerReason": "StopAuthorized",
            },
            "response": {},
        },
    ],
    "meter_values": [METER_VALUE],
}

TRANSACTIONS_CSV: Final = (
    "station_id,transaction_id,evse_id,connector_id,started_at,ended_at,duration_s,energy_wh,id_token,id_token_type,"
    "id_token_status,charging_state,stopped_reason,remote_start_id,reservation_id,complete,total_cost,currency\r\n"
    f"{STATION_ID},{_TRANSACTION_ID},1,1,{_STARTED_AT},{_ENDED_AT},1800.0,5500.0,04A2B3C4D5E680,ISO14443,"
    "Accepted,EVConnected,Local,,,true,2.7,EUR\r\n"
)
