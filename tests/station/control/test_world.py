"""What a driver and other people do to a station, by the control interface."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj.schemas import Schemas
from tests.station.control.client import controlled

CONNECTOR = "/evses/1/connectors/1"
TOKEN = {"idToken": "04AABBCC", "type": "ISO14443"}


async def test_a_vehicle_is_plugged_in_and_unplugged_and_the_csms_is_told(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with controlled(schemas) as (client, _, csms):
        csms.forget()
        evse = await client.post(f"{CONNECTOR}/plug-in", {"soc": 0.25, "capacity_wh": 40_000})
        assert evse["plugged"] == 1
        assert evse["connectors"][0]["status"] == "Occupied"
        vehicle = evse["connectors"][0]["vehicle"]
        assert (vehicle["soc"], vehicle["capacity_wh"], vehicle["supply"]) == (0.25, 40_000, "AC")
        evse = await client.post(f"{CONNECTOR}/unplug")
        assert (evse["plugged"], evse["connectors"][0]["vehicle"]) == (None, None)
        await wait_all_tasks_blocked()
        assert csms.statuses()[-1] == (1, 1, "Available")


async def test_a_vehicle_is_as_usual_for_its_connector_unless_it_is_told(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with controlled(schemas, connector_types=(("cCCS2", "sType2"),)) as (client, _, _csms):
        evse = await client.post(f"{CONNECTOR}/plug-in")
        assert evse["connectors"][0]["vehicle"]["supply"] == "DC"
        vehicle = {
            "supply": "AC",
            "soc": 0.1,
            "target_soc": 0.9,
            "capacity_wh": 30_000,
            "energy_requested_wh": 5000,
            "departure_s": 3600,
            "ready": False,
            "phases": 1,
            "min_current_a": 8,
            "max_current_a": 20,
            "max_power_w": 4600,
            "curve": [[0, 1], [0.5, 0.5], [1, 0.1]],
            "efficiency": 0.95,
            "power_factor": 0.98,
            "voltage_v": [300, 400],
        }
        evse = await client.post("/evses/1/connectors/2/plug-in", vehicle | {"cable_max_a": 20})
        assert vehicle.items() <= evse["connectors"][1]["vehicle"].items()
        assert evse["connectors"][1]["cable_max_a"] == 20


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"soc": 1.5}, "/soc: expected a number from 0 to 1, got 1.5"),
        ({"soc": "half"}, "/soc: expected a number from 0 to 1, got 'half'"),
        ({"capacity_wh": 0}, "/capacity_wh: expected a number above 0, got 0"),
        ({"phases": 4}, "/phases: expected a whole number from 1 to 3, got 4"),
        ({"curve": [[0, 1]]}, "/curve: expected a list of 2 to 100, got one of 1"),
        ({"curve": [[0, 1], [1]]}, "/curve/1: expected a list of 2, got one of 1"),
        ({"curve": [[0.2, 1], [1, 1]]}, "/curve: has states of charge that grow from 0 to 1"),
        ({"min_current_a": 20}, "/min_current_a: is not above max_current_a"),
        ({"cable_max_a": -1}, "/cable_max_a: expected a number above 0, got -1"),
        ([], "the document: expected an object, got a list"),
    ],
)
async def test_what_is_wrong_with_a_vehicle_is_told(
    autojump_clock: MockClock, schemas: Schemas, body: Any, detail: str
) -> None:
    async with controlled(schemas) as (client, station, _):
        assert await client.refused(422, "POST", f"{CONNECTOR}/plug-in", body) == detail
        assert not station.hardware.evses[0].plugged_in


async def test_a_field_that_does_not_exist_is_refused_with_those_that_do(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with controlled(schemas) as (client, _, _csms):
        detail = await client.refused(422, "POST", f"{CONNECTOR}/plug-in", {"SoC": 0.3})
        assert detail.startswith("/SoC: there is no such field; there are supply, capacity_wh, soc, ")


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/evses/3/connectors/1/plug-in", "There is no EVSE 3; there are: 1, 2"),
        ("/evses/0/connectors/1/plug-in", "There is no EVSE 0; there are: 1, 2"),
        ("/evses/one/connectors/1/plug-in", "There is no EVSE one; there are: 1, 2"),
        ("/evses/1/connectors/9/plug-in", "EVSE 1 has no connector 9; it has: 1"),
        ("/evses/7/stop", "There is no EVSE 7; there are: 1, 2"),
    ],
)
async def test_a_place_that_does_not_exist_is_not_found(
    autojump_clock: MockClock, schemas: Schemas, path: str, detail: str
) -> None:
    async with controlled(schemas, connector_types=(("cType2",), ("cType2",))) as (client, _, _csms):
        assert await client.refused(404, "POST", path) == detail


async def test_what_the_world_does_not_allow_is_a_conflict(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas, connector_types=(("sType2",),)) as (client, station, _):
        connector = station.hardware.evses[0].connectors[0]
        assert await client.refused(409, "POST", f"{CONNECTOR}/unplug") == "Nothing is plugged in at connector 1"
        assert await client.refused(409, "POST", "/evses/1/vehicle", {"ready": True}) == "There is no vehicle at EVSE 1"
        dc = await client.refused(409, "POST", f"{CONNECTOR}/plug-in", {"supply": "DC"})
        assert dc == "SType2 gives AC, not DC"
        await client.post(f"{CONNECTOR}/plug-in")
        await client.post("/evses/1/present-token", TOKEN)
        assert await client.refused(409, "POST", f"{CONNECTOR}/unplug") == "Connector 1 holds the plug"
        assert await client.refused(409, "POST", f"{CONNECTOR}/plug-in") == "Connector 1 has a vehicle already"
        assert connector.plugged_in


async def test_of_a_locked_cable_the_other_end_can_be_pulled(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas, connector_types=(("sType2",),)) as (client, station, _):
        await client.post(f"{CONNECTOR}/plug-in")
        station.hardware.evses[0].connectors[0].lock()
        evse = await client.post(f"{CONNECTOR}/unplug", {"side": "vehicle"})
        assert (evse["connectors"][0]["plugged_in"], evse["connectors"][0]["vehicle"]) == (True, None)
        again = await client.refused(409, "POST", f"{CONNECTOR}/unplug", {"side": "vehicle"})
        assert again == "The cable at connector 1 has no vehicle"


async def test_a_blocked_connector_takes_no_plug_and_a_jammed_lock_does_not_move(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with controlled(schemas) as (client, station, _):
        assert (await client.post(f"{CONNECTOR}/block"))["connectors"][0]["blocked"]
        assert "in the way" in await client.refused(409, "POST", f"{CONNECTOR}/plug-in")
        await client.delete(f"{CONNECTOR}/block")
        await client.post(f"{CONNECTOR}/plug-in")
        connector = station.hardware.evses[0].connectors[0]
        assert connector.lock()
        assert (await client.post(f"{CONNECTOR}/jam"))["connectors"][0]["jammed"]
        assert not connector.unlock()
        assert not (await client.delete(f"{CONNECTOR}/jam"))["connectors"][0]["jammed"]
        assert connector.unlock()


async def test_defects_come_and_go(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, _csms):
        evse = await client.post("/evses/1/fault", {"code": "GroundFailure"})
        assert (evse["fault"], evse["connectors"][0]["status"]) == ("GroundFailure", "Faulted")
        evse = await client.delete("/evses/1/fault")
        assert (evse["fault"], evse["connectors"][0]["status"]) == (None, "Available")
        evse = await client.post(f"{CONNECTOR}/fault")
        assert (evse["connectors"][0]["fault"], evse["fault"]) == ("InternalError", None)
        evse = await client.delete(f"{CONNECTOR}/fault")
        assert evse["connectors"][0]["fault"] is None
        evse = await client.post("/evses/1/breaker")
        assert (evse["breaker_tripped"], evse["connectors"][0]["status"]) == (True, "Faulted")
        assert not (await client.delete("/evses/1/breaker"))["breaker_tripped"]
        assert await client.refused(422, "POST", "/evses/1/fault") == (
            "/code: expected a string of 1 to 50 characters, but it is missing"
        )


async def test_the_vehicle_suspends_and_the_meter_shows_it(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, _csms):
        await client.post(f"{CONNECTOR}/plug-in", {"soc": 0.5})
        await client.post("/evses/1/present-token", TOKEN)
        evse = (await client.get("/status"))["evses"][0]
        assert (evse["transfer"], evse["contactor_closed"]) == ("Charging", True)
        assert evse["meter"]["power_w"] > 3000
        await trio.sleep(600)
        evse = await client.post("/evses/1/vehicle", {"ready": False})
        assert (evse["transfer"], evse["meter"]["power_w"]) == ("SuspendedEV", 0)
        assert evse["meter"]["energy_wh"] > 500
        assert evse["connectors"][0]["vehicle"]["soc"] > 0.5


async def test_limits_are_set_and_taken_away(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, _csms):
        await client.post(f"{CONNECTOR}/plug-in")
        await client.post("/evses/1/present-token", TOKEN)
        evse = await client.ask("PUT", "/evses/1/limits", {"power_w": 5000})
        assert evse["limits"] == {"power_w": 5000, "current_a": None, "phases": None}
        assert 0 < evse["meter"]["power_w"] <= 5000
        evse = await client.ask("PUT", "/evses/1/limits", {"current_a": 0})
        assert evse["transfer"] == "SuspendedEVSE"
        evse = await client.delete("/evses/1/limits")
        assert evse["limits"] == {"power_w": None, "current_a": None, "phases": None}
        assert await client.refused(422, "PUT", "/evses/1/limits", {"phases": 0}) == (
            "/phases: expected a whole number from 1 to 3, got 0"
        )


async def test_a_bay_is_occupied_and_left(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, _csms):
        assert (await client.post("/evses/1/bay", {"occupied": True}))["bay_occupied"]
        assert not (await client.post("/evses/1/bay", {"occupied": False}))["bay_occupied"]
        assert await client.refused(422, "POST", "/evses/1/bay", {"occupied": "yes"}) == (
            "/occupied: expected true or false, got 'yes'"
        )


async def test_the_stop_button_ends_the_transaction(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, csms):
        await client.post(f"{CONNECTOR}/plug-in")
        await client.post("/evses/1/present-token", TOKEN)
        await wait_all_tasks_blocked()
        csms.forget()
        assert not (await client.post("/evses/1/stop"))["contactor_closed"]
        await wait_all_tasks_blocked()
        event = next(call.payload for call in csms.received if call.action == "TransactionEvent")
        assert event["triggerReason"] == "StopAuthorized"


async def test_without_power_nothing_notices_the_stop_button(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, _csms):
        await client.ask("POST", "/power-cycle", status=202)
        await wait_all_tasks_blocked()
        assert await client.refused(409, "POST", "/evses/1/stop") == "There is no power: nothing notices the button"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", f"{CONNECTOR}/jam"), ("DELETE", "/evses/1/fault"), ("POST", "/evses/1/stop")]
)
async def test_what_takes_no_body_says_so(autojump_clock: MockClock, schemas: Schemas, method: str, path: str) -> None:
    async with controlled(schemas) as (client, _, _csms):
        assert await client.refused(422, method, path, {"code": "x"}) == "/code: there is no such field"
