"""E Transactions: TransactionEvent is answered; nothing of it is kept yet, but that it used a reservation."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload
from csms.reservations import ReservationState


async def transaction_event(conversation: Conversation, request: Payload) -> Payload:
    """Answer a TransactionEvent; one with a reservationId ends that reservation (H01.FR.15).

    A token that comes with it is Unknown (C01): this CSMS keeps no tokens.
    """
    if "reservationId" in request:
        conversation.reservations.end(conversation.station.station_id, request["reservationId"], ReservationState.USED)
    return {"idTokenInfo": {"status": "Unknown"}} if "idToken" in request else {}
