"""REST version 1: the registry of stations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeVar

import msgspec
import trio
from quart import Blueprint
from quart.typing import ResponseReturnValue
from sqlalchemy import Connection
from websockets.frames import CloseCode

from csms.api import queries as asked
from csms.api.bodies import PatchStation, PutStation, read_body
from csms.api.documentation import PAGE, Answer, answer, body, documented, query
from csms.api.paging import read_page
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.views import STATION, StationsView, StationView
from csms.api.whole import made_whole
from csms.registry import Entry, Registration, Station, is_identity
from shared.ocppj.date_time import to_wire

_Row = TypeVar("_Row")


def station_routes(services: Services) -> Blueprint:
    """/api/v1/stations and below."""
    routes = Blueprint("stations", __name__, url_prefix="/api/v1/stations")

    @routes.get("")
    @documented(
        "All stations",
        tag="Stations",
        query=[
            query(
                "connected", "true: only those connected now; false: only the others", "true", enum=["true", "false"]
            ),
            query("registration", "Only those whose BootNotification is answered so", enum=list(Registration)),
            *PAGE,
        ],
        answers=[answer(200, "A page, by identity", StationsView, {"stations": [STATION], "next_cursor": None})],
    )
    async def list_stations() -> ResponseReturnValue:
        page = read_page(str)
        is_wanted = _read_filter(services)
        after = "" if page.after is None else page.after[0]
        wanted = (station for station in services.registry if station.station_id > after and is_wanted(station))
        found = list(islice(wanted, page.limit + 1))
        last_key = [found[page.limit - 1].station_id] if len(found) > page.limit else None
        return page.answer("stations", [_describe(services, one) for one in found[: page.limit]], last_key)

    @routes.get("/<station_id>")
    @documented("One station", tag="Stations", answers=[answer(200, "The station", StationView, STATION)])
    async def get_station(station_id: str) -> ResponseReturnValue:
        return _describe(services, known_station(services, station_id))

    @routes.put("/<station_id>")
    @documented(
        "Register a station",
        tag="Stations",
        description="Creates the entry, or replaces it: what is left out becomes its default, but for the "
        "password, which stays. A station whose "
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
        status = HTTPStatus.CREATED if services.registry.get(station_id) is None else HTTPStatus.OK
        entry = await _changed(services, body)
        with made_whole():
            station = await services.registry.put(station_id, **_demoted(entry))
            await _hang_up_demoted(services, station, entry)
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
        station = known_station(services, station_id)
        entry = await _changed(services, body)
        with made_whole():
            await services.registry.update(station, **_demoted(entry))
            await _hang_up_demoted(services, station, entry)
        return _describe(services, known_station(services, station_id))

    @routes.delete("/<station_id>")
    @documented(
        "Forget a station",
        tag="Stations",
        description="One that is connected is disconnected. Commands that wait for it are Cancelled, its reservations "
        "Removed. What happened there stays: its transactions, and what was measured and said. Where registration "
        "is open, one that comes back is a new one.",
        answers=[Answer(204, "It is forgotten", media=None)],
    )
    async def delete_station(station_id: str) -> ResponseReturnValue:
        station = known_station(services, station_id)
        with made_whole():
            await services.commands.station_removed(station_id)
            await services.reservations.station_removed(station_id)
            await services.registry.remove(station)
            services.device_models.forget(station_id)
            await _hang_up(services, station_id, "the station was deleted")
        return "", HTTPStatus.NO_CONTENT.value

    return routes


def known_station(services: Services, station_id: str) -> Station:
    """The station of that identity. Raises Problem 404 when there is none."""
    station = services.registry.get(station_id)
    if station is None:
        raise _unknown(station_id)
    return station


async def history(services: Services, station_id: str, read: Callable[[Connection], list[_Row]]) -> list[_Row]:
    """What `read` finds of a station, also of one that was deleted. Raises Problem 404 when neither is known."""
    if not is_identity(station_id):  # nor anything that every database can compare with
        raise _unknown(station_id)
    found = await services.store.read(read)
    if not found:
        known_station(services, station_id)
    return found


def _unknown(station_id: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"No charging station {station_id} is known here")


async def _changed(services: Services, body: PatchStation) -> Entry:
    entry = Entry()
    if body.password is not msgspec.UNSET:
        entry["password_hash"] = None if body.password is None else await services.passwords.hash(body.password)
        entry["next_password_hash"] = None
    if body.security_profile is not msgspec.UNSET:
        entry["security_profile"] = body.security_profile
    if body.registration is not msgspec.UNSET:
        entry["registration"] = body.registration
    if body.items_per_message is not msgspec.UNSET:
        entry["items_per_message"] = body.items_per_message
    return entry


def _read_filter(services: Services) -> Callable[[Station], bool]:
    """The query's connected=true|false and registration=Accepted|Pending|Rejected. Raises Problem (422)."""
    connected, registration = asked.truth("connected"), asked.choice("registration", Registration)

    def is_wanted(station: Station) -> bool:
        if registration is not None and station.registration != registration:
            return False
        return connected is None or connected == (services.switchboard.find(station.station_id) is not None)

    return is_wanted


def _demoted(entry: Entry) -> Entry:
    """A station that is no longer welcome has to boot again before it may go on."""
    if entry.get("registration", Registration.ACCEPTED) is not Registration.ACCEPTED:
        return {**entry, "accepted": False}
    return entry


async def _hang_up_demoted(services: Services, station: Station, entry: Entry) -> None:
    """One that was accepted and is no longer welcome is made to boot at once."""
    seat = services.switchboard.find(station.station_id)
    registration = entry.get("registration", Registration.ACCEPTED)
    if registration is not Registration.ACCEPTED and seat is not None and seat.state.is_accepted:
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
        "items_per_message": dict(station.items_per_message),
        "has_password": station.password_hash is not None,
        "connected": seat is not None,
        "state": None if seat is None else seat.state.value,
        "subprotocol": None if seat is None else seat.version.subprotocol,
        "last_seen": _moment(station.last_seen),
        "booted_at": _moment(station.booted_at),
        "reset": None if station.reset is None else asdict(station.reset),
        "availability": [asdict(one) for one in station.availability],
        "charging_station": station.boot,
        "connectors": [
            {
                "evse_id": evse_id,
                "connector_id": connector_id,
                "status": connector.status,
                "timestamp": to_wire(connector.timestamp),
            }
            for (evse_id, connector_id), connector in sorted(station.connectors.items())
        ],
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else to_wire(moment)
