"""What the routes of the control interface have in common: what they work on, bodies, places, power."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from quart import request

from shared.rest.problems import Problem
from station.app import Station
from station.deeds import Deed, Impossible
from station.fields import Invalid, Read, record
from station.firmware import Firmware
from station.hardware import Connector, Evse, HardwareError

Value = TypeVar("Value")
Target = TypeVar("Target")


async def read_json() -> Any:
    """The request's JSON body, no body being {}. Raises Problem 400."""
    try:
        return orjson.loads(await request.get_data() or b"{}")
    except orjson.JSONDecodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}") from None


async def read_body(read: Read[Value]) -> Value:
    """The request's body as `read` understands it. Raises Problem: 400 not JSON, 422 not what was expected."""
    return checked(lambda document: read(document, ""), await read_json())


def checked(take: Callable[[Any], Value], document: Any) -> Value:
    """What `take` makes of a document. Raises Problem 422 in place of Invalid."""
    try:
        return take(document)
    except Invalid as invalid:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(invalid), pointer=invalid.pointer) from None


def known_evse(station: Station, evse_id: str) -> Evse:
    """The EVSE that a path names. Raises Problem 404."""
    evse = station.hardware.evse(int(evse_id)) if _is_number(evse_id) else None
    if evse is None:
        there = ", ".join(str(evse.evse_id) for evse in station.hardware.evses)
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no EVSE {evse_id}; there are: {there}")
    return evse


def known_connector(station: Station, evse_id: str, connector_id: str) -> tuple[Evse, Connector]:
    """The connector that a path names, and its EVSE. Raises Problem 404."""
    evse = known_evse(station, evse_id)
    connector = evse.connector(int(connector_id)) if _is_number(connector_id) else None
    if connector is None:
        there = ", ".join(str(connector.connector_id) for connector in evse.connectors)
        raise Problem(HTTPStatus.NOT_FOUND, f"EVSE {evse_id} has no connector {connector_id}; it has: {there}")
    return evse, connector


def running(station: Station) -> Firmware:
    """The station's firmware. Raises Problem 503 while it is off."""
    if station.firmware is None:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The station is off; it boots when the power is back")
    return station.firmware


def impossible(why: str) -> Problem:
    """409: the world does not let that happen."""
    return Problem(HTTPStatus.CONFLICT, why[:1].upper() + why[1:])


async def perform(deed: Deed[Target], target: Target) -> Mapping[str, Any]:
    """Do what the request says, and return that. Raises Problem, 409 when the world does not let it happen."""
    values = await read_body(record(deed.fields))
    act = checked(lambda written: deed.prepare(target, written, ""), values)
    try:
        act()
    except (HardwareError, Impossible) as error:
        raise impossible(str(error)) from None
    return values


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
