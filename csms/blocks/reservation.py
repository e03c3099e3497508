"""H Reservation: what the station says of reservations, and what comes of ReserveNow and CancelReservation."""

from __future__ import annotations

from typing import Final

from csms.blocks.conversation import Conversation, Payload
from csms.ids import check
from csms.reservations import ReservationState
from shared.ocppj.errors import OcppError

_ENDED: Final = {"Expired": ReservationState.EXPIRED, "Removed": ReservationState.REMOVED}


async def reservation_status_update(conversation: Conversation, request: Payload) -> Payload:
    """A reservation expired (H04.FR.01) or was removed (H01.FR.16, H01.FR.17)."""
    state = _ENDED[request["reservationUpdateStatus"]]
    await conversation.reservations.end(conversation.station.station_id, request["reservationId"], state)
    return {}


async def before_reserve_now(conversation: Conversation, request: Payload) -> None:
    """The station may hold the reservation from when it is sent, whether its answer arrives or not."""
    check(request["id"], "/id")
    await conversation.reservations.requested(conversation.station.station_id, request)


async def after_reserve_now(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """The reservation is made by the station's Accepted, whoever asked for it (H01.FR.03)."""
    await conversation.reservations.answered(conversation.station.station_id, request, answer)


async def after_cancel_reservation(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """Cancelled (H02.FR.02); or the station knows of no such reservation (H02.FR.01), so there is none any more."""
    if isinstance(answer, OcppError):
        return
    state = ReservationState.CANCELLED if answer["status"] == "Accepted" else ReservationState.REMOVED
    await conversation.reservations.end(conversation.station.station_id, request["reservationId"], state)
