"""The control interface as a whole: what it shows, whom it lets in, what it makes of nonsense."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj.schemas import Schemas
from station.control import create_control, serve_control
from tests.station.control.client import controlled
from tests.station.fake_csms import station_on_fake_csms

TOKEN = {"idToken": "04AABBCC", "type": "ISO14443"}


async def test_status_shows_everything(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas, connector_types=(("cType2", "cCCS2"),)) as (client, _, csms):
        await csms.call(
            "ReserveNow",
            {
                "id": 5,
                "expiryDateTime": "2026-11-22T04:00:00Z",
                "evseId": 1,
                "idToken": {"idToken": "guest", "type": "Central"},
            },
        )
        status = await client.get("/status")
        evses = status.pop("evses")
        assert status == {
            "identity": "CP_1",
            "time": "2026-11-22T03:52:53.000Z",
            "firmware": "running",
            "csms_url": "ws://csms/ocpp",
            "connected": True,
            "online": True,
            "registration": "Accepted",
            "reservations": [
                {"id": 5, "evseId": 1, "connectorType": None, "expiryDateTime": "2026-11-22T04:00:00.000Z"}
            ],
            "reserved_evses": [1],
            "transactions": [],
            "authorized": [],
            "events_queued": 0,
            "cached_tokens": 0,
            "network": {"up": True, "half_open": False, "up_in_s": 0},
            "operative": True,
            "powered": True,
            "faults": [],
        }
        connectors = evses[0].pop("connectors")
        meter = evses[0].pop("meter")
        assert evses == [
            {
                "id": 1,
                "transfer": "Idle",
                "operative": True,
                "fault": None,
                "breaker_tripped": False,
                "contactor_closed": False,
                "bay_occupied": False,
                "display": [],
                "limits": {"power_w": None, "current_a": None, "phases": None},
                "plugged": None,
            }
        ]
        assert (meter["energy_wh"], meter["power_w"], meter["phases"]) == (0, 0, ["L1", "L2", "L3"])
        assert [connector["type"] for connector in connectors] == ["cType2", "cCCS2"]
        assert connectors[0] == {
            "id": 1,
            "type": "cType2",
            "status": "Reserved",
            "operative": True,
            "fault": None,
            "plugged_in": False,
            "locked": False,
            "jammed": False,
            "blocked": False,
            "fixed_cable": True,
            "phases": 3,
            "max_current_a": 32,
            "max_power_w": 22080,
            "cable_max_a": None,
            "vehicle": None,
        }


async def test_status_shows_who_charges(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, csms):
        await client.post("/evses/1/connectors/1/plug-in")
        await client.post("/evses/1/present-token", TOKEN)
        await wait_all_tasks_blocked()
        started = next(call.payload for call in csms.received if call.payload.get("eventType") == "Started")
        status = await client.get("/status")
        (transaction,) = status["transactions"]
        assert transaction["transactionId"] == started["transactionInfo"]["transactionId"]
        assert (transaction["evseId"], transaction["connectorId"], transaction["idToken"]) == (1, 1, TOKEN)
        assert transaction["chargingState"] == "Charging"
        assert status["authorized"] == [{"evseId": 1, "idToken": TOKEN, "refused": False}]
        assert (status["events_queued"], status["cached_tokens"]) == (0, 1)
        station_off = await client.ask("POST", "/power-cycle", status=202)
        assert station_off == {"off_s": 5}
        await wait_all_tasks_blocked()
        assert "transactions" not in await client.get("/status")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(None, 401), ("Bearer wrong", 401), ("Basic secret", 401), ("Bearer secret", 200), ("bearer secret", 200)],
)
async def test_with_a_token_nobody_else_is_let_in(
    autojump_clock: MockClock, schemas: Schemas, authorization: str | None, status: int
) -> None:
    async with station_on_fake_csms(schemas) as (station, _):
        control = create_control(station, host="0.0.0.0", token="secret", call_patience_s=60)  # noqa: S104
        headers = {} if authorization is None else {"Authorization": authorization}
        response = await control.test_client().get("/status", headers=headers)
        assert response.status_code == status
        assert (response.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": "localhost:7001", "Origin": "https://evil.example"}]
)
async def test_without_a_token_no_page_of_a_browser_is_let_in(
    autojump_clock: MockClock, schemas: Schemas, headers: dict[str, str]
) -> None:
    async with station_on_fake_csms(schemas) as (station, _):
        control = create_control(station, host="127.0.0.1", token=None, call_patience_s=60)
        response = await control.test_client().post("/evses/1/stop", headers=headers)
        assert response.status_code == 403
        assert "Without --control-token" in (await response.get_json(force=True))["detail"]


async def test_what_is_no_request_is_told(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, _):
        client = create_control(station, host="127.0.0.1", token=None, call_patience_s=60).test_client()
        for path, data, status, detail in [
            ("/evses/1/bay", "{", 400, "The body is not JSON: "),
            ("/evses/1/bay", "\xff", 400, "The body is not JSON: "),
            ("/nothing", "", 404, "The requested URL was not found"),
            ("/status", "", 405, "The method is not allowed"),
        ]:
            response = await client.post(path, data=data)
            problem = await response.get_json(force=True)
            assert (response.status_code, response.content_type) == (status, "application/problem+json")
            assert problem["detail"].startswith(detail)


async def test_it_serves_on_a_real_socket(schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, _), trio.open_nursery() as nursery:
        control = create_control(station, host="127.0.0.1", token=None, call_patience_s=60)
        url = await nursery.start(serve_control, control, "127.0.0.1", 0)
        host, port = url.removeprefix("http://").split(":")
        with trio.fail_after(20):
            async with await trio.open_tcp_stream(host, int(port)) as stream:
                await stream.send_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b"".join([bytes(part) async for part in stream])
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"identity":"CP_1"' in answer
        nursery.cancel_scope.cancel()
