"""The rules of reservations, values in, values out (H01, H02, H04).

A reservation may name an EVSE, a type of connector, both or neither. Each must find an EVSE of its own at any time
(H01.FR.07, H01.FR.09), so all of them together are a matching of reservations to EVSEs; which EVSE serves which is left
open as long as possible. An EVSE is held, and its connectors are Reserved, when the reservations could not all be
kept without it. That is what H01.FR.20, H01.FR.23 and H01.FR.24 say, each for its kind of reservation, and it also
covers reservations of several kinds at a time.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from station.id_token import IdToken, same

ReserveStatus = Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]


class Condition(enum.Enum):
    """Whether a connector can be used at all, plugged in or not."""

    USABLE = "usable"
    FAULTED = "faulted"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Place:
    """An EVSE as reservations see it. connectors: type and condition of each. taken: somebody is there."""

    evse_id: int
    connectors: tuple[tuple[str, Condition], ...]
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a ReserveNow asks for. evse_id, connector_type: None for any. id_token, group_id_token: for whom."""

    id: int
    expires_at: datetime
    evse_id: int | None = None
    connector_type: str | None = None
    id_token: IdToken | None = None
    group_id_token: IdToken | None = None

    def is_for(self, id_token: IdToken, group_id_token: IdToken | None) -> bool:
        """Whether this token, or one of this group, may use it (H03.FR.01 to H03.FR.06)."""
        if self.id_token is not None and same(self.id_token, id_token):
            return True
        return (
            self.group_id_token is not None and group_id_token is not None and same(self.group_id_token, group_id_token)
        )


@dataclass(frozen=True, slots=True)
class Book:
    """The reservations in the order accepted, and the ids of the EVSEs held for them."""

    reservations: tuple[Reservation, ...] = ()
    held: frozenset[int] = frozenset()

    @property
    def next_expiry(self) -> datetime | None:
        """When the next reservation expires."""
        return min((reservation.expires_at for reservation in self.reservations), default=None)


def reserve(book: Book, wanted: Reservation, places: Sequence[Place]) -> tuple[Book, ReserveStatus]:
    """The book with `wanted` in it, in place of one with the same id (H01.FR.02), if an EVSE is free for it.

    Otherwise the book as it was, and the status of what was targeted: Occupied where one is occupied or reserved
    (H01.FR.11), else Faulted (H01.FR.12), else Unavailable (H01.FR.14); Rejected where there is no such EVSE.
    """
    others = tuple(reservation for reservation in book.reservations if reservation.id != wanted.id)
    candidate, _ = settle(Book((*others, wanted), book.held), places)
    if wanted in candidate.reservations:
        return candidate, "Accepted"
    targeted = {condition for place in places for condition in _conditions(wanted, place)}
    if not targeted:
        return book, "Rejected"
    if Condition.USABLE in targeted:
        return book, "Occupied"
    return book, "Faulted" if Condition.FAULTED in targeted else "Unavailable"


def cancel(book: Book, reservation_id: int, places: Sequence[Place]) -> Book | None:
    """The book without this reservation, None when it is not in it (H02)."""
    others = tuple(reservation for reservation in book.reservations if reservation.id != reservation_id)
    return None if others == book.reservations else settle(Book(others, book.held), places)[0]


def usable_by(
    book: Book, place: Place, id_token: IdToken, group_id_token: IdToken | None
) -> tuple[bool, Reservation | None]:
    """Whether somebody may charge at an EVSE, and the reservation that is used with that (H03, F01.FR.21, F01.FR.22).

    Of several that fit, the one that says most about the EVSE.
    """
    mine = [
        reservation
        for reservation in book.reservations
        if reservation.is_for(id_token, group_id_token) and _conditions(reservation, place)
    ]
    best = max(mine, key=lambda reservation: (reservation.evse_id or 0, reservation.connector_type or ""), default=None)
    return best is not None or place.evse_id not in book.held, best


def expire(book: Book, now: datetime, places: Sequence[Place]) -> tuple[Book, tuple[Reservation, ...]]:
    """The book without what has expired, and what that was (H04)."""
    expired = tuple(reservation for reservation in book.reservations if reservation.expires_at <= now)
    if not expired:
        return book, ()
    others = tuple(reservation for reservation in book.reservations if reservation not in expired)
    return settle(Book(others, book.held), places)[0], expired


def settle(book: Book, places: Sequence[Place]) -> tuple[Book, tuple[Reservation, ...]]:
    """The book as it must be with the EVSEs as they are, and the reservations that no EVSE is left for.

    Those accepted last go first, and only faults and switched-off EVSEs can make one go (H01.FR.16, H01.FR.17): a
    vehicle that is plugged in at a held EVSE does not take it away (G01.FR.09). The EVSE becomes Occupied when the
    reservations can do without it.
    """
    pool = [place for place in places if not place.taken or place.evse_id in book.held]
    kept = tuple(_served(book.reservations, pool).values())
    for place in [place for place in pool if place.taken]:
        without = [other for other in pool if other is not place]
        if len(_served(kept, without)) == len(kept):
            pool = without
    removed = tuple(reservation for reservation in book.reservations if reservation not in kept)
    return Book(
        tuple(reservation for reservation in book.reservations if reservation in kept), _held(kept, pool)
    ), removed


def _held(reservations: Iterable[Reservation], pool: Sequence[Place]) -> frozenset[int]:
    """The EVSEs that the reservations, which `pool` can serve, could not all be kept without."""
    held = _served(reservations, pool)
    places = {place.evse_id: place for place in pool}
    spare = [place for place in pool if place.evse_id not in held]
    while spare:
        place = spare.pop()
        for evse_id in [evse_id for evse_id, reservation in held.items() if _fits(reservation, place)]:
            del held[evse_id]  # its reservation could move over
            spare.append(places[evse_id])
    return frozenset(held)


def _served(reservations: Iterable[Reservation], pool: Sequence[Place]) -> dict[int, Reservation]:
    """As many reservations as an EVSE can be found for, each by the EVSE's id; the earlier ones have precedence.

    (Maximum bipartite matching by augmenting paths: a path re-seats, but never unseats, who has a place already.)
    """
    served: dict[int, Reservation] = {}

    def seat(reservation: Reservation, tried: set[int]) -> bool:
        for place in pool:
            if place.evse_id not in tried and _fits(reservation, place):
                tried.add(place.evse_id)
                sitting = served.get(place.evse_id)
                if sitting is None or seat(sitting, tried):
                    served[place.evse_id] = reservation
                    return True
        return False

    for reservation in reservations:
        seat(reservation, set())
    return served


def targets(reservation: Reservation, place: Place) -> bool:
    """Whether a reservation asks for this EVSE, or for one such as this, however it is."""
    return bool(_conditions(reservation, place))


def _fits(reservation: Reservation, place: Place) -> bool:
    return Condition.USABLE in _conditions(reservation, place)


def _conditions(reservation: Reservation, place: Place) -> set[Condition]:
    """The conditions of the connectors of an EVSE that a reservation asks for."""
    if reservation.evse_id not in {None, place.evse_id}:
        return set()
    return {
        condition
        for connector_type, condition in place.connectors
        if reservation.connector_type in {None, connector_type}
    }
