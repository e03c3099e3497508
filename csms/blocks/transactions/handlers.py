"""E Transactions: TransactionEvent, kept before it is answered; GetTransactionStatus where something is missing."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.errands import Call
from csms.blocks.meter_values import rows_of
from csms.blocks.tariff_and_cost import cost_to_tell
from csms.blocks.transactions.record import Record
from csms.blocks.transactions.rules import INTEGER_LIMIT, is_stop, judge, row_of
from csms.reservations import ReservationState
from csms.store import Change, Row
from csms.store.moments import to_ms
from csms.store.texts import storable
from csms.tariffs import Cost
from csms.tokens import token_key
from shared.ocppj.errors import PropertyConstraintViolation

log = logging.getLogger(__name__)

_EVENT_TYPES: Final = {
    "Started": "transaction.started",
    "Updated": "transaction.updated",
    "Ended": "transaction.ended",
}


async def transaction_event(conversation: Conversation, request: Payload) -> Payload:
    """Keep an event and answer it; one that was resent is answered as before (E01 to E15, E13.FR.02, J02.FR.19).

    It is known by station, transactionId and seqNo, whenever it comes. One with a reservationId ends that reservation
    (H01.FR.15). Where a tariff is in force the answer tells the cost (I02, I03). Raises StoreUnavailable, so that the
    station keeps it and sends it again (E13).
    """
    ledger, station_id = conversation.ledger, conversation.station.station_id
    seq_no = int(request["seqNo"])
    if not -INTEGER_LIMIT < seq_no < INTEGER_LIMIT:
        raise PropertyConstraintViolation("/seqNo: has more than 64 bits")
    name = (station_id, storable(request["transactionInfo"]["transactionId"]))
    record = await ledger.find_or_recall(name)
    if seq_no in record.seq_nos:
        await _end_reservation(conversation, request)
        _ask_for_the_rest(conversation, record)
        return await ledger.stored_response(record, seq_no)
    response = _answer(conversation, request, record)
    status = response["idTokenInfo"]["status"] if response else None
    row = row_of(station_id, request, to_ms(conversation.clock.now()), status)
    cost = await cost_to_tell(conversation, request, record, row)
    if cost is not None:
        response = {**response, "totalCost": float(cost.amount)}
    with ledger.writing(record):
        await _store(conversation, row["reservation_id"], _changes(conversation, request, row, response, cost))
    ledger.keep(record, row, seq_no, response)
    _ask_for_the_rest(conversation, record)
    return response


async def _end_reservation(conversation: Conversation, request: Payload) -> None:
    """What ended with an event ends when that is resent: the first time its commit may not have been heard of."""
    station_id, reservation_id = conversation.station.station_id, request.get("reservationId")
    if reservation_id is not None and conversation.reservations.get(station_id, reservation_id) is not None:
        await conversation.reservations.end(station_id, reservation_id, ReservationState.USED)


async def _store(conversation: Conversation, reservation_id: int | None, changes: list[Change]) -> None:
    if reservation_id is None:
        await conversation.store.commit(*changes)
        return
    station_id = conversation.station.station_id
    async with conversation.reservations.ending(station_id, reservation_id, ReservationState.USED) as used:
        await conversation.store.commit(*changes, *used)


def _answer(conversation: Conversation, request: Payload, record: Record) -> Payload:
    """With idTokenInfo when the event has a token (E01.FR.12, C02.FR.02, C09.FR.12)."""
    id_token = request.get("idToken")
    if id_token is None:
        return {}
    key = token_key(id_token)
    token = conversation.tokens.get(key)
    if token is None and id_token["type"] == "Central":
        # The CSMS side made it up, for a remote start or a payment terminal (C03, C05): no driver can present one.
        return {"idTokenInfo": {"status": "Accepted"}}
    info = conversation.tokens.info(id_token, conversation.station.station_id)
    if token is not None:
        evse_id = request["evse"]["id"] if "evse" in request else record.evse_id
        limit = token.max_transactions
        info = judge(
            info,
            evse_id=evse_id,
            is_stop=is_stop(request),
            is_master_pass=token.master_pass,
            others=0 if limit is None else conversation.ledger.others_of_token(key, record.name, evse_id),
            max_transactions=limit,
        )
    return {"idTokenInfo": info}


def _changes(
    conversation: Conversation, request: Payload, row: Row, response: Payload, cost: Cost | None
) -> list[Change]:
    ledger = conversation.ledger
    changes = [
        ledger.merge_change(row),
        ledger.event_change(row, request, response),
        conversation.events.change(_EVENT_TYPES[request["eventType"]], row["station_id"], _tell(request, cost)),
    ]
    if row["remote_start_id"] is not None:
        match = conversation.remote_starts.match(row["station_id"], row["remote_start_id"], row["transaction_id"])
        changes.append(match)
    values = request.get("meterValue")
    if values is not None:
        rows = rows_of(row["station_id"], row["evse_id"], row["transaction_key"], int(request["seqNo"]), values)
        changes.append(conversation.meter_log.change(rows))
    return changes


def _tell(request: Payload, cost: Cost | None) -> Payload:
    """The data of the event that programs follow. No token: key codes must not be shown around (C04.FR.04)."""
    info = request["transactionInfo"]
    told = {
        "transaction_id": info["transactionId"],
        "seq_no": request["seqNo"],
        "timestamp": request["timestamp"],
        "trigger_reason": request["triggerReason"],
        "charging_state": info.get("chargingState"),
        "offline": request.get("offline", False),
    }
    if "evse" in request:
        told["evse_id"] = request["evse"]["id"]
        told["connector_id"] = request["evse"].get("connectorId")
    if "remoteStartId" in info:
        told["remote_start_id"] = info["remoteStartId"]
    if "stoppedReason" in info:
        told["stopped_reason"] = info["stoppedReason"]
    if cost is not None:
        told["total_cost"] = float(cost.amount)
        told["currency"] = cost.currency
    return told


def _ask_for_the_rest(conversation: Conversation, record: Record) -> None:
    """Where it has ended and not all has come: find out whether the rest will (E14), once on each connection."""
    if record.final_seq_no is None or record.is_complete or record.asked is conversation.errands:
        return
    record = conversation.ledger.hold(record)
    if conversation.errands.add(partial(_ask_status, conversation, record)):
        record.asked = conversation.errands


async def _ask_status(conversation: Conversation, record: Record, call: Call) -> None:
    if record.is_complete:
        return
    station_id, transaction_id = record.name
    answer = await call("GetTransactionStatus", {"transactionId": transaction_id})
    await conversation.ledger.note_status(record.name, messages_in_queue=answer["messagesInQueue"])
    missing = record.seq_nos.missing(record.first_seq_no, record.final_seq_no)
    log.info(
        "%s: transaction %s has ended, seqNos %s are missing, messagesInQueue is %s",
        station_id, transaction_id, missing, answer["messagesInQueue"],
    )  # fmt: skip
