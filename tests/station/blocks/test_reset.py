"""B Provisioning: the station, or an EVSE, is reset (B11, B12)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from websockets.frames import CloseCode

from shared.ocppj.schemas import Schemas
from station.app import REBOOT_S, Station
from station.blocks.provisioning import BootReason, Resets
from station.blocks.provisioning.reset import ANSWER_S, EVSE_RESET_S, reset_status
from station.device_model import EV_CONNECTION_TIME_OUT, MESSAGE_TIMEOUT, DeviceModel
from station.hardware import Hardware
from tests.station.blocks.driving import CARD, locked
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

TOKEN = {"idToken": "AA", "type": "Central"}


async def charge(station: Station, csms: FakeCsms) -> None:
    """Have a vehicle charge at EVSE 1."""
    station.hardware.evses[0].connectors[0].plug_in()
    await csms.call("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 1, "evseId": 1})
    await trio.sleep(10)
    assert csms.events()[0]["eventType"] == "Started"


class OngoingTransactions:
    """EVSEs with a transaction, and those whose Ended event the CSMS has not answered."""

    def __init__(self) -> None:
        self.evses: set[int] = set()
        self.unanswered: set[int] = set()
        self.ended: list[tuple[int, str]] = []

    def busy(self, evse_id: int | None) -> bool:
        return bool(self.evses) if evse_id is None else evse_id in self.evses

    def end(self, evse_id: int | None, reason: str) -> None:
        for ending in [evse for evse in self.evses if evse_id in {None, evse}]:
            self.evses.remove(ending)
            self.unanswered.add(ending)
            self.ended.append((ending, reason))

    def unsent(self, evse_id: int | None) -> bool:
        return bool(self.unanswered) if evse_id is None else evse_id in self.unanswered


class Bench:
    """The block by itself, with two EVSEs and a clock moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.transactions = OngoingTransactions()
        self.rebooted: list[tuple[float, BootReason]] = []
        self.block = Resets(
            "CP_1",
            Hardware.of([["cType2"]] * 2, monotonic=lambda: self.now, random=Random(1)),  # noqa: S311  # repeatable
            DeviceModel(),
            self.transactions,
            monotonic=lambda: self.now,
            reboot=lambda reason: self.rebooted.append((self.now, reason)),
        )

    def ask(self, **request: Any) -> str:
        status: str = self.block.reset(request)["status"]  # type: ignore[arg-type]  # a test's words for ResetRequest
        return status

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, working whenever the block wants to."""
        end = self.now + seconds
        while True:
            while self.block.tick():
                pass
            if self.block.tick_at() > end:
                break
            self.now = self.block.tick_at()
        self.now = end

    def closed(self) -> list[bool]:
        return [self.block.closes(evse_id) for evse_id in (1, 2)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("reset_type", "exists", "busy", "status"),
    [
        ("Immediate", True, False, "Accepted"),
        ("OnIdle", True, False, "Accepted"),
        ("Immediate", True, True, "Accepted"),  # B12.FR.02
        ("OnIdle", True, True, "Scheduled"),  # B12.FR.01
        ("Immediate", False, False, "Rejected"),
        ("OnIdle", False, False, "Rejected"),
    ],
)
def test_b11_fr_01_b12_fr_01_b12_fr_02_the_answer(reset_type: Any, status: str, *, exists: bool, busy: bool) -> None:
    assert reset_status(reset_type, exists=exists, busy=busy) == status


@pytest.mark.parametrize("reset_type", ["Immediate", "OnIdle"])
async def test_b11_fr_03_b11_fr_04_the_station_answers_and_then_boots(
    autojump_clock: MockClock, schemas: Schemas, reset_type: str
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        assert await csms.call("Reset", {"type": reset_type}) == {"status": "Accepted"}
        csms.forget()
        await trio.sleep(ANSWER_S + 0.5)
        assert station.firmware is None
        assert [goodbye.code for goodbye in csms.goodbyes] == [CloseCode.GOING_AWAY]
        await trio.sleep(REBOOT_S)
        assert csms.actions == ["BootNotification", "StatusNotification"]
        assert csms.received[0].payload["reason"] == "RemoteReset"


async def test_b11_fr_02_what_was_unavailable_is_so_again(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["cType2"]] * 2) as (_, csms):
        await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 2}})
        await csms.call("Reset", {"type": "Immediate"})
        assert csms.statuses()[-1] == (1, 1, "Unavailable")
        csms.forget()
        await trio.sleep(ANSWER_S + REBOOT_S + 1)
        assert csms.statuses() == [(1, 1, "Available"), (2, 1, "Unavailable")]


async def test_b11_fr_05_what_was_reserved_is_so_again(autojump_clock: MockClock, schemas: Schemas) -> None:
    reserve_now = {"id": 1, "expiryDateTime": "2030-01-01T00:00:00Z", "evseId": 1, "idToken": TOKEN}
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await csms.call("ReserveNow", reserve_now) == {"status": "Accepted"}
        await csms.call("Reset", {"type": "Immediate"})
        csms.forget()
        await trio.sleep(ANSWER_S + REBOOT_S + 1)
        assert csms.statuses() == [(1, 1, "Reserved")]


async def test_b12_fr_02_b12_fr_04_the_csms_is_told_of_the_end_before_the_station_boots(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await charge(station, csms)
        csms.forget()
        assert await csms.call("Reset", {"type": "Immediate"}) == {"status": "Accepted"}
        await trio.sleep(ANSWER_S + REBOOT_S + 1)
        (ended,) = csms.events()
        assert (ended["eventType"], ended["triggerReason"]) == ("Ended", "ResetCommand")
        assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
        boots = [call.payload["reason"] for call in csms.received if call.action == "BootNotification"]
        assert boots == ["RemoteReset"]
        assert csms.actions.index("TransactionEvent") < csms.actions.index("BootNotification")


async def test_b12_fr_05_an_end_that_the_csms_did_not_answer_is_told_again_after_the_boot(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await charge(station, csms)
        csms.forget()
        csms.thinks_s["TransactionEvent"] = 1000.0
        await csms.call("Reset", {"type": "Immediate"})
        await trio.sleep(60)
        csms.thinks_s.clear()
        assert csms.actions.count("BootNotification") == 1
        await trio.sleep(60)
        events = [(event["eventType"], event["seqNo"]) for event in csms.events()]
        assert len(events) > 1
        assert len(set(events)) == 1


async def test_b12_fr_01_b12_fr_03_a_scheduled_reset_lets_the_driver_finish_and_nobody_begin(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    start = {"idToken": TOKEN, "remoteStartId": 2, "evseId": 2}
    async with station_on_fake_csms(schemas, connector_types=[["cType2"]] * 2) as (station, csms):
        await charge(station, csms)
        csms.forget()
        assert await csms.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        assert csms.statuses() == [(2, 1, "Unavailable")]
        assert (await csms.call("RequestStartTransaction", start))["status"] == "Rejected"
        await trio.sleep(600)
        assert "BootNotification" not in csms.actions
        station.hardware.evses[0].connectors[0].unplug()
        await trio.sleep(ANSWER_S + REBOOT_S + 1)
        assert csms.events()[-1]["eventType"] == "Ended"
        boots = [call.payload["reason"] for call in csms.received if call.action == "BootNotification"]
        assert boots == ["ScheduledReset"]
        assert csms.statuses()[-2:] == [(1, 1, "Available"), (2, 1, "Available")]


async def test_b11_fr_07_on_idle_waits_for_the_driver_who_is_about_to_plug_in(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert csms.events() == []  # it begins with PowerPathClosed
        assert await csms.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        await trio.sleep(20)
        evse.connectors[0].plug_in()
        await trio.sleep(60)
        assert evse.contactor.closed
        assert csms.actions.count("BootNotification") == 1
        evse.reader.present(CARD)
        await trio.sleep(60)
        assert csms.events()[-1]["eventType"] == "Ended"
        assert csms.actions.count("BootNotification") == 2


async def test_b11_fr_07_on_idle_does_not_wait_longer_than_the_driver_may(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(1)
        assert await csms.call("Reset", {"type": "OnIdle", "evseId": 1}) == {"status": "Scheduled"}
        csms.forget()
        await trio.sleep(DeviceModel()[EV_CONNECTION_TIME_OUT] + ANSWER_S + EVSE_RESET_S + 1)
        assert csms.statuses() == [(1, 1, "Unavailable"), (1, 1, "Available")]


async def test_b11_fr_07_on_idle_waits_for_a_token_that_is_being_decided_on(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"Authorize": 10.0}) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        station.hardware.evses[0].reader.present(CARD)
        assert await csms.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        await trio.sleep(60)
        assert station.hardware.evses[0].contactor.closed
        assert csms.actions.count("BootNotification") == 1


async def test_b11_fr_07_on_idle_waits_for_the_owner_of_a_cable_that_is_kept(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["sType2"]]) as (station, csms):
        evse = station.hardware.evses[0]
        csms.thinks_s["TransactionEvent"] = 5.0
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(1)
        csms.tokens[CARD["idToken"]] = {"status": "Blocked"}  # E05
        await trio.sleep(20)
        assert csms.events()[-1]["eventType"] == "Ended"
        assert locked(evse)
        assert await csms.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        await trio.sleep(100)
        assert csms.actions.count("BootNotification") == 1
        evse.reader.present(CARD)
        await trio.sleep(100)
        assert not locked(evse)
        assert csms.actions.count("BootNotification") == 2


async def test_b11_fr_08_an_evse_that_is_reset_is_out_of_use_for_a_while(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["cType2"]] * 2) as (station, csms):
        csms.forget()
        assert await csms.call("Reset", {"type": "Immediate", "evseId": 2}) == {"status": "Accepted"}
        await trio.sleep(ANSWER_S + EVSE_RESET_S + 1)
        assert csms.statuses() == [(2, 1, "Unavailable"), (2, 1, "Available")]
        assert csms.actions == ["StatusNotification"] * 2
        assert station.firmware is not None


async def test_b11_fr_05_b12_fr_06_an_evse_that_was_reset_is_reserved_or_unavailable_as_before(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    reserve_now = {"id": 1, "expiryDateTime": "2030-01-01T00:00:00Z", "evseId": 1, "idToken": TOKEN}
    async with station_on_fake_csms(schemas, connector_types=[["cType2"]] * 2) as (_, csms):
        assert await csms.call("ReserveNow", reserve_now) == {"status": "Accepted"}
        await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 2}})
        csms.forget()
        for evse_id in (1, 2):
            assert await csms.call("Reset", {"type": "Immediate", "evseId": evse_id}) == {"status": "Accepted"}
        await trio.sleep(ANSWER_S + EVSE_RESET_S + 1)
        assert csms.statuses() == [(1, 1, "Unavailable"), (1, 1, "Reserved")]


async def test_b11_an_evse_that_is_not_there_cannot_be_reset(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        response = await csms.call("Reset", {"type": "Immediate", "evseId": 2})
        assert (response["status"], response["statusInfo"]["reasonCode"]) == ("Rejected", "UnknownEvse")
        await trio.sleep(20)
        assert csms.actions == ["BootNotification", "StatusNotification"]


async def test_b11_fr_10_an_evse_says_that_it_can_be_reset(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        wanted = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AllowReset"}}
        response = await csms.call("GetVariables", {"getVariableData": [wanted]})
        assert response["getVariableResult"][0]["attributeValue"] == "true"


def test_b12_fr_01_b12_fr_03_on_idle_waits_for_every_transaction_and_closes_what_is_free(bench: Bench) -> None:
    bench.transactions.evses = {1, 2}
    assert bench.ask(type="OnIdle") == "Scheduled"
    assert bench.closed() == [False, False]
    bench.pass_time(1000)
    bench.transactions.evses.remove(1)
    assert bench.closed() == [True, False]  # it takes nobody new
    bench.pass_time(1000)
    assert bench.rebooted == []
    bench.transactions.evses.remove(2)
    bench.pass_time(10)
    assert bench.rebooted == [(2100 + ANSWER_S, "ScheduledReset")]
    assert bench.transactions.ended == []  # they have ended by themselves


def test_b12_3a_on_idle_waits_for_the_csms_to_know_of_the_end(bench: Bench) -> None:
    bench.transactions.evses = {1}
    bench.ask(type="OnIdle")
    bench.transactions.evses, bench.transactions.unanswered = set(), {1}
    bench.pass_time(10)
    assert bench.rebooted == []
    bench.transactions.unanswered = set()
    bench.pass_time(1)
    assert bench.rebooted == [(110, "ScheduledReset")]


def test_b12_fr_02_b12_fr_04_immediate_ends_what_is_ongoing_and_boots_when_the_csms_knows(bench: Bench) -> None:
    bench.transactions.evses = {1, 2}
    assert bench.ask(type="Immediate") == "Accepted"
    assert sorted(bench.transactions.ended) == [(1, "ImmediateReset"), (2, "ImmediateReset")]
    assert bench.closed() == [True, True]
    bench.pass_time(5)
    assert bench.rebooted == []
    bench.transactions.unanswered = set()
    bench.pass_time(1)
    assert bench.rebooted == [(105, "RemoteReset")]


def test_b12_fr_05_what_is_not_answered_within_the_timeout_waits_for_the_next_boot(bench: Bench) -> None:
    bench.transactions.evses = {1}
    bench.ask(type="Immediate")
    bench.pass_time(100)
    assert bench.rebooted == [(100 + ANSWER_S + DeviceModel()[MESSAGE_TIMEOUT], "RemoteReset")]


def test_b12_fr_07_on_idle_for_an_evse_waits_for_its_own_transaction_alone(bench: Bench) -> None:
    bench.transactions.evses = {1, 2}
    assert bench.ask(type="OnIdle", evseId=2) == "Scheduled"
    bench.pass_time(10)
    bench.transactions.evses = {1}
    bench.pass_time(ANSWER_S)
    assert bench.closed() == [False, True]
    bench.pass_time(EVSE_RESET_S + 1)
    assert bench.closed() == [False, False]
    assert bench.rebooted == []


def test_b12_fr_08_immediate_for_an_evse_ends_its_own_transaction_alone(bench: Bench) -> None:
    bench.transactions.evses = {1, 2}
    assert bench.ask(type="Immediate", evseId=1) == "Accepted"
    assert bench.transactions.ended == [(1, "ImmediateReset")]
    assert bench.transactions.evses == {2}
    bench.transactions.unanswered = set()
    bench.pass_time(ANSWER_S + EVSE_RESET_S + 1)
    assert bench.closed() == [False, False]
    assert bench.rebooted == []


def test_b12_immediate_does_not_wait_for_a_reset_that_is_scheduled(bench: Bench) -> None:
    bench.transactions.evses = {1}
    assert bench.ask(type="OnIdle") == "Scheduled"
    assert bench.ask(type="Immediate", evseId=2) == "Accepted"
    assert bench.ask(type="Immediate") == "Accepted"
    bench.transactions.unanswered = set()
    bench.pass_time(60)
    assert [reason for _, reason in bench.rebooted] == ["RemoteReset"]


async def test_b12_a_reset_that_is_asked_for_twice_happens_once(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.call("Reset", {"type": "OnIdle"})
        await csms.call("Reset", {"type": "Immediate"})
        await wait_all_tasks_blocked()
        csms.forget()
        await trio.sleep(60)
        assert csms.actions.count("BootNotification") == 1
