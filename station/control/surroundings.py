"""The routes of what may fail around a station: its network, its power, and single messages."""

from __future__ import annotations

from http import HTTPStatus

from quart import Blueprint
from quart.typing import ResponseReturnValue

from station.app import Station
from station.control.requests import perform
from station.control.views import network_view
from station.deeds import STATION_DEEDS


def network_routes(station: Station) -> Blueprint:
    """/network: each answers with the network as it is then."""
    routes = Blueprint("network", __name__, url_prefix="/network")

    @routes.post("/down")
    async def down() -> ResponseReturnValue:
        await perform(STATION_DEEDS["network-down"], station)
        return network_view(station.network)

    @routes.post("/up")
    async def up() -> ResponseReturnValue:
        await perform(STATION_DEEDS["network-up"], station)
        return network_view(station.network)

    return routes


def power_routes(station: Station) -> Blueprint:
    """/power-cycle."""
    routes = Blueprint("power", __name__)

    @routes.post("/power-cycle")
    async def power_cycle() -> ResponseReturnValue:
        how = await perform(STATION_DEEDS["power-cycle"], station)
        return {"off_s": how["seconds"]}, HTTPStatus.ACCEPTED.value

    return routes


def fault_routes(station: Station) -> Blueprint:
    """/faults: each answers with the rules in force, and how often each has struck."""
    routes = Blueprint("faults", __name__)

    @routes.get("/faults")
    async def get_faults() -> ResponseReturnValue:
        return station.faults.report()

    @routes.put("/faults")
    async def put_faults() -> ResponseReturnValue:
        await perform(STATION_DEEDS["faults"], station)
        return station.faults.report()

    @routes.delete("/faults")
    async def clear_faults() -> ResponseReturnValue:
        await perform(STATION_DEEDS["clear-faults"], station)
        return station.faults.report()

    return routes
