"""C Authorization: what the CSMS says of tokens."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import MockClock

from tests.csms.fake_station import FakeStation
from tests.csms.site import Site

TYPES = ["Central", "eMAID", "ISO14443", "ISO15693", "Local", "MacAddress"]
HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "aa",
    "issuerKeyHash": "bb",
    "serialNumber": "01",
    "responderURL": "http://ocsp.example",
}


async def info(station: FakeStation, number: str, kind: str = "ISO14443", **more: Any) -> dict[str, Any]:
    answer = await station.ask("Authorize", {"idToken": {"idToken": number, "type": kind}, **more})
    return dict(answer["idTokenInfo"])


@pytest.mark.parametrize("kind", TYPES)
async def test_c01_fr_07_a_token_of_every_type_is_judged(site: Site, autojump_clock: MockClock, kind: str) -> None:
    station = await site.connect_ready()
    assert await info(station, "AA11", kind) == {"status": "Unknown"}
    assert (await site.put(f"/api/v1/tokens/{kind}/AA11", {})).status == 201
    assert await info(station, "AA11", kind) == {"status": "Accepted"}
    assert await info(station, "AA12", kind) == {"status": "Unknown"}


async def test_c04_fr_01_a_key_code_that_is_not_valid_here_is_invalid(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    assert await info(station, "1234", "KeyCode") == {"status": "Invalid"}
    await site.put("/api/v1/tokens/KeyCode/1234", {"stations": {"CP_9": []}})
    assert await info(station, "1234", "KeyCode") == {"status": "Invalid"}
    await site.put("/api/v1/tokens/KeyCode/1234", {"status": "Blocked"})
    assert await info(station, "1234", "KeyCode") == {"status": "Blocked"}


async def test_c04_fr_02_a_valid_key_code_is_accepted(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/KeyCode/1234", {})
    assert await info(station, "1234", "KeyCode") == {"status": "Accepted"}
    assert await info(station, "1235", "KeyCode") == {"status": "Invalid"}


async def test_c02_fr_02_no_authorization_is_accepted(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    assert await info(station, "", "NoAuthorization") == {"status": "Accepted"}


async def test_tokens_compare_without_regard_to_case(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AbCd", {})
    assert await info(station, "aBcD") == {"status": "Accepted"}
    assert (await site.get("/api/v1/tokens/ISO14443/ABCD")).json["id_token"] == "AbCd"


@pytest.mark.parametrize("status", ["Blocked", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisTime", "Invalid"])
async def test_c01_fr_07_a_reason_for_rejection_is_told(site: Site, autojump_clock: MockClock, status: str) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"status": status})
    assert await info(station, "AA11") == {"status": status}


async def test_c01_fr_06_the_group_is_told(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"group_id": "FLEET"})
    assert (await info(station, "AA11"))["groupIdToken"] == {"idToken": "FLEET", "type": "Central"}


async def test_c10_fr_13_the_expiry_is_told_and_then_the_token_is_expired(
    site: Site, autojump_clock: MockClock
) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"expires_at": "2026-11-22T05:00:00+01:00"})
    expiry = {"cacheExpiryDateTime": "2026-11-22T04:00:00.000Z"}
    assert await info(station, "AA11") == {"status": "Accepted", **expiry}
    await site.put("/api/v1/tokens/ISO14443/AA11", {"expires_at": "2026-11-22T03:00:00Z"})
    assert (await info(station, "AA11"))["status"] == "Expired"


@pytest.mark.parametrize(
    ("stations", "expected"),
    [
        (None, {"status": "Accepted"}),  # C01.FR.19
        ({"CP_1": []}, {"status": "Accepted"}),  # C01.FR.19
        ({"CP_1": [2, 3]}, {"status": "Accepted", "evseId": [2, 3]}),  # C01.FR.20
        ({"CP_2": []}, {"status": "NotAtThisLocation"}),  # C01.FR.22
    ],
)
async def test_c01_fr_19_to_22_where_a_token_may_be_used(
    site: Site, autojump_clock: MockClock, stations: dict[str, list[int]] | None, expected: dict[str, Any]
) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"stations": stations})
    assert await info(station, "AA11") == expected


async def test_language_message_and_priority_are_told(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    body = {
        "language1": "nl",
        "language2": "en-US",
        "personal_message": {"content": "Hello", "format": "UTF8", "language": "en"},
        "charging_priority": 3,
    }
    assert (await site.put("/api/v1/tokens/ISO14443/AA11", body)).status == 201
    assert await info(station, "AA11") == {
        "status": "Accepted",
        "language1": "nl",
        "language2": "en-US",
        "personalMessage": {"content": "Hello", "format": "UTF8", "language": "en"},
        "chargingPriority": 3,
    }


@pytest.mark.parametrize("proof", [{"certificate": "PEM"}, {"iso15118CertificateHashData": [HASH]}])
async def test_c07_fr_17_a_certificate_chain_cannot_be_verified(
    site: Site, autojump_clock: MockClock, proof: dict[str, Any]
) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/eMAID/DE123", {})
    request = {"idToken": {"idToken": "DE123", "type": "eMAID"}, **proof}
    answer = await station.ask("Authorize", request)
    assert answer == {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertChainError"}


async def test_c16_a_master_pass_is_accepted_with_its_group(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/POLICE", {"group_id": "MASTER", "master_pass": True})
    assert await info(station, "POLICE") == {
        "status": "Accepted",
        "groupIdToken": {"idToken": "MASTER", "type": "Central"},
    }
