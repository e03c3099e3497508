"""A reservation as it is known, kept, and shown."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
import trio
from sqlalchemy import Row

from csms.store.moments import from_ms, to_ms
from shared.ocppj.date_time import from_wire, to_wire

Payload = dict[str, Any]


class ReservationState(enum.StrEnum):
    """How a reservation stands. Requested: the station was asked, and its answer is not known."""

    REQUESTED = "Requested"
    ACTIVE = "Active"
    REFUSED = "Refused"
    USED = "Used"
    EXPIRED = "Expired"
    CANCELLED = "Cancelled"
    REMOVED = "Removed"

    @property
    def is_live(self) -> bool:
        """Whether the station may hold it."""
        return self in LIVE


LIVE: Final = (ReservationState.REQUESTED, ReservationState.ACTIVE)


@dataclass(slots=True, eq=False)
class Reservation:
    """One reservation. request: the ReserveNow that the station accepted, or was asked for.

    proposed: a ReserveNow of the same id that is to replace it (H01.FR.02), while its answer is not known.
    confirmed: the station is known to hold it; one that reboots has to show that it still does (B01.FR.13).
    in_flight: the answer to a ReserveNow may still come. seen: its EVSE was reported Reserved meanwhile.
    """

    station_id: str
    request: Payload
    made_at: datetime
    state: ReservationState = ReservationState.REQUESTED
    proposed: Payload | None = None
    confirmed: bool = True
    in_flight: bool = False
    seen: bool = False
    lock: trio.Lock = field(default_factory=trio.Lock)

    @property
    def reservation_id(self) -> int:
        return int(self.request["id"])

    @property
    def evse_id(self) -> int | None:
        """The EVSE it is for, None for any."""
        evse_id: int | None = self.request.get("evseId")
        return evse_id

    @property
    def evse_ids(self) -> set[int]:
        """The EVSEs that the station may hold for it."""
        return {request["evseId"] for request in self._requests() if "evseId" in request}

    @property
    def expires_at(self) -> datetime:
        return from_wire(self.request["expiryDateTime"])

    @property
    def over_at(self) -> datetime:
        """When it has expired, whether it was replaced or not."""
        return max(from_wire(request["expiryDateTime"]) for request in self._requests())

    def _requests(self) -> list[Payload]:
        return [self.request] if self.proposed is None else [self.request, self.proposed]


def sort_key(reservation: Reservation) -> list[Any]:
    """Where a reservation stands in fetch_page()."""
    return [to_ms(reservation.made_at), reservation.station_id, reservation.reservation_id]


def describe(reservation: Reservation, now: datetime) -> dict[str, Any]:
    """A reservation as REST shows it."""
    is_over = reservation.state.is_live and reservation.over_at <= now
    return {
        "reservation_id": reservation.reservation_id,
        "station_id": reservation.station_id,
        "evse_id": reservation.evse_id,
        "connector_type": reservation.request.get("connectorType"),
        "id_token": reservation.request["idToken"],
        "group_id_token": reservation.request.get("groupIdToken"),
        "made_at": to_wire(reservation.made_at),
        "expires_at": to_wire(reservation.expires_at),
        "state": (ReservationState.EXPIRED if is_over else reservation.state).value,
    }


def to_row(reservation: Reservation, now: datetime) -> dict[str, Any]:
    """Its row, changed now."""
    proposed = reservation.proposed
    return {
        "station_id": reservation.station_id,
        "reservation_id": reservation.reservation_id,
        "request": orjson.dumps(reservation.request).decode(),
        "proposed": None if proposed is None else orjson.dumps(proposed).decode(),
        "state": reservation.state.value,
        "confirmed": reservation.confirmed,
        "made_at": to_ms(reservation.made_at),
        "expires_at": to_ms(reservation.expires_at),
        "changed_at": to_ms(now),
    }


def from_row(row: Row[Any]) -> Reservation:
    """The reservation of a row."""
    return Reservation(
        station_id=row.station_id,
        request=orjson.loads(row.request),
        made_at=from_ms(row.made_at),
        state=ReservationState(row.state),
        proposed=None if row.proposed is None else orjson.loads(row.proposed),
        confirmed=row.confirmed,
    )
