"""Holding a token to a reader, and reaching into the station's memory for tests."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.control import create_control
from station.device_model import MESSAGE_TIMEOUT, DeviceModel
from tests.station.control.client import CALL_PATIENCE_S, Client, controlled
from tests.station.fake_csms import station_on_fake_csms

TOKEN = {"idToken": "04AABBCC", "type": "ISO14443"}
PRESENT = "/evses/1/present-token"


async def test_who_presents_a_token_is_told_what_the_csms_says(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas, thinks_s={"Authorize": 3.0}) as (client, _, csms):
        csms.tokens["04AABBCC"] = {"status": "Blocked"}
        assert await client.post(PRESENT, TOKEN) == {"status": "Blocked"}
        assert trio.current_time() == 3
        assert [call.payload for call in csms.received if call.action == "Authorize"] == [{"idToken": TOKEN}]
        csms.tokens["04AABBCC"] = {"status": "Accepted", "groupIdToken": {"idToken": "G", "type": "Central"}}
        info = await client.post(PRESENT, TOKEN)
        assert info == {"status": "Accepted", "groupIdToken": {"idToken": "G", "type": "Central"}}


async def test_the_whole_token_is_presented(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, csms):
        token = TOKEN | {"additionalInfo": [{"additionalIdToken": "x", "type": "y"}]}
        await client.post(PRESENT, token)
        assert [call.payload for call in csms.received if call.action == "Authorize"] == [{"idToken": token}]


@pytest.mark.parametrize(
    ("token", "detail"),
    [
        ({}, "/idToken: expected a string of 1 to 36 characters, but it is missing"),
        (TOKEN | {"idToken": "x" * 37}, "/idToken: expected a string of 1 to 36 characters, got 'xxxxxxxxxxxx"),
        (TOKEN | {"idToken": ""}, "/idToken: expected a string of 1 to 36 characters, got ''"),
        (TOKEN | {"type": "RFID"}, "/type: expected one of Central, eMAID, ISO14443, "),
        (TOKEN | {"additionalInfo": [{}]}, "/additionalInfo/0/additionalIdToken: expected a string"),
    ],
)
async def test_what_is_no_token_is_told(autojump_clock: MockClock, schemas: Schemas, token: Any, detail: str) -> None:
    async with controlled(schemas) as (client, _, _csms):
        assert (await client.refused(422, "POST", PRESENT, token)).startswith(detail)


async def test_a_token_that_nobody_decides_on_in_time_and_one_that_nobody_notices(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = DeviceModel()
    variables[MESSAGE_TIMEOUT] = 100
    async with controlled(schemas, thinks_s={"Authorize": 1000.0}, variables=variables) as (client, _, _csms):
        assert await client.refused(504, "POST", PRESENT, TOKEN) == (
            f"Nobody has decided on the token within {CALL_PATIENCE_S:g} s"
        )
        await client.ask("POST", "/power-cycle", status=202)
        await trio.sleep(1)
        assert await client.refused(409, "POST", PRESENT, TOKEN) == "The station is off: nothing notices the token"


async def test_a_test_can_set_any_variable(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, interval_s=300) as (station, csms):
        control = create_control(station, host="127.0.0.1", token=None, call_patience_s=60, test_hooks=True)
        client = Client(control.test_client())
        csms.forget()
        path = "/test/variables/OCPPCommCtrlr/HeartbeatInterval"
        assert await client.ask("PUT", path, {"value": "5"}) == {"value": "5", "instance": None}
        await trio.sleep(11)
        assert csms.actions == ["Heartbeat", "Heartbeat"]
        path = "/test/variables/OCPPCommCtrlr/MessageAttempts"
        await client.ask("PUT", path, {"value": "9", "instance": "TransactionEvent"})
        assert await client.refused(404, "PUT", path, {"value": "9"}) == (
            "There is no variable OCPPCommCtrlr.MessageAttempts"
        )
        assert (await client.refused(422, "PUT", "/test/variables/AuthCtrlr/Enabled", {"value": "7"})).startswith(
            "/value: "
        )


async def test_a_test_can_have_a_token_known(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        control = create_control(station, host="127.0.0.1", token=None, call_patience_s=60, test_hooks=True)
        client = Client(control.test_client())
        for variable in ("LocalPreAuthorize", "LocalAuthorizeOffline"):
            await client.ask("PUT", f"/test/variables/AuthCtrlr/{variable}", {"value": "true"})
        known = {"status": "Accepted", "cacheExpiryDateTime": "2030-01-01T12:00:00Z"}
        assert await client.ask("PUT", "/test/auth-cache/04AABBCC", known) == {"idToken": TOKEN, "idTokenInfo": known}
        csms.forget()
        assert await client.post(PRESENT, TOKEN) == known
        assert csms.received == []
        assert await client.refused(422, "PUT", "/test/auth-cache/1", {"cacheExpiryDateTime": "tomorrow"}) == (
            "/cacheExpiryDateTime: expected a date and time such as 2030-01-01T12:00:00Z, got 'tomorrow'"
        )
        assert (await client.refused(422, "PUT", f"/test/auth-cache/{'A' * 37}", {})).startswith(
            "The token in the path: expected a string of 1 to 36 characters, got 'AAA"
        )
        await client.ask("PUT", "/test/variables/AuthCacheCtrlr/Enabled", {"value": "false"})
        detail = await client.refused(409, "PUT", "/test/auth-cache/04AABBCC", known)
        assert detail.startswith("The Authorization Cache is not in use")


async def test_without_test_hooks_there_are_none(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with controlled(schemas) as (client, _, _csms):
        await client.refused(404, "PUT", "/test/variables/AuthCtrlr/Enabled", {"value": "true"})
