"""The reservations this CSMS has made, from the station's Accepted to their end."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final

from shared.clock import Clock

_ENDED_KEPT: Final = 100  # of each station
_MAX_ID: Final = 2**31 - 1  # OCPP's integer has 31 bits and a sign


class ReservationState(enum.StrEnum):
    """How a reservation stands."""

    ACTIVE = "Active"
    USED = "Used"
    EXPIRED = "Expired"
    CANCELLED = "Cancelled"
    REMOVED = "Removed"


@dataclass(slots=True, eq=False)
class Reservation:
    """One reservation that a station has accepted. request: the ReserveNow it accepted.

    confirmed: the station is known to hold it; a station that reboots has to show that it still does (B01.FR.13).
    """

    station_id: str
    request: dict[str, Any]
    expires_at: datetime
    state: ReservationState = ReservationState.ACTIVE
    confirmed: bool = True

    @property
    def reservation_id(self) -> int:
        return int(self.request["id"])

    @property
    def evse_id(self) -> int | None:
        """The EVSE it is for, None for any."""
        evse_id: int | None = self.request.get("evseId")
        return evse_id


class Reservations:
    """All reservations. Ids come from `random`: a station may hold reservations of an earlier run of the CSMS, and one
    with the same id would replace them (H01.FR.02).
    """

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._of_station: dict[str, dict[int, Reservation]] = {}
        self._with_id: dict[int, list[Reservation]] = {}
        self._asked_for: dict[str, list[int | None]] = {}

    def __iter__(self) -> Iterator[Reservation]:
        for station_id in list(self._of_station):
            yield from self.of_station(station_id)

    def of_station(self, station_id: str) -> list[Reservation]:
        """The reservations at one station, oldest first, as they stand now."""
        return self._as_they_stand(self._of_station.get(station_id, {}).values())

    def get(self, reservation_id: int) -> Reservation | None:
        """The reservation with that id; of several, for others may give ids too, one that is active."""
        found = self._as_they_stand(self._with_id.get(reservation_id, ()))
        return min(found, key=lambda reservation: reservation.state is not ReservationState.ACTIVE, default=None)

    def new_id(self) -> int:
        """An id that no known reservation has."""
        while True:
            reservation_id = self._random.randint(1, _MAX_ID)
            if reservation_id not in self._with_id:
                return reservation_id

    def taken_evses(self, station_id: str) -> list[int | None]:
        """The EVSE, None for any, of each reservation that a station holds or is being asked for.

        It may not have reported so yet.
        """
        held = [
            reservation.evse_id
            for reservation in self.of_station(station_id)
            if reservation.state is ReservationState.ACTIVE
        ]
        return held + self._asked_for.get(station_id, [])

    @contextmanager
    def asking_for(self, station_id: str, evse_id: int | None) -> Iterator[None]:
        """While a station is asked to reserve an EVSE nobody else is to ask it for the same one."""
        asked_for = self._asked_for.setdefault(station_id, [])
        asked_for.append(evse_id)
        try:
            yield
        finally:
            asked_for.remove(evse_id)
            if not asked_for:
                del self._asked_for[station_id]

    def accepted(self, station_id: str, request: dict[str, Any], expires_at: datetime) -> Reservation:
        """The station accepted this ReserveNow; one with the same id is replaced (H01.FR.02)."""
        reservation = Reservation(station_id, request, expires_at)
        replaced = self._of_station.get(station_id, {}).get(reservation.reservation_id)
        if replaced is not None:
            self._forget(replaced)
        self._of_station.setdefault(station_id, {})[reservation.reservation_id] = reservation
        self._with_id.setdefault(reservation.reservation_id, []).append(reservation)
        ended = [kept for kept in self.of_station(station_id) if kept.state is not ReservationState.ACTIVE]
        for oldest in ended[: max(0, len(ended) - _ENDED_KEPT)]:
            self._forget(oldest)
        return reservation

    def end(self, station_id: str, reservation_id: int, state: ReservationState) -> None:
        """A reservation has come to its end; one that is unknown or has ended already stays as it is."""
        for reservation in self._as_they_stand(self._with_id.get(reservation_id, ())):
            if reservation.station_id == station_id and reservation.state is ReservationState.ACTIVE:
                reservation.state = state

    def station_booted(self, station_id: str) -> None:
        """Reservations must outlive a reboot (B01.FR.13), but do so only where the station keeps them."""
        for reservation in self.of_station(station_id):
            if reservation.evse_id is not None:
                reservation.confirmed = False

    def connector_reported(self, station_id: str, evse_id: int, status: str) -> None:
        """After a reboot, the connectors of a reserved EVSE tell whether the station kept the reservation.

        All are Reserved where it did (H01.FR.23). One that is Available tells that it did not; others leave it open.
        """
        if station_id not in self._of_station or status not in ("Reserved", "Available"):
            return
        for reservation in self.of_station(station_id):
            if reservation.evse_id == evse_id and not reservation.confirmed:
                reservation.confirmed = True
                if status == "Available":
                    self.end(station_id, reservation.reservation_id, ReservationState.REMOVED)

    def _as_they_stand(self, reservations: Iterable[Reservation]) -> list[Reservation]:
        """A list of these, each of which expires in time, whether its station has told so or not."""
        now = self._clock.now()
        seen = list(reservations)
        for reservation in seen:
            if reservation.state is ReservationState.ACTIVE and reservation.expires_at <= now:
                reservation.state = ReservationState.EXPIRED
        return seen

    def _forget(self, reservation: Reservation) -> None:
        del self._of_station[reservation.station_id][reservation.reservation_id]
        same_id = self._with_id[reservation.reservation_id]
        same_id.remove(reservation)
        if not same_id:
            del self._with_id[reservation.reservation_id]
