"""REST version 1: reservations."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from quart import Blueprint
from quart.typing import ResponseReturnValue

from csms.api import queries as asked
from csms.api.bodies import NewReservation, read_body
from csms.api.booking import MOST_ASKED, NotBooked, NothingAvailable, book, book_anywhere
from csms.api.documentation import CALL_FAILURES, PAGE, answer, body, documented, problem, query
from csms.api.paging import read_page
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.views import RESERVATION, CancellationView, ReservationsView, ReservationView
from csms.reservations import Reservation, ReservationState, describe, sort_key


def reservation_routes(services: Services) -> Blueprint:
    """/api/v1/reservations and below."""
    routes = Blueprint("reservations", __name__, url_prefix="/api/v1/reservations")

    @routes.get("")
    @documented(
        "All reservations",
        tag="Reservations",
        query=[
            query("station_id", "At this station only", "CP_1"),
            query("state", "In this state only", "Active", enum=list(ReservationState)),
            *PAGE,
        ],
        answers=[
            answer(200, "A page, newest first", ReservationsView, {"reservations": [RESERVATION], "next_cursor": None})
        ],
    )
    async def list_reservations() -> ResponseReturnValue:
        page = read_page(int, str, int)
        station_id, state = asked.text("station_id"), asked.choice("state", ReservationState)
        found = await services.reservations.fetch_page(page.limit + 1, page.after, station_id=station_id, state=state)
        items = found[: page.limit]
        last_key = sort_key(items[-1]) if len(found) > page.limit else None
        return page.answer("reservations", [_describe(services, one) for one in items], last_key)

    @routes.post("")
    @documented(
        "Reserve",
        tag="Reservations",
        description="At one station, or at the first that has an EVSE available and accepts: of those that refuse, "
        f"{MOST_ASKED} are asked at most. Without anything, any EVSE for an hour.",
        body=body(
            NewReservation,
            {"station_id": "CP_1", "evse_id": 1, "id_token": {"idToken": "04A2B3C4D5E680", "type": "ISO14443"}},
        ),
        answers=[
            answer(201, "The station has accepted", ReservationView, RESERVATION),
            problem(409, "CP_1 answered Occupied", reason="Occupied"),
            *CALL_FAILURES,
        ],
    )
    async def make_reservation() -> ResponseReturnValue:
        wish = await read_body(NewReservation)
        try:
            if wish.station_id is None:
                booking = await book_anywhere(services, wish)
            else:
                booking = await book(services, wish, wish.station_id)
        except NotBooked as failed:
            raise await _of_failed_call(services, failed) from None
        reservation = await _known(services, booking.reservation_id)
        if booking.status != "Accepted":
            raise Problem(HTTPStatus.CONFLICT, f"{booking.station_id} answered {booking.status}", reason=booking.status)
        return _describe(services, reservation), HTTPStatus.CREATED.value

    @routes.get("/<int:reservation_id>")
    @documented(
        "One reservation", tag="Reservations", answers=[answer(200, "The reservation", ReservationView, RESERVATION)]
    )
    async def get_reservation(reservation_id: int) -> ResponseReturnValue:
        return _describe(services, await _known(services, reservation_id))

    @routes.delete("/<int:reservation_id>")
    @documented(
        "Cancel a reservation",
        tag="Reservations",
        answers=[
            answer(
                200,
                "What the station answered to CancelReservation",
                CancellationView,
                {"status": "Accepted", "reservation": RESERVATION | {"state": "Cancelled"}},
            ),
            problem(409, "The reservation is Used"),
            *CALL_FAILURES,
        ],
    )
    async def cancel_reservation(reservation_id: int) -> ResponseReturnValue:
        reservation = _describe(services, await _known(services, reservation_id))
        if not ReservationState(reservation["state"]).is_live:
            raise Problem(HTTPStatus.CONFLICT, f"The reservation is {reservation['state']}")
        request = {"reservationId": reservation_id}
        response = await services.call(reservation["station_id"], "CancelReservation", request)
        return {
            "status": response["status"],
            "reservation": _describe(services, await _known(services, reservation_id)),
        }

    @routes.errorhandler(NothingAvailable)
    async def nothing_available(error: NothingAvailable) -> ResponseReturnValue:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)).response()

    return routes


async def _known(services: Services, reservation_id: int) -> Reservation:
    reservation = await services.reservations.fetch(reservation_id)
    if reservation is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"No reservation {reservation_id} is known here")
    return reservation


async def _of_failed_call(services: Services, failed: NotBooked) -> Problem:
    """Tells the id when the station was asked: it may have accepted, and GET tells what became of it."""
    problem = Problem.of_call(failed.error)
    if await services.reservations.fetch(failed.reservation_id) is not None:
        problem.more["reservation_id"] = failed.reservation_id
    return problem


def _describe(services: Services, reservation: Reservation) -> dict[str, Any]:
    return describe(reservation, services.clock.now())
