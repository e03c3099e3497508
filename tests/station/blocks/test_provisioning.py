"""B Provisioning: B01, B02, B03, and registering again with a CSMS that has forgotten the station."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj import errors
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201
from station.blocks.provisioning import NEXT, OWN_RETRY_INTERVAL_S, Registration, Verdict, may_send
from station.device_model import (
    ALIGNED_DATA_INTERVAL,
    ALIGNED_DATA_TX_ENDED_INTERVAL,
    TX_BEFORE_ACCEPTED_ENABLED,
    DeviceModel,
)
from tests.station.blocks.driving import charge
from tests.station.fake_csms import START, Received, station_on_fake_csms

BOOT_PAYLOAD = {"chargingStation": {"model": "Wallbox XYZ", "vendorName": "anewone"}, "reason": "PowerUp"}
RESERVE_NOW = {
    "id": 1,
    "expiryDateTime": "2030-01-01T00:00:00Z",
    "evseId": 1,
    "idToken": {"idToken": "AA", "type": "Central"},
}
BY_BOOTING = (Verdict.ACCEPTED, Verdict.PENDING, Verdict.REJECTED)


def test_a_boot_answer_decides_alone_what_the_registration_is_next() -> None:
    for now, verdict in itertools.product(Registration, BY_BOOTING):
        if now is not Registration.ACCEPTED:
            assert NEXT[now, verdict].value == verdict.value


def test_only_an_accepted_station_can_be_forgotten() -> None:
    assert {pair for pair in NEXT if Verdict.FORGOTTEN in pair} == {(Registration.ACCEPTED, Verdict.FORGOTTEN)}


def test_only_to_be_forgotten_or_moved_ends_a_registration_and_then_the_station_boots() -> None:
    ends = {verdict: NEXT[Registration.ACCEPTED, verdict] for verdict in Verdict if verdict not in BY_BOOTING}
    assert ends == {Verdict.FORGOTTEN: Registration.BOOTING, Verdict.MOVED: Registration.BOOTING}
    assert not any((Registration.ACCEPTED, verdict) in NEXT for verdict in BY_BOOTING)


def test_b10_fr_10_wherever_it_stands_a_station_that_moved_boots() -> None:
    assert {NEXT[now, Verdict.MOVED] for now in Registration} == {Registration.BOOTING}


@pytest.mark.parametrize("asked_for", [False, True])
def test_b01_fr_08_b03_fr_02_before_it_is_known_to_the_csms_a_station_only_boots(*, asked_for: bool) -> None:
    for now in (Registration.BOOTING, Registration.REJECTED):
        allowed = {action for action in V201.station_actions if may_send(now, action, asked_for=asked_for)}
        assert allowed == {"BootNotification"}


def test_b02_fr_02_a_pending_station_sends_what_it_was_asked_for() -> None:
    assert may_send(Registration.PENDING, "BootNotification", asked_for=False)
    assert not may_send(Registration.PENDING, "StatusNotification", asked_for=False)
    assert may_send(Registration.PENDING, "StatusNotification", asked_for=True)


def test_b01_an_accepted_station_may_send_everything() -> None:
    assert all(may_send(Registration.ACCEPTED, action, asked_for=False) for action in V201.station_actions)


async def test_b01_fr_01_a_station_boots_and_then_reports_its_connectors(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await wait_all_tasks_blocked()
        boot, status = csms.wire.texts[0], csms.wire.texts[2]
        assert boot.endswith(
            '"BootNotification",{"chargingStation":{"model":"Wallbox XYZ","vendorName":"anewone"},"reason":"PowerUp"}]'
        )
        assert status.endswith(
            '"StatusNotification",{"timestamp":"2026-11-22T03:52:53.000Z","connectorStatus":"Available",'
            '"evseId":1,"connectorId":1}]'
        )
        assert csms.actions == ["BootNotification", "StatusNotification"]


async def test_b01_fr_04_the_heartbeat_interval_is_the_one_given(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, interval_s=10) as (_, csms):
        csms.forget()
        await trio.sleep(35)
        assert csms.received == [Received(at, "Heartbeat", {}) for at in (10.0, 20.0, 30.0)]


async def test_b01_fr_04_an_interval_of_0_leaves_the_station_its_own(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, interval_s=0) as (_, csms):
        csms.forget()
        await trio.sleep(599)
        assert csms.received == [Received(300.0, "Heartbeat", {})]


@pytest.mark.parametrize("boot_status", ["Accepted", "Pending"])
async def test_b01_fr_06_the_clock_follows_the_csms(
    autojump_clock: MockClock, schemas: Schemas, boot_status: str
) -> None:
    async with station_on_fake_csms(schemas, unreachable=OSError("down")) as (station, csms):
        csms.boot_status = boot_status
        csms.clock.set(START + timedelta(days=1))
        csms.unreachable = None
        await trio.sleep(10)
        assert timedelta() <= csms.clock.now() - station.now() < timedelta(milliseconds=1)  # the wire's resolution


@pytest.mark.parametrize("time", [datetime.min, datetime(1960, 1, 1, tzinfo=UTC), datetime.max - timedelta(minutes=10)])
async def test_b01_fr_06_a_csms_whose_clock_is_absurd_does_not_end_the_station(
    autojump_clock: MockClock, schemas: Schemas, time: datetime
) -> None:
    variables = DeviceModel()
    variables[ALIGNED_DATA_INTERVAL] = variables[ALIGNED_DATA_TX_ENDED_INTERVAL] = 60
    async with station_on_fake_csms(schemas, variables=variables, boot_status="Pending", interval_s=10) as (
        station,
        csms,
    ):
        csms.clock.set(time.replace(tzinfo=UTC))
        csms.boot_status = "Accepted"
        await trio.sleep(20)
        assert abs(station.now() - csms.clock.now()) < timedelta(seconds=1)
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].connectors[0].unplug()
        await trio.sleep(1000)
        assert [event["eventType"] for event in csms.events() if event["eventType"] != "Updated"] == [
            "Started",
            "Ended",
        ]


async def test_b02_fr_02_b02_fr_08_a_pending_station_holds_its_calls_and_boots_again_at_the_interval(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=60) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(130)
        assert csms.received == [Received(at, "BootNotification", BOOT_PAYLOAD) for at in (0.0, 60.0, 120.0)]
        csms.boot_status = "Accepted"
        await trio.sleep(60)
        assert csms.actions[3:] == ["BootNotification", "StatusNotification"]
        assert csms.statuses() == [(1, 1, "Occupied")]


async def test_b02_fr_05_a_pending_station_starts_and_stops_nothing_for_the_csms(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = DeviceModel()
    variables[TX_BEFORE_ACCEPTED_ENABLED] = True
    token = {"idToken": "AA", "type": "Central"}
    start = {"idToken": token, "remoteStartId": 1, "evseId": 1}
    refused = {"status": "Rejected", "statusInfo": {"reasonCode": "CSNotAccepted"}}
    async with station_on_fake_csms(schemas, variables=variables, boot_status="Pending", interval_s=60) as (_, csms):
        assert await csms.call("RequestStartTransaction", start) == refused
        assert await csms.call("RequestStopTransaction", {"transactionId": "1"}) == refused
        csms.boot_status = "Accepted"
        await trio.sleep(61)
        assert (await csms.call("RequestStartTransaction", start))["status"] == "Accepted"


async def test_b02_fr_01_a_pending_station_answers(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=60) as (_, csms):
        assert await csms.call("ReserveNow", RESERVE_NOW) == {"status": "Accepted"}
        assert csms.actions == ["BootNotification"]


@pytest.mark.parametrize("boot_status", ["Pending", "Rejected"])
async def test_b02_fr_07_b03_fr_05_an_interval_of_0_does_not_make_the_station_flood(
    autojump_clock: MockClock, schemas: Schemas, boot_status: str
) -> None:
    async with station_on_fake_csms(schemas, boot_status=boot_status, interval_s=0) as (_, csms):
        await trio.sleep(OWN_RETRY_INTERVAL_S * 2 + 1)
        assert [call.at for call in csms.received] == [0.0, OWN_RETRY_INTERVAL_S, 2 * OWN_RETRY_INTERVAL_S]


async def test_b02_fr_04_a_lost_connection_does_not_shorten_the_interval(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=60) as (_, csms):
        await trio.sleep(10)
        await csms.hang_up()
        await trio.sleep(51)
        assert len(csms.dialled_at) == 2
        assert [call.at for call in csms.received] == [0.0, 60.0]


async def test_b03_fr_02_b03_fr_06_a_rejected_station_says_nothing_before_the_interval_has_passed(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Rejected", interval_s=60) as (station, csms):
        station.hardware.evses[0].connectors[0].fail()
        await trio.sleep(59)
        assert csms.actions == ["BootNotification"]
        csms.boot_status = "Accepted"
        await trio.sleep(2)
        assert csms.actions == ["BootNotification", "BootNotification", "StatusNotification"]


@pytest.mark.parametrize(
    ("action", "payload"), [("ReserveNow", RESERVE_NOW), ("TriggerMessage", {"requestedMessage": "BootNotification"})]
)
async def test_b03_fr_08_a_rejected_station_answers_every_call_with_security_error(
    autojump_clock: MockClock, schemas: Schemas, action: str, payload: dict[str, object]
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Rejected", interval_s=60) as (_, csms):
        with pytest.raises(errors.CallRefused) as refused:
            await csms.call(action, payload)
        assert refused.value.code == "SecurityError"
        assert csms.actions == ["BootNotification"]


async def test_b01_a_boot_that_is_not_answered_is_sent_again_after_an_interval_of_the_station_s_own(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"BootNotification": 45.0}) as (_, csms):
        await trio.sleep(89)
        assert [call.at for call in csms.received] == [0.0]
        csms.thinks_s.clear()
        await trio.sleep(2)
        assert [(call.at, call.action) for call in csms.received] == [
            (0.0, "BootNotification"),
            (90.0, "BootNotification"),
            (90.0, "StatusNotification"),
        ]


async def test_b01_a_boot_that_is_refused_is_sent_again_after_an_interval_of_the_station_s_own(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    refuses: dict[str, errors.PeerError] = {"BootNotification": errors.InternalError("database is away")}
    async with station_on_fake_csms(schemas, refuses=refuses) as (_, csms):
        await trio.sleep(OWN_RETRY_INTERVAL_S - 1)
        assert csms.actions == ["BootNotification"]
        refuses.clear()
        await trio.sleep(2)
        assert csms.actions == ["BootNotification", "BootNotification", "StatusNotification"]


async def test_part_4_5_3_a_reconnected_station_does_not_boot(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.hang_up()
        csms.forget()
        await trio.sleep(200)
        assert len(csms.dialled_at) == 2
        assert csms.actions == []


async def test_b01_fr_10_security_error_makes_the_station_boot_again(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await trio.sleep(100)
        csms.forget()
        csms.refuses["StatusNotification"] = errors.SecurityError("BootNotification first")
        csms.thinks_s["BootNotification"] = 1.0
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(0.5)
        csms.refuses.clear()
        await trio.sleep(5)
        assert csms.actions == ["StatusNotification", "BootNotification", "StatusNotification"]
        assert csms.received[1].payload == BOOT_PAYLOAD


async def test_b01_fr_10_after_a_restart_of_the_csms_the_station_boots_at_once(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, interval_s=4) as (_, csms):
        csms.forget()
        csms.refuses["Heartbeat"] = errors.SecurityError("BootNotification first")
        await csms.hang_up()
        await trio.sleep(10)
        assert csms.actions[:3] == ["Heartbeat", "BootNotification", "StatusNotification"]


async def test_a_csms_that_accepts_and_then_forgets_at_once_is_not_flooded(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    refuses: dict[str, errors.PeerError] = {"StatusNotification": errors.SecurityError("always")}
    async with station_on_fake_csms(schemas, refuses=refuses) as (_, csms):
        await trio.sleep(OWN_RETRY_INTERVAL_S * 3 - 1)
        assert csms.actions == ["BootNotification", "StatusNotification"] * 3
