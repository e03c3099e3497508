"""A Security: a station's password is changed by SetVariables (A01), and shown nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from csms.store.tables import metadata
from shared.handshake import HandshakeRefused
from tests.csms.fake_station import FakeStation
from tests.csms.site import PASSWORD, Site, settle

NEW = "the-new-password-22"
VARIABLE = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
TO_SET = {"setVariableData": [VARIABLE | {"attributeValue": NEW}]}


def result(status: str) -> dict[str, Any]:
    return {"setVariableResult": [VARIABLE | {"attributeStatus": status}]}


async def is_welcome(site: Site, password: str) -> bool:
    """Whether CP_1 may connect with a password; it goes again at once."""
    try:
        station = await site.connect(password=password)
    except HandshakeRefused as refused:
        return refused.status != 401
    await station.vanish()
    return True


async def change(site: Site, station: FakeStation, status: str) -> None:
    asking = site.call_later("SetVariables", TO_SET)
    await station.answer("SetVariables", result(status))
    assert (await asking.get()).status == 200


async def everything_kept(site: Site) -> str:
    """All rows of all tables, once what waits is written."""
    await site.csms.messages.flush()
    rows = await site.store.read(
        lambda connection: [
            list(map(str, row)) for table in metadata.sorted_tables for row in connection.execute(select(table))
        ]
    )
    return json.dumps(rows)


class TestA01ANewPassword:
    async def test_a01_fr_03_accepted_is_the_only_one_from_then_on(self, site: Site) -> None:
        await change(site, await site.connect_ready(), "Accepted")
        assert not await is_welcome(site, PASSWORD)
        assert await is_welcome(site, NEW)

    @pytest.mark.parametrize("status", ["Rejected", "UnknownVariable", "NotSupportedAttributeType"])
    async def test_a01_fr_04_refused_leaves_the_old_one(self, site: Site, status: str) -> None:
        await change(site, await site.connect_ready(), status)
        assert not await is_welcome(site, NEW)
        assert await is_welcome(site, PASSWORD)

    async def test_a01_fr_04_a_callerror_leaves_the_old_one(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later("SetVariables", TO_SET)
        await station.refuse("SetVariables", "InternalError")
        assert (await asking.get()).status == 502
        assert not await is_welcome(site, NEW)

    async def test_that_waits_for_a_reboot_is_taken_beside_the_old_one_until_it_is_shown(self, site: Site) -> None:
        await change(site, await site.connect_ready(), "RebootRequired")
        assert await is_welcome(site, PASSWORD)
        assert await is_welcome(site, NEW)
        assert not await is_welcome(site, PASSWORD)

    async def test_whose_answer_was_lost_does_not_lock_the_station_out(self, site: Site) -> None:
        station = await site.connect_ready()
        site.call_later("SetVariables", TO_SET)
        await station.expect("SetVariables")
        await site.restart()
        assert await is_welcome(site, PASSWORD)
        assert await is_welcome(site, NEW)
        await site.restart()
        assert not await is_welcome(site, PASSWORD)
        assert await is_welcome(site, NEW)

    async def test_that_is_accepted_late_counts(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later("SetVariables", TO_SET)
        message_id, _ = await station.expect("SetVariables")
        assert (await asking.get()).status == 504
        await station.send([3, message_id, result("Accepted")])
        await settle()
        assert not await is_welcome(site, PASSWORD)

    async def test_of_the_operators_takes_the_place_of_both(self, site: Site) -> None:
        await change(site, await site.connect_ready(), "RebootRequired")
        await site.patch("/api/v1/stations/CP_1", {"password": "of-the-operator"})
        assert not await is_welcome(site, NEW)
        assert not await is_welcome(site, PASSWORD)
        assert await is_welcome(site, "of-the-operator")

    async def test_is_not_sent_when_it_could_not_be_kept(self, site: Site) -> None:
        station = await site.connect_ready()
        site.break_store()
        assert (await site.call("SetVariables", TO_SET)).status == 503
        assert station.unread() == []

    @pytest.mark.parametrize("way", ["variables", "commands"])
    async def test_counts_whatever_way_it_was_sent(self, site: Site, way: str) -> None:
        station = await site.connect_ready()
        if way == "variables":
            body: Any = {"variables": TO_SET["setVariableData"]}
            asking = site.post_later("/api/v1/stations/CP_1/variables/set", body)
        else:
            body = {"station_id": "CP_1", "action": "SetVariables", "payload": TO_SET}
            asking = site.post_later("/api/v1/commands", body)
        await station.answer("SetVariables", result("Accepted"))
        await asking.get()
        await settle()
        assert not await is_welcome(site, PASSWORD)
        assert await is_welcome(site, NEW)


class TestA01FR09APasswordIsKeptNowhere:
    @pytest.mark.parametrize("refusal", [None, f"{NEW} is no password"])
    async def test_once_its_command_is_over(
        self, site: Site, caplog: pytest.LogCaptureFixture, refusal: str | None
    ) -> None:
        station = await site.connect_ready()
        body = {"station_id": "CP_1", "action": "SetVariables", "payload": TO_SET, "deduplication_key": "k"}
        posted = await site.post("/api/v1/commands", body)
        if refusal is None:
            await station.answer("SetVariables", result("Accepted"))
        else:
            await station.refuse("SetVariables", "InternalError", refusal, {"repeated": [NEW]})
        await settle()
        got = await site.get(posted.headers["location"])
        assert got.json["payload"]["setVariableData"] == [VARIABLE | {"attributeValue": "***"}]
        messages = await site.get("/api/v1/stations/CP_1/messages")
        told = json.dumps(await site.events())
        for shown in (posted.text, got.text, messages.text, told, await everything_kept(site)):
            assert NEW not in shown.replace(f"hash of {NEW}", "")
        assert NEW not in "".join(record.getMessage() for record in caplog.records if "send" in record.getMessage())
        again = await site.post("/api/v1/commands", body)
        assert (again.status, again.json["command_id"]) == (200, posted.json["command_id"])

    @pytest.mark.parametrize(
        ("action", "payload", "secrets"),
        [
            (
                "GetLog",
                {
                    "logType": "SecurityLog",
                    "requestId": 1,
                    "log": {"remoteLocation": "ftp://me:s3cr3t-A@files.example/x"},
                },
                ["s3cr3t-A"],
            ),
            (
                "UpdateFirmware",
                {
                    "requestId": 1,
                    "firmware": {
                        "location": "https://me:s3cr3t-B@files.example/x",
                        "retrieveDateTime": "2026-11-22T05:00:00Z",
                    },
                },
                ["s3cr3t-B"],
            ),
            (
                "SetNetworkProfile",
                {
                    "configurationSlot": 1,
                    "connectionData": {
                        "ocppVersion": "OCPP20",
                        "ocppTransport": "JSON",
                        "ocppCsmsUrl": "wss://me:s3cr3t-C@csms.example/x",
                        "messageTimeout": 30,
                        "securityProfile": 2,
                        "ocppInterface": "Wireless0",
                        "apn": {"apn": "a", "apnAuthentication": "PAP", "apnPassword": "s3cr3t-D", "simPin": 99_117},
                        "vpn": {
                            "server": "v.example",
                            "user": "me",
                            "password": "s3cr3t-E",
                            "key": "s3cr3t-F",
                            "type": "IPSec",
                        },
                    },
                },
                ["s3cr3t-C", "s3cr3t-D", "s3cr3t-E", "s3cr3t-F", "99117"],
            ),
        ],
    )
    async def test_nor_is_one_in_a_url_or_a_network_profile(
        self, site: Site, caplog: pytest.LogCaptureFixture, action: str, payload: dict[str, Any], secrets: list[str]
    ) -> None:
        station = await site.connect_ready()
        posted = await site.post("/api/v1/commands", {"station_id": "CP_1", "action": action, "payload": payload})
        assert posted.status == 202, posted.text
        assert await station.answer(action, {"status": "Accepted"}) == payload
        await settle()
        kept = await everything_kept(site)
        shown = posted.text + (await site.get(posted.headers["location"])).text + kept + caplog.text
        assert [secret for secret in secrets if secret in shown] == []
