"""REST version 1: the registry of stations."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
import trio
from quart import Blueprint
from quart.typing import ResponseReturnValue
from websockets.frames import CloseCode

from csms.api.bodies import PatchStation, PutStation, read_body
from csms.api.documentation import Answer, answer, body, documented
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.views import STATION, StationsView, StationView
from csms.registry import Registration, Station, is_identity


def station_routes(services: Services) -> Blueprint:
    """/api/v1/stations and below."""
    routes = Blueprint("stations", __name__, url_prefix="/api/v1/stations")

    @routes.get("")
    @documented(
        "All stations",
        tag="Stations",
        answers=[answer(200, "The stations, by identity", StationsView, {"stations": [STATION]})],
    )
    async def list_stations() -> ResponseReturnValue:
        return {"stations": [_describe(services, station) for station in services.registry]}

    @routes.get("/<station_id>")
    @documented("One station", tag="Stations", answers=[answer(200, "The station", StationView, STATION)])
    async def get_station(station_id: str) -> ResponseReturnValue:
        return _describe(services, known_station(services, station_id))

    @routes.put("/<station_id>")
    @documented(
        "Register a station",
        tag="Stations",
        description="Creates the entry, or replaces it: what is left out becomes its default. A station whose "
        "registration is taken back is disconnected and must boot again.",
        body=body(PutStation, {"password": "a password of its own", "security_profile": 1, "registration": "Accepted"}),
        answers=[
            answer(200, "The station was known before", StationView, STATION),
            answer(201, "The station is new", StationView, STATION | {"connected": False, "state": None}),
        ],
    )
    async def put_station(station_id: str) -> ResponseReturnValue:
        body = await read_body(PutStation)
        if not is_identity(station_id):
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "An identity has at most 48 of the characters A-Z a-z 0-9 * - _ = + | @ . (no colon)",
            )
        password_hash = None if body.password is None else await services.passwords.hash(body.password)
        status = HTTPStatus.CREATED if services.registry.get(station_id) is None else HTTPStatus.OK
        station = services.registry.get_or_add(station_id)
        station.password_hash = password_hash
        station.security_profile = body.security_profile
        await _register(services, station, body.registration)
        return _describe(services, station), status.value

    @routes.patch("/<station_id>")
    @documented(
        "Change a station's entry",
        tag="Stations",
        description="What is left out stays as it is; `password: null` takes the password away.",
        body=body(PatchStation, {"registration": "Pending"}),
        answers=[answer(200, "The station", StationView, STATION)],
    )
    async def patch_station(station_id: str) -> ResponseReturnValue:
        body = await read_body(PatchStation)
        known_station(services, station_id)
        password_hash = await services.passwords.hash(body.password) if isinstance(body.password, str) else None
        station = known_station(services, station_id)
        if body.password is not msgspec.UNSET:
            station.password_hash = password_hash
        if body.security_profile is not msgspec.UNSET:
            station.security_profile = body.security_profile
        if body.registration is not msgspec.UNSET:
            await _register(services, station, body.registration)
        return _describe(services, station)

    @routes.delete("/<station_id>")
    @documented(
        "Forget a station",
        tag="Stations",
        description="One that is connected is disconnected.",
        answers=[Answer(204, "It is forgotten", media=None)],
    )
    async def delete_station(station_id: str) -> ResponseReturnValue:
        known_station(services, station_id)
        services.registry.remove(station_id)
        await _hang_up(services, station_id, "the station was deleted")
        return "", HTTPStatus.NO_CONTENT.value

    return routes


def known_station(services: Services, station_id: str) -> Station:
    """The station of that identity. Raises Problem 404 when there is none."""
    station = services.registry.get(station_id)
    if station is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"No charging station {station_id} is known here")
    return station


async def _register(services: Services, station: Station, registration: Registration) -> None:
    """Decide how the station's next boot is answered; one that is no longer welcome is made to boot at once."""
    station.registration = registration
    if registration is not Registration.ACCEPTED and station.accepted:
        station.accepted = False
        await _hang_up(services, station.station_id, f"registration is now {registration}: boot again")


async def _hang_up(services: Services, station_id: str, reason: str) -> None:
    async with trio.open_nursery() as nursery:
        for seat in services.switchboard.seats():
            if seat.station_id == station_id:
                nursery.start_soon(seat.close, CloseCode.POLICY_VIOLATION, reason)


def _describe(services: Services, station: Station) -> dict[str, Any]:
    seat = services.switchboard.find(station.station_id)
    return {
        "station_id": station.station_id,
        "registration": station.registration.value,
        "security_profile": station.security_profile,
        "has_password": station.password_hash is not None,
        "connected": seat is not None,
        "state": None if seat is None else seat.state.value,
        "subprotocol": None if seat is None else seat.version.subprotocol,
        "charging_station": station.boot,
        "connectors": [
            {
                "evse_id": evse_id,
                "connector_id": connector_id,
                "status": connector.status,
                "timestamp": connector.timestamp.isoformat(),
            }
            for (evse_id, connector_id), connector in sorted(station.connectors.items())
        ],
    }
