"""G Availability: what the CSMS is told of connectors, when; heartbeats; ChangeAvailability (B01, B04, G01-G04)."""

from __future__ import annotations

import itertools
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj import errors
from shared.ocppj.schemas import Schemas
from station.blocks.availability import UNANSWERED_PAUSE_S, connector_status
from station.device_model import OFFLINE_THRESHOLD, DeviceModel
from station.hardware import Connector, Hardware
from tests.station.fake_csms import START, station_on_fake_csms

TWO_AND_ONE = (("cType2", "cCCS2"), ("cType2",))


def connector_with(*, plugged_in: bool = False, faulted: bool = False) -> Connector:
    random = Random(1)  # noqa: S311  # repeatable on purpose
    connector = Hardware.of([["cType2"]], monotonic=lambda: 0.0, random=random).evses[0].connectors[0]
    if plugged_in:
        connector.plug_in()
    if faulted:
        connector.fail()
    return connector


def test_g01_a_free_connector_is_available_and_a_plugged_in_one_occupied() -> None:
    assert connector_status(connector_with(), in_use=True, reserved=False) == "Available"
    assert connector_status(connector_with(plugged_in=True), in_use=True, reserved=False) == "Occupied"


def test_g01_fr_09_g03_fr_09_plugging_in_does_not_change_a_reserved_connector() -> None:
    for plugged_in in (False, True):
        assert connector_status(connector_with(plugged_in=plugged_in), in_use=True, reserved=True) == "Reserved"


def test_g01_plugging_in_does_not_change_an_unavailable_or_faulted_connector() -> None:
    for plugged_in, reserved in itertools.product((False, True), repeat=2):
        connector = connector_with(plugged_in=plugged_in)
        assert connector_status(connector, in_use=False, reserved=reserved) == "Unavailable"
        connector.fail()
        assert connector_status(connector, in_use=True, reserved=reserved) == "Faulted"


def test_g03_fr_06_a_faulted_connector_stays_faulted_when_switched_off() -> None:
    assert connector_status(connector_with(faulted=True), in_use=False, reserved=False) == "Faulted"


async def test_b01_fr_05_after_the_boot_every_connector_is_reported_once(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        await trio.sleep(100)
        assert csms.statuses() == [(1, 1, "Available"), (1, 2, "Available"), (2, 1, "Available")]


async def test_b01_fr_05_after_every_boot_every_connector_is_reported(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE, interval_s=50) as (_, csms):
        csms.forget()
        csms.refuses["Heartbeat"] = errors.SecurityError("who are you?")
        await trio.sleep(99)
        assert csms.actions == ["Heartbeat", "BootNotification", *["StatusNotification"] * 3]


async def test_g01_fr_03_g01_fr_04_plugging_in_and_out_is_reported(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        await trio.sleep(7.5)
        connector = station.hardware.evses[0].connectors[0]
        connector.plug_in()
        await wait_all_tasks_blocked()
        assert csms.received[0].payload == {
            "timestamp": "2026-11-22T03:53:00.500Z",
            "connectorStatus": "Occupied",
            "evseId": 1,
            "connectorId": 1,
        }
        connector.unplug()
        await wait_all_tasks_blocked()
        assert csms.statuses() == [(1, 1, "Occupied"), (1, 1, "Available")]


async def test_g01_fr_08_the_other_connectors_of_the_evse_are_not_reported(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (station, csms):
        csms.forget()
        station.hardware.evses[0].connectors[1].plug_in()
        await wait_all_tasks_blocked()
        assert csms.statuses() == [(1, 2, "Occupied")]


async def test_g01_a_fault_is_reported_and_so_is_its_end(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        connector = station.hardware.evses[0].connectors[0]
        connector.plug_in()
        connector.fail()
        await wait_all_tasks_blocked()
        connector.clear_fault()
        await wait_all_tasks_blocked()
        assert csms.statuses() == [(1, 1, "Faulted"), (1, 1, "Occupied")]


async def test_g01_what_changes_while_a_report_is_under_way_is_reported_behind_it(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"StatusNotification": 5.0}) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(20)
        assert csms.statuses() == [(1, 1, "Available"), (1, 1, "Occupied")]


async def test_b04_fr_02_after_a_short_time_offline_only_what_has_changed_is_reported(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (station, csms):
        csms.forget()
        await csms.hang_up()
        station.hardware.evses[1].connectors[0].plug_in()
        await trio.sleep(20)
        assert csms.statuses() == [(2, 1, "Occupied")]


async def test_b04_fr_02_what_has_changed_and_changed_back_while_offline_is_not_reported(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        await csms.hang_up()
        station.hardware.evses[0].connectors[0].plug_in()
        station.hardware.evses[0].connectors[0].unplug()
        await trio.sleep(20)
        assert csms.actions == []


async def test_b04_fr_01_after_a_long_time_offline_every_connector_is_reported(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = DeviceModel()
    variables[OFFLINE_THRESHOLD] = 20
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE, variables=variables) as (station, csms):
        csms.forget()
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(20)
        station.hardware.evses[1].connectors[0].plug_in()
        csms.unreachable = None
        await trio.sleep(40)
        assert csms.statuses() == [(1, 1, "Available"), (1, 2, "Available"), (2, 1, "Occupied")]


async def test_b04_a_report_that_was_lost_with_the_connection_is_made_again(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        csms.thinks_s["StatusNotification"] = 10.0
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(1)
        await csms.hang_up()
        csms.thinks_s.clear()
        await trio.sleep(20)
        assert csms.statuses() == [(1, 1, "Occupied"), (1, 1, "Occupied")]


async def test_a_report_that_is_not_answered_is_made_again_and_does_not_hold_up_the_heartbeat(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    behaviour: dict[str, Any] = {"thinks_s": {"StatusNotification": 31.0}, "interval_s": 10}
    async with station_on_fake_csms(schemas, **behaviour) as (_, csms):
        await trio.sleep(30 + UNANSWERED_PAUSE_S - 5)
        assert csms.actions == ["BootNotification", "StatusNotification", *["Heartbeat"] * 3]
        await trio.sleep(10)
        assert csms.actions[5:] == ["StatusNotification"]


async def test_a_report_that_is_refused_is_not_made_again(
    autojump_clock: MockClock, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    refuses: dict[str, errors.PeerError] = {"StatusNotification": errors.InternalError("no room")}
    async with station_on_fake_csms(schemas, refuses=refuses) as (_, csms):
        await trio.sleep(100)
        assert csms.actions == ["BootNotification", "StatusNotification"]
        assert "CP_1: StatusNotification brought no result: InternalError: no room" in caplog.text


async def test_g02_fr_05_whatever_is_sent_puts_the_heartbeat_off(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, interval_s=10) as (station, csms):
        csms.forget()
        await trio.sleep(6)
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(11)
        assert [(call.at, call.action) for call in csms.received] == [(6.0, "StatusNotification"), (16.0, "Heartbeat")]


async def test_g02_fr_06_a_heartbeat_sets_the_clock(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, interval_s=10) as (station, csms):
        csms.clock.set(START + timedelta(hours=1))
        await trio.sleep(11)
        assert station.now() == START + timedelta(hours=1, seconds=11)


async def test_g02_fr_07_however_much_is_sent_there_is_a_heartbeat_a_day(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, interval_s=7200) as (station, csms):
        connector = station.hardware.evses[0].connectors[0]
        for _ in range(25):
            (connector.unplug if connector.plugged_in else connector.plug_in)()
            await trio.sleep(3600)
        assert csms.actions.count("Heartbeat") == 1


async def test_b04_after_a_time_offline_longer_than_the_interval_there_is_a_heartbeat(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, interval_s=10) as (_, csms):
        await csms.hang_up()
        csms.unreachable = OSError("down")
        csms.forget()
        await trio.sleep(20)
        csms.unreachable = None
        await trio.sleep(20)
        assert csms.actions[0] == "Heartbeat"


async def test_g03_fr_01_g03_fr_04_a_connector_is_taken_out_of_use_and_back(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        csms.forget()
        evse = {"id": 1, "connectorId": 2}
        for status in ("Inoperative", "Operative"):
            answer = await csms.call("ChangeAvailability", {"operationalStatus": status, "evse": evse})
            assert answer == {"status": "Accepted"}
        assert csms.statuses() == [(1, 2, "Unavailable"), (1, 2, "Available")]


async def test_g03_fr_03_the_state_it_is_in_already_is_accepted(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        csms.forget()
        answer = await csms.call("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}})
        assert answer == {"status": "Accepted"}
        assert csms.actions == []


async def test_g03_fr_06_g03_fr_07_an_evse_takes_its_connectors_along_and_gives_them_back_as_they_were(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"] * 3, ["cType2"])) as (station, csms):
        first, second, _ = station.hardware.evses[0].connectors
        first.fail()
        second.switch(operative=False)
        await wait_all_tasks_blocked()
        csms.forget()
        await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
        assert csms.statuses() == [(1, 3, "Unavailable")]
        csms.forget()
        await csms.call("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}})
        assert csms.statuses() == [(1, 3, "Available")]


async def test_g04_fr_01_g04_fr_07_g04_fr_08_the_station_takes_everything_along_and_gives_it_back_as_it_was(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 2}})
        csms.forget()
        await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"})
        assert csms.statuses() == [(1, 1, "Unavailable"), (1, 2, "Unavailable")]
        csms.forget()
        await csms.call("ChangeAvailability", {"operationalStatus": "Operative"})
        assert csms.statuses() == [(1, 1, "Available"), (1, 2, "Available")]


@pytest.mark.parametrize("evse", [{"id": 0}, {"id": 3}, {"id": 2, "connectorId": 2}, {"id": 1, "connectorId": 0}])
async def test_g03_fr_02_what_is_not_there_is_rejected(
    autojump_clock: MockClock, schemas: Schemas, evse: dict[str, int]
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        csms.forget()
        answer = await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": evse})
        assert answer == {"status": "Rejected"}
        assert csms.actions == []


CARD = {"idToken": "04A1B2C3", "type": "ISO14443"}
INOPERATIVE: dict[str, Any] = {"operationalStatus": "Inoperative"}


@pytest.mark.parametrize("evse", [None, {"id": 1}, {"id": 1, "connectorId": 1}])
async def test_g03_fr_05_g04_fr_06_a_transaction_is_finished_before_its_evse_goes_out_of_use(
    autojump_clock: MockClock, schemas: Schemas, evse: dict[str, Any] | None
) -> None:
    request = INOPERATIVE if evse is None else INOPERATIVE | {"evse": evse}
    async with station_on_fake_csms(schemas, connector_types=(["cType2"], ["cType2"])) as (station, csms):
        first, second = station.hardware.evses
        first.connectors[0].plug_in()
        first.reader.present(CARD)
        await trio.sleep(10)
        csms.forget()
        assert await csms.call("ChangeAvailability", request) == {"status": "Scheduled"}
        await trio.sleep(10)
        assert csms.statuses() == ([] if evse else [(2, 1, "Unavailable")])
        assert first.contactor.closed
        first.reader.present(CARD)
        await trio.sleep(10)
        assert (1, 1, "Unavailable") in csms.statuses()
        assert station.hardware.in_use(second, second.connectors[0]) == (evse is not None)


@pytest.mark.parametrize("evse", [None, {"id": 2}, {"id": 1, "connectorId": 2}])
async def test_g03_fr_08_g04_fr_09_what_is_out_of_use_stays_so_over_a_power_cycle(
    autojump_clock: MockClock, schemas: Schemas, evse: dict[str, int] | None
) -> None:
    request = {"operationalStatus": "Inoperative"} | ({} if evse is None else {"evse": evse})
    everything = [(1, 1), (1, 2), (2, 1)]
    out = {None: everything, 2: [(2, 1)], 1: [(1, 2)]}[evse["id"] if evse else None]
    async with station_on_fake_csms(schemas, connector_types=(("cType2", "cCCS2"), ("cType2",))) as (station, csms):
        assert await csms.call("ChangeAvailability", request) == {"status": "Accepted"}
        for _ in range(2):
            csms.forget()
            station.cut_power()
            await trio.sleep(30)
            assert csms.statuses() == [(*place, "Unavailable" if place in out else "Available") for place in everything]


async def test_g03_fr_08_what_is_scheduled_stays_so_over_a_power_cycle(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(10)
        await csms.call("ChangeAvailability", INOPERATIVE | {"evse": {"id": 1}})
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(30)
        assert evse.contactor.closed
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert csms.statuses()[-1] == (1, 1, "Unavailable")


async def test_g03_a_later_operative_takes_back_what_was_scheduled(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(10)
        await csms.call("ChangeAvailability", INOPERATIVE | {"evse": {"id": 1}})
        assert await csms.call("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}}) == {
            "status": "Accepted"
        }
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert csms.statuses()[-1] == (1, 1, "Occupied")
