"""Network, power, faults and calls, by the control interface."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj.errors import InternalError
from shared.ocppj.schemas import Schemas
from station.control.calls import MOST_CALLS
from tests.station.control.client import CALL_PATIENCE_S, controlled

HEARTBEAT = "/calls/Heartbeat"


async def test_the_network_goes_down_and_up(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, csms):
        assert await client.post("/network/down", {"seconds": 30}) == {"up": False, "half_open": False, "up_in_s": 30}
        await wait_all_tasks_blocked()
        assert [goodbye.code for goodbye in csms.goodbyes] == [1006]
        status = await client.get("/status")
        assert (status["connected"], status["online"], status["network"]["up"]) == (False, False, False)
        assert await client.post("/network/up") == {"up": True, "half_open": False, "up_in_s": 0}
        assert await client.post("/network/down", {"half_open": True}) == {
            "up": False,
            "half_open": True,
            "up_in_s": None,
        }
        assert await client.refused(422, "POST", "/network/down", {"seconds": 0}) == (
            "/seconds: expected a number above 0 and up to 1000000, got 0"
        )


async def test_a_power_cycle_boots_the_station_anew(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, csms):
        csms.forget()
        assert await client.ask("POST", "/power-cycle", {"seconds": 8}, status=202) == {"off_s": 8}
        await wait_all_tasks_blocked()
        status = await client.get("/status")
        assert (status["firmware"], status["evses"][0]["connectors"][0]["status"]) == ("off", None)
        assert await client.refused(409, "POST", "/power-cycle") == "The station is off already"
        assert await client.refused(503, "POST", HEARTBEAT) == "The station is off; it boots when the power is back"
        await trio.sleep(9)
        assert csms.received[0].payload["reason"] == "PowerUp"
        assert [goodbye.code for goodbye in csms.goodbyes] == [1006]
        await client.ask("POST", "/power-cycle", {"graceful": True}, status=202)
        await trio.sleep(9)
        assert [goodbye.code for goodbye in csms.goodbyes] == [1006, 1001]
        assert csms.received[-2].payload["reason"] == "LocalReset"


async def test_faults_are_put_seen_and_taken_away(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, station, csms):
        assert await client.get("/faults") == {"rules": []}
        rule = {"kind": "drop", "action": "StatusNotification", "direction": "sent", "count": 1}
        put = await client.ask("PUT", "/faults", {"rules": [rule], "seed": 4})
        assert put == {"rules": [rule | {"probability": 1, "after": 0, "seen": 0, "struck": 0}], "seed": 4}
        csms.forget()
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(1)
        assert csms.received == []
        assert (await client.get("/faults"))["rules"][0]["struck"] == 1
        assert (await client.get("/status"))["faults"][0]["struck"] == 1
        assert await client.refused(422, "PUT", "/faults", {"rules": [{"kind": "delay"}]}) == (
            "/rules/0/seconds: expected a number above 0 and up to 1000000, but it is missing"
        )
        assert await client.refused(422, "PUT", "/faults", [rule]) == "the document: expected an object, got a list"
        assert await client.delete("/faults") == {"rules": []}


async def test_any_request_of_a_station_can_be_sent(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, csms):
        csms.forget()
        assert "currentTime" in (await client.post(HEARTBEAT))["result"]
        data = {"vendorId": "org.example", "data": {"a": 1}}
        csms.refuses["DataTransfer"] = InternalError("no", {"why": "so"})
        problem = await client.ask("POST", "/calls/DataTransfer", data, status=502)
        assert problem["error"] == {"code": "InternalError", "description": "no", "details": {"why": "so"}}
        assert [(call.action, call.payload) for call in csms.received] == [("Heartbeat", {}), ("DataTransfer", data)]


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("/calls/Hartbeat", {}, 404, "Hartbeat is not an action that a station sends in ocpp2.0.1"),
        ("/calls/ReserveNow", {}, 404, "ReserveNow is not an action that a station sends in ocpp2.0.1"),
        (HEARTBEAT, [1], 422, "the document: expected an object, the payload, got a list"),
        ("/calls/DataTransfer", {}, 422, "/vendorId: required, but missing"),
        ("/calls/DataTransfer", {"vendorId": 3}, 422, "/vendorId: "),
    ],
)
async def test_what_cannot_be_sent_is_told(
    autojump_clock: MockClock, schemas: Schemas, path: str, body: Any, status: int, detail: str
) -> None:
    async with controlled(schemas) as (client, _, csms):
        csms.forget()
        assert (await client.refused(status, "POST", path, body)).startswith(detail)
        assert csms.received == []


async def test_a_call_that_nobody_answers_is_told(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas, thinks_s={"DataTransfer": 1000.0}) as (client, station, _csms):
        data = {"vendorId": "org.example"}
        assert await client.refused(504, "POST", "/calls/DataTransfer", data) == (
            "no answer to DataTransfer within 30 s"
        )
        station.network.down()
        await wait_all_tasks_blocked()
        assert await client.refused(503, "POST", HEARTBEAT) == "the station is not connected"


async def test_there_is_an_end_to_the_calls_that_wait(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas, thinks_s={"DataTransfer": 1000.0}) as (client, _, _csms):
        details: list[str] = []

        async def call() -> None:
            response = await client.ask("POST", "/calls/DataTransfer", {"vendorId": "org.example"}, status=504)
            details.append(response["detail"])

        async with trio.open_nursery() as nursery:
            for _ in range(MOST_CALLS):
                nursery.start_soon(call)
            await wait_all_tasks_blocked()
            assert await client.refused(503, "POST", HEARTBEAT) == f"{MOST_CALLS} calls are waiting already"
        assert trio.current_time() == CALL_PATIENCE_S
        assert details[-1] == f"It was not its turn within {CALL_PATIENCE_S:g} s"
