"""The routes of what may fail around a station: its network, its power, and single messages."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from quart import Blueprint
from quart.typing import ResponseReturnValue

from station.app import REBOOT_S, Station
from station.control.requests import checked, impossible, read_body, read_json
from station.control.views import network_view
from station.fields import Field, flag, number, record

_LONGEST_S: Final = 1_000_000
_DOWN: Final = record({"seconds": Field(number(above=0, most=_LONGEST_S)), "half_open": Field(flag, default=False)})
_NOTHING: Final = record({})
_POWER_CYCLE: Final = record(
    {"graceful": Field(flag, default=False), "seconds": Field(number(least=0, most=_LONGEST_S), default=REBOOT_S)}
)


def network_routes(station: Station) -> Blueprint:
    """/network: each answers with the network as it is then."""
    routes = Blueprint("network", __name__, url_prefix="/network")

    @routes.post("/down")
    async def down() -> ResponseReturnValue:
        how = await read_body(_DOWN)
        station.network.down(how["seconds"], half_open=how["half_open"])
        return network_view(station.network)

    @routes.post("/up")
    async def up() -> ResponseReturnValue:
        await read_body(_NOTHING)
        station.network.up()
        return network_view(station.network)

    return routes


def power_routes(station: Station) -> Blueprint:
    """/power-cycle."""
    routes = Blueprint("power", __name__)

    @routes.post("/power-cycle")
    async def power_cycle() -> ResponseReturnValue:
        how = await read_body(_POWER_CYCLE)
        if station.firmware is None:
            raise impossible("the station is off already")
        station.reboot("LocalReset" if how["graceful"] else "PowerUp", graceful=how["graceful"], off_s=how["seconds"])
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
        checked(station.faults.put, await read_json())
        return station.faults.report()

    @routes.delete("/faults")
    async def clear_faults() -> ResponseReturnValue:
        station.faults.clear()
        return station.faults.report()

    return routes
