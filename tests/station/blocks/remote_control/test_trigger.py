"""F Remote Control: TriggerMessage (F06)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from tests.station.fake_csms import station_on_fake_csms

NOT_IMPLEMENTED = (
    "LogStatusNotification",
    "FirmwareStatusNotification",
    "PublishFirmwareStatusNotification",
    "SignChargingStationCertificate",
    "SignCombinedCertificate",
    "SignV2GCertificate",
)
TWO_AND_ONE = (("cType2", "cCCS2"), ("cType2",))


async def test_f06_fr_04_the_answer_goes_before_the_message(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        sofar = len(csms.wire.texts)
        assert await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"}) == {"status": "Accepted"}
        call, answer, triggered, _ = csms.wire.texts[sofar:]
        assert '"TriggerMessage"' in call
        assert answer == '[3,"csms-1",{"status":"Accepted"}]'
        assert '"Heartbeat"' in triggered


@pytest.mark.parametrize(
    ("evse", "reported"),
    [
        ({"id": 1, "connectorId": 2}, [(1, 2, "Available")]),
        ({"id": 1}, [(1, 1, "Available"), (1, 2, "Available")]),
        (None, [(1, 1, "Available"), (1, 2, "Available"), (2, 1, "Available")]),
    ],
)
async def test_f06_fr_11_a_status_is_sent_of_every_connector_that_is_meant(
    autojump_clock: MockClock, schemas: Schemas, evse: dict[str, int] | None, reported: list[tuple[int, int, str]]
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        csms.forget()
        request = {"requestedMessage": "StatusNotification"} | ({} if evse is None else {"evse": evse})
        assert await csms.call("TriggerMessage", request) == {"status": "Accepted"}
        await trio.sleep(10)
        assert csms.statuses() == reported


@pytest.mark.parametrize("evse", [{"id": 0}, {"id": 3}, {"id": 1, "connectorId": 3}])
async def test_f06_fr_05_the_status_of_what_is_not_there_is_rejected(
    autojump_clock: MockClock, schemas: Schemas, evse: dict[str, int]
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        csms.forget()
        request = {"requestedMessage": "StatusNotification", "evse": evse}
        assert await csms.call("TriggerMessage", request) == {"status": "Rejected"}
        assert csms.actions == []


async def test_f06_fr_03_an_evse_that_does_not_matter_is_ignored(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        csms.forget()
        request = {"requestedMessage": "Heartbeat", "evse": {"id": 9}}
        assert await csms.call("TriggerMessage", request) == {"status": "Accepted"}
        assert csms.actions == ["Heartbeat"]


async def test_f06_fr_08_what_the_station_does_not_have_is_not_implemented(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        csms.forget()
        for message in NOT_IMPLEMENTED:
            assert await csms.call("TriggerMessage", {"requestedMessage": message}) == {"status": "NotImplemented"}
        assert csms.actions == []


async def test_f06_fr_09_the_status_is_the_one_at_the_time_it_is_sent(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.thinks_s["Heartbeat"] = 5.0
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await csms.call("TriggerMessage", {"requestedMessage": "StatusNotification"})
        csms.forget()
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(20)
        assert csms.statuses() == [(1, 1, "Occupied")]


async def test_f06_fr_10_what_is_asked_for_twice_before_it_is_sent_is_sent_once_and_again_when_asked_later(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        csms.forget()
        csms.thinks_s["Heartbeat"] = 5.0
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        for _ in range(3):
            await csms.call("TriggerMessage", {"requestedMessage": "StatusNotification", "evse": {"id": 2}})
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await trio.sleep(20)
        assert csms.actions == ["Heartbeat", "Heartbeat", "StatusNotification"]


async def test_f06_fr_17_an_accepted_station_rejects_to_boot(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        csms.forget()
        assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Rejected"}
        assert csms.actions == []


async def test_b02_fr_04_a_pending_station_boots_when_asked_to(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=60) as (_, csms):
        await trio.sleep(10)
        assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Accepted"}
        await trio.sleep(61)
        assert [(call.at, call.payload["reason"]) for call in csms.received] == [
            (0.0, "PowerUp"),
            (10.0, "Triggered"),
            (70.0, "PowerUp"),
        ]


async def test_b02_fr_04_a_boot_that_is_asked_for_while_another_is_under_way_is_sent_behind_it(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    behaviour: dict[str, Any] = {"boot_status": "Pending", "interval_s": 60, "thinks_s": {"BootNotification": 5.0}}
    async with station_on_fake_csms(schemas, **behaviour) as (_, csms):
        assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Accepted"}
        await trio.sleep(30)
        assert [(call.at, call.payload["reason"]) for call in csms.received] == [(0.0, "PowerUp"), (5.0, "Triggered")]


@pytest.mark.parametrize("message", ["Heartbeat", "StatusNotification"])
async def test_b02_fr_02_a_pending_station_sends_what_it_is_asked_for(
    autojump_clock: MockClock, schemas: Schemas, message: str
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=60) as (_, csms):
        assert await csms.call("TriggerMessage", {"requestedMessage": message}) == {"status": "Accepted"}
        assert csms.actions == ["BootNotification", message]


async def test_b01_fr_08_a_station_that_is_not_registered_yet_rejects_to_send_anything_else(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"BootNotification": 20.0}) as (_, csms):
        assert await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"}) == {"status": "Rejected"}
        assert csms.actions == ["BootNotification"]


async def test_f06_fr_10_what_was_accepted_on_a_lost_connection_is_sent_on_the_next(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        csms.thinks_s["Heartbeat"] = 20.0
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await csms.call("TriggerMessage", {"requestedMessage": "StatusNotification"})
        await csms.hang_up()
        csms.forget()
        csms.thinks_s.clear()
        await trio.sleep(100)
        assert csms.actions == ["Heartbeat", "StatusNotification"]


async def test_f06_fr_10_a_boot_that_was_lost_with_the_connection_is_sent_on_the_next(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=600) as (_, csms):
        csms.thinks_s["BootNotification"] = 10.0
        assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Accepted"}
        await csms.hang_up()
        csms.forget()
        await trio.sleep(100)
        assert [call.payload["reason"] for call in csms.received] == ["Triggered"]
