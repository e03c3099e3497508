"""REST version 1: reservations."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from quart import Blueprint
from quart.typing import ResponseReturnValue

from csms.api.bodies import NewReservation, read_body
from csms.api.booking import NothingAvailable, book, book_anywhere
from csms.api.documentation import CALL_FAILURES, answer, body, documented, problem
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.views import RESERVATION, CancellationView, ReservationsView, ReservationView
from csms.reservations import Reservation, ReservationState


def reservation_routes(services: Services) -> Blueprint:
    """/api/v1/reservations and below."""
    routes = Blueprint("reservations", __name__, url_prefix="/api/v1/reservations")

    @routes.get("")
    @documented(
        "All reservations",
        tag="Reservations",
        answers=[answer(200, "The reservations", ReservationsView, {"reservations": [RESERVATION]})],
    )
    async def list_reservations() -> ResponseReturnValue:
        return {"reservations": [_describe(reservation) for reservation in services.reservations]}

    @routes.post("")
    @documented(
        "Reserve",
        tag="Reservations",
        description="At one station, or at the first that has an EVSE available; without anything, any for an hour.",
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
        if wish.station_id is None:
            booking = await book_anywhere(services, wish)
        else:
            booking = await book(services, wish, wish.station_id)
        reservation = services.reservations.get(booking.reservation_id)
        if reservation is None:
            raise Problem(HTTPStatus.CONFLICT, f"{booking.station_id} answered {booking.status}", reason=booking.status)
        return _describe(reservation), HTTPStatus.CREATED.value

    @routes.get("/<int:reservation_id>")
    @documented(
        "One reservation", tag="Reservations", answers=[answer(200, "The reservation", ReservationView, RESERVATION)]
    )
    async def get_reservation(reservation_id: int) -> ResponseReturnValue:
        return _describe(_known(services, reservation_id))

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
        reservation = _known(services, reservation_id)
        if reservation.state is not ReservationState.ACTIVE:
            raise Problem(HTTPStatus.CONFLICT, f"The reservation is {reservation.state}")
        request = {"reservationId": reservation_id}
        response = await services.call(reservation.station_id, "CancelReservation", request)
        return {"status": response["status"], "reservation": _describe(reservation)}

    @routes.errorhandler(NothingAvailable)
    async def nothing_available(error: NothingAvailable) -> ResponseReturnValue:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)).response()

    return routes


def _known(services: Services, reservation_id: int) -> Reservation:
    reservation = services.reservations.get(reservation_id)
    if reservation is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"No reservation {reservation_id} is known here")
    return reservation


def _describe(reservation: Reservation) -> dict[str, Any]:
    return {
        "reservation_id": reservation.reservation_id,
        "station_id": reservation.station_id,
        "evse_id": reservation.evse_id,
        "id_token": reservation.request["idToken"],
        "expires_at": reservation.expires_at.isoformat(),
        "state": reservation.state.value,
    }
