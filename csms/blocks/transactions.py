"""E Transactions: TransactionEvent is answered; nothing of it is kept yet, but that it used a reservation."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload
from csms.reservations import ReservationState


async def transaction_event(conversation: Conversation, request: Payload) -> Payload:
    """Answer a TransactionEvent; one with a reservationId ends that reservation (H01.FR.15).

    A token that comes with it is Unknown (C01): this CSMS keeps no tokens.
    """
    station_id, reservation_id = conversation.station.station_id, request.get("reservationId")
    async with conversation.reservations.ending(station_id, reservation_id, ReservationState.USED) as changes:
        info = request["transactionInfo"]
        remote_start_id = info.get("remoteStartId")
        if remote_start_id is not None:
            changes.append(conversation.remote_starts.match(station_id, remote_start_id, info["transactionId"]))
        if changes:
            await conversation.store.commit(*changes)
        if remote_start_id is not None:
            conversation.remote_starts.started(station_id, remote_start_id)
    return {"idTokenInfo": {"status": "Unknown"}} if "idToken" in request else {}
