"""Makes reservations: chooses the station and the EVSE, and asks the station."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import trio

from csms.api.bodies import IdToken, Reserve
from csms.api.problems import Problem
from csms.api.services import Services
from csms.registry import Station
from csms.switchboard import Busy, NotCallable, NotConnected
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import CallFailed, CallRefused

DEFAULT_ID_TOKEN: Final = {"idToken": "guest", "type": "Central"}
MOST_ASKED: Final = 5
DEFAULT_DURATION: Final = timedelta(hours=1)


class NothingAvailable(Exception):
    """No EVSE can be reserved; the text says why."""


class NotBooked(Exception):
    """A station was to be asked, and `error` came of it. It may have accepted all the same."""

    def __init__(self, reservation_id: int, error: CallFailed) -> None:
        super().__init__(str(error))
        self.reservation_id = reservation_id
        self.error = error


def _check_expiry(services: Services, wish: Reserve) -> None:
    """Raise Problem 422 for a reservation that is over before it begins."""
    if wish.expires_at is not None and wish.expires_at <= services.clock.now():
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "expires_at: must be in the future", pointer="/expires_at")


@dataclass(frozen=True, slots=True)
class Booking:
    """What a station answered to a ReserveNow. status: ReserveNowStatusEnumType."""

    station_id: str
    evse_id: int | None
    reservation_id: int
    status: str


async def book(services: Services, wish: Reserve, station_id: str) -> Booking:
    """Reserve at one station.

    Raises NothingAvailable, NotBooked, Problem for a time that is over, a PeerError for a wish that does not fit the
    schema, and StoreUnavailable.
    """
    _check_expiry(services, wish)
    station = services.registry.get(station_id)
    if station is None or services.switchboard.find(station_id) is None:
        raise NothingAvailable(f"No such Charge Point. [{station_id}]")
    if not _is_accepted(services, station):
        raise NothingAvailable(f"{station_id} has not been accepted yet: it must boot first.")
    reservation_id = await services.reservations.new_id()
    evse_id = _choose_evse(services, station, wish)
    return await _reserve(services, station, evse_id, wish, reservation_id, services.settings.call_timeout)


async def book_anywhere(services: Services, wish: Reserve) -> Booking:
    """Reserve at the first station that has an EVSE available and accepts; if none does, what the last one answered.

    MOST_ASKED stations are asked at most, and none after half the time that one call may take: somebody waits. One
    that does not answer may have accepted, so no other is asked then. Raises as book() does.
    """
    _check_expiry(services, wish)
    started = trio.current_time()
    patience_s = services.settings.call_timeout
    asked: list[Booking | NotBooked] = []
    reservation_id = await services.reservations.new_id()
    for station_id in services.switchboard.station_ids():
        station = services.registry.get(station_id)
        if station is None or not _is_accepted(services, station):
            continue
        try:
            evse_id = _choose_evse(services, station, wish)
        except NothingAvailable:
            continue
        spent_s = trio.current_time() - started
        if asked and (len(asked) == MOST_ASKED or spent_s > patience_s / 2):
            break
        try:
            booking = await _reserve(services, station, evse_id, wish, reservation_id, patience_s - spent_s)
            if booking.status == "Accepted":
                return booking
            asked.append(booking)
        except NotBooked as failed:
            if not isinstance(failed.error, NotConnected | NotCallable | Busy | CallRefused):
                raise
            asked.append(failed)
        reservation_id = await services.reservations.new_id()
    if not asked:
        raise NothingAvailable("Nothing is available at any Charge Point.")
    last = asked[-1]
    if isinstance(last, NotBooked):
        raise last
    return last


def _is_accepted(services: Services, station: Station) -> bool:
    seat = services.switchboard.find(station.station_id)
    return seat is not None and seat.state.is_accepted


def _choose_evse(services: Services, station: Station, wish: Reserve) -> int | None:
    """The EVSE to ask for: the one that is wished for, else the first that is free. Raises NothingAvailable.

    None: only the station knows which EVSE has the connector that is wished for (H01.FR.06).
    """
    taken = services.reservations.taken_evses(station.station_id)
    free = [evse_id for evse_id in station.available_evses() if evse_id not in taken]
    if len(free) > taken.count(None):  # one EVSE is kept for each reservation that names none (H01.FR.07)
        if wish.evse_id in free:
            return wish.evse_id
        if wish.evse_id is None:
            return free[0] if wish.connector_type is None else None
    raise NothingAvailable(f"Nothing is available at {station.station_id}.")


async def _reserve(
    services: Services, station: Station, evse_id: int | None, wish: Reserve, reservation_id: int, patience_s: float
) -> Booking:
    """Ask for what was chosen just now: from here on nobody else is given that EVSE."""
    expires_at = wish.expires_at or services.clock.now() + DEFAULT_DURATION
    request: dict[str, Any] = {
        "id": reservation_id,
        "expiryDateTime": to_wire(expires_at),
        "idToken": _id_token(wish.id_token) or DEFAULT_ID_TOKEN,
    }
    if wish.group_id_token is not None:
        request["groupIdToken"] = _id_token(wish.group_id_token)
    if evse_id is not None:
        request["evseId"] = evse_id
    if wish.connector_type is not None:
        request["connectorType"] = wish.connector_type
    with services.reservations.asking_for(station.station_id, reservation_id, evse_id):
        try:
            response = await services.call(station.station_id, "ReserveNow", request, patience_s=patience_s)
        except CallFailed as error:
            raise NotBooked(reservation_id, error) from error
    return Booking(station.station_id, evse_id, reservation_id, response["status"])


def _id_token(token: IdToken | None) -> dict[str, str] | None:
    return None if token is None else {"idToken": token.idToken, "type": token.type}
