"""What is remembered of reservations over a loss of power, as JSON (B01.FR.13, B11.FR.05)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from station.blocks.reservation.rules import Book, Reservation
from station.id_token import IdToken

UpdateStatus = Literal["Expired", "Removed"]
Update = tuple[int, UpdateStatus]
"""A ReservationStatusUpdate: the reservation's id and what became of it."""


class _Reservation(TypedDict):
    id: int
    expiryDateTime: str
    evseId: NotRequired[int]
    connectorType: NotRequired[str]
    idToken: NotRequired[IdToken]
    groupIdToken: NotRequired[IdToken]


class Memory(TypedDict):
    """The reservations in the order accepted, the EVSEs held for them, the updates that the CSMS has not answered."""

    reservations: list[_Reservation]
    held: list[int]
    updates: list[Update]


def remembered(book: Book, updates: Iterable[Update]) -> Memory:
    """What to remember."""
    return {
        "reservations": [_written(reservation) for reservation in book.reservations],
        "held": sorted(book.held),
        "updates": list(updates),
    }


def recalled(memory: Memory | None) -> tuple[Book, list[Update]]:
    """The book and the updates that were remembered, empty where nothing was."""
    if memory is None:
        return Book(), []
    reservations = tuple(
        Reservation(
            written["id"],
            datetime.fromisoformat(written["expiryDateTime"]),
            written.get("evseId"),
            written.get("connectorType"),
            written.get("idToken"),
            written.get("groupIdToken"),
        )
        for written in memory["reservations"]
    )
    return Book(reservations, frozenset(memory["held"])), [(number, status) for number, status in memory["updates"]]


def _written(reservation: Reservation) -> _Reservation:
    written: _Reservation = {"id": reservation.id, "expiryDateTime": reservation.expires_at.isoformat()}
    if reservation.evse_id is not None:
        written["evseId"] = reservation.evse_id
    if reservation.id_token is not None:
        written["idToken"] = reservation.id_token
    if reservation.group_id_token is not None:
        written["groupIdToken"] = reservation.group_id_token
    if reservation.connector_type is not None:
        written["connectorType"] = reservation.connector_type
    return written
