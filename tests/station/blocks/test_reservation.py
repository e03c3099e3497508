"""H Reservation on the wire: ReserveNow, CancelReservation, ReservationStatusUpdate (H01, H02, H04)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj import date_time, errors
from shared.ocppj.schemas import Schemas
from station.blocks.reservation.handlers import UNANSWERED_PAUSE_S, UPDATES_KEPT
from station.device_model import (
    EV_CONNECTION_TIME_OUT,
    RESERVATION_AVAILABLE,
    RESERVATION_ENABLED,
    RESERVATION_NON_EVSE_SPECIFIC,
    DeviceModel,
    Variable,
)
from tests.station.blocks.driving import CARD, charge
from tests.station.fake_csms import START, FakeCsms, station_on_fake_csms

TWO_AND_ONE = (("cType2", "cCCS2"), ("cType2",))


def reserve_now(number: int = 1, *, lasts_s: float = 60, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "expiryDateTime": date_time.to_wire(START + timedelta(seconds=lasts_s)),
        "idToken": {"idToken": "guest", "type": "Central"},
        **more,
    }


def updates(csms: FakeCsms) -> list[tuple[int, str]]:
    payloads = [call.payload for call in csms.received if call.action == "ReservationStatusUpdate"]
    return [(payload["reservationId"], payload["reservationUpdateStatus"]) for payload in payloads]


async def test_h01_fr_23_the_answer_goes_before_the_status_of_every_connector_of_the_evse(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        csms.forget()
        sofar = len(csms.wire.texts)
        assert await csms.call("ReserveNow", reserve_now(evseId=1)) == {"status": "Accepted"}
        assert csms.wire.texts[sofar + 1] == '[3,"csms-1",{"status":"Accepted"}]'
        assert csms.statuses() == [(1, 1, "Reserved"), (1, 2, "Reserved")]


async def test_h01_fr_20_the_last_evse_that_is_available_is_reported_reserved(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (station, csms):
        csms.forget()
        assert await csms.call("ReserveNow", reserve_now()) == {"status": "Accepted"}
        assert csms.statuses() == []
        station.hardware.evses[1].connectors[0].plug_in()
        await wait_all_tasks_blocked()
        assert sorted(csms.statuses()) == [(1, 1, "Reserved"), (1, 2, "Reserved"), (2, 1, "Occupied")]


async def test_h01_fr_24_evses_with_the_type_asked_for_are_reported_reserved(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        csms.forget()
        assert await csms.call("ReserveNow", reserve_now(connectorType="cCCS2")) == {"status": "Accepted"}
        assert csms.statuses() == [(1, 1, "Reserved"), (1, 2, "Reserved")]


async def test_h01_fr_11_h01_fr_12_h01_fr_14_what_cannot_be_reserved_is_answered_with_how_it_is(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"],) * 4) as (station, csms):
        first, second, third, _ = station.hardware.evses
        first.connectors[0].plug_in()
        second.connectors[0].fail()
        third.switch(operative=False)
        await csms.call("ReserveNow", reserve_now(number=7, evseId=4))
        answers = [
            await csms.call("ReserveNow", reserve_now(number=8, evseId=evse.evse_id)) for evse in station.hardware.evses
        ]
        assert [answer["status"] for answer in answers] == ["Occupied", "Faulted", "Unavailable", "Occupied"]


@pytest.mark.parametrize("variable", [RESERVATION_AVAILABLE, RESERVATION_ENABLED])
async def test_h01_fr_01_a_station_that_takes_no_reservations_rejects(
    autojump_clock: MockClock, schemas: Schemas, variable: Variable[bool]
) -> None:
    variables = DeviceModel()
    variables[variable] = False
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        assert await csms.call("ReserveNow", reserve_now(evseId=1)) == {"status": "Rejected"}


async def test_h01_fr_19_without_non_evse_specific_an_evse_must_be_named(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = DeviceModel()
    variables[RESERVATION_NON_EVSE_SPECIFIC] = False
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        assert await csms.call("ReserveNow", reserve_now()) == {"status": "Rejected"}
        assert await csms.call("ReserveNow", reserve_now(connectorType="cType2")) == {"status": "Rejected"}
        assert await csms.call("ReserveNow", reserve_now(evseId=1)) == {"status": "Accepted"}


@pytest.mark.parametrize("request_", [reserve_now(evseId=1, lasts_s=0), reserve_now(evseId=2), reserve_now(evseId=0)])
async def test_h01_a_time_that_has_passed_and_an_evse_that_is_not_there_are_rejected(
    autojump_clock: MockClock, schemas: Schemas, request_: dict[str, Any]
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        csms.forget()
        assert await csms.call("ReserveNow", request_) == {"status": "Rejected"}
        assert csms.actions == []


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
async def test_h01_the_ends_of_time_are_no_trouble(autojump_clock: MockClock, schemas: Schemas, moment: str) -> None:
    async with station_on_fake_csms(schemas, interval_s=0) as (_, csms):
        request = reserve_now(evseId=1) | {"expiryDateTime": moment}
        assert (await csms.call("ReserveNow", request))["status"] in {"Accepted", "Rejected"}
        csms.forget()
        await trio.sleep(601)
        assert set(csms.actions) == {"Heartbeat"}


async def test_h01_fr_02_the_same_id_replaces_the_reservation(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"], ["cType2"])) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        csms.forget()
        assert await csms.call("ReserveNow", reserve_now(evseId=2, lasts_s=90)) == {"status": "Accepted"}
        assert csms.statuses() == [(1, 1, "Available"), (2, 1, "Reserved")]
        await trio.sleep(200)
        assert [(call.at, call.action) for call in csms.received if call.action == "ReservationStatusUpdate"] == [
            (90.0, "ReservationStatusUpdate")
        ]


async def test_h04_fr_01_h04_fr_03_an_expired_reservation_is_reported_and_its_connectors_are_available(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        await csms.call("ReserveNow", reserve_now(number=5, evseId=1))
        csms.forget()
        await trio.sleep(59)
        assert csms.actions == []
        await trio.sleep(2)
        assert [(call.at, call.action) for call in csms.received] == [
            (60.0, "ReservationStatusUpdate"),
            (60.0, "StatusNotification"),
            (60.0, "StatusNotification"),
        ]
        assert csms.received[0].payload == {"reservationId": 5, "reservationUpdateStatus": "Expired"}
        assert csms.statuses() == [(1, 1, "Available"), (1, 2, "Available")]


async def test_h04_a_vehicle_that_waited_has_the_evse_when_the_reservation_expires(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        station.hardware.evses[0].connectors[0].plug_in()
        csms.forget()
        await trio.sleep(59)
        assert csms.actions == []
        await trio.sleep(2)
        assert csms.statuses() == [(1, 1, "Occupied")]


async def test_h04_fr_01_it_expires_by_the_station_s_clock_which_follows_the_csms_s(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, interval_s=30) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        csms.clock.set(START + timedelta(seconds=20))
        csms.forget()
        await trio.sleep(50)
        assert [(call.at, call.action) for call in csms.received] == [
            (30.0, "Heartbeat"),
            (40.0, "ReservationStatusUpdate"),
            (40.0, "StatusNotification"),
        ]


async def test_h04_an_expiry_while_offline_is_reported_when_the_station_is_connected_again(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1, lasts_s=5))
        csms.forget()
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(10)
        csms.unreachable = None
        await trio.sleep(20)
        assert updates(csms) == [(1, "Expired")]
        assert csms.statuses() == [(1, 1, "Available")]


async def test_b02_fr_02_an_expiry_while_not_accepted_is_reported_when_the_station_is(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=30) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1, lasts_s=5))
        await trio.sleep(20)
        assert csms.actions == ["BootNotification"]
        csms.boot_status = "Accepted"
        await trio.sleep(20)
        assert csms.actions[1:] == ["BootNotification", "ReservationStatusUpdate", "StatusNotification"]


@pytest.mark.parametrize(("trouble", "status"), [("fault", "Faulted"), ("switch", "Unavailable")])
async def test_h01_fr_16_h01_fr_17_a_reservation_is_removed_with_its_evse(
    autojump_clock: MockClock, schemas: Schemas, trouble: str, status: str
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        csms.forget()
        connector = station.hardware.evses[0].connectors[0]
        if trouble == "fault":
            connector.fail()
        else:
            await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
        await wait_all_tasks_blocked()
        assert updates(csms) == [(1, "Removed")]
        assert csms.statuses() == [(1, 1, status)]


async def test_h01_fr_07_h01_fr_11_an_evse_whose_driver_is_about_to_plug_in_is_not_for_others(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"], ["cType2"])) as (station, csms):
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(1)
        csms.forget()
        assert await csms.call("ReserveNow", reserve_now(evseId=1)) == {"status": "Occupied"}
        assert await csms.call("ReserveNow", reserve_now(lasts_s=1000)) == {"status": "Accepted"}
        assert csms.statuses() == [(2, 1, "Reserved")]  # H01.FR.20
        await trio.sleep(DeviceModel()[EV_CONNECTION_TIME_OUT])  # nobody has plugged in
        assert csms.statuses() == [(2, 1, "Reserved"), (2, 1, "Available")]


async def test_h01_fr_14_h01_fr_17_a_station_that_will_go_out_of_use_has_no_more_reservations(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"], ["cType2"])) as (station, csms):
        await charge(station.hardware.evses[0])
        await csms.call("ReserveNow", reserve_now(evseId=2, lasts_s=1000))
        csms.forget()
        assert await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"}) == {"status": "Scheduled"}
        assert csms.statuses() == [(2, 1, "Unavailable")]
        assert updates(csms) == [(1, "Removed")]
        assert await csms.call("ReserveNow", reserve_now(2, evseId=2, lasts_s=1000)) == {"status": "Unavailable"}


async def test_b11_fr_05_h01_fr_14_an_evse_that_is_being_reset_keeps_its_reservation_and_takes_no_other(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"], ["cType2"])) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1, lasts_s=1000))
        for evse_id in (1, 2):
            await csms.call("Reset", {"type": "Immediate", "evseId": evse_id})
        assert await csms.call("ReserveNow", reserve_now(2, evseId=2, lasts_s=1000)) == {"status": "Unavailable"}
        assert await csms.call("ReserveNow", reserve_now(3, lasts_s=1000)) == {"status": "Unavailable"}
        assert await csms.call("ReserveNow", reserve_now(4, evseId=3, lasts_s=1000)) == {"status": "Rejected"}
        await trio.sleep(20)
        assert csms.statuses()[-2:] == [(1, 1, "Reserved"), (2, 1, "Available")]
        assert updates(csms) == []
        assert await csms.call("ReserveNow", reserve_now(2, evseId=2, lasts_s=1000)) == {"status": "Accepted"}


async def test_h01_fr_16_it_is_gone_also_when_the_fault_is_over_before_anybody_was_told(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        csms.forget()
        station.hardware.evses[0].connectors[0].fail()
        station.hardware.evses[0].connectors[0].clear_fault()
        await wait_all_tasks_blocked()
        assert updates(csms) == [(1, "Removed")]
        assert csms.statuses() == [(1, 1, "Available")]


async def test_h02_fr_02_h02_fr_04_a_cancelled_reservation_frees_its_connectors_without_an_update(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        csms.forget()
        assert await csms.call("CancelReservation", {"reservationId": 1}) == {"status": "Accepted"}
        await trio.sleep(100)
        assert csms.actions == ["StatusNotification"] * 2
        assert csms.statuses() == [(1, 1, "Available"), (1, 2, "Available")]


async def test_h02_fr_01_what_is_not_reserved_cannot_be_cancelled(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        assert await csms.call("CancelReservation", {"reservationId": 2}) == {"status": "Rejected"}


async def test_h04_an_update_that_is_refused_is_not_sent_again(autojump_clock: MockClock, schemas: Schemas) -> None:
    refuses: dict[str, errors.PeerError] = {"ReservationStatusUpdate": errors.NotSupported()}
    async with station_on_fake_csms(schemas, refuses=refuses) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1))
        await trio.sleep(200)
        assert updates(csms) == [(1, "Expired")]


async def test_h04_an_update_that_is_not_answered_is_sent_again_and_holds_up_nothing(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    behaviour: dict[str, Any] = {
        "thinks_s": {"ReservationStatusUpdate": 31.0},
        "refuses": {"ReservationStatusUpdate": errors.InternalError()},  # late, so it tells nothing any more
    }
    async with station_on_fake_csms(schemas, **behaviour) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1, lasts_s=10))
        csms.forget()
        await trio.sleep(10 + 30 + UNANSWERED_PAUSE_S + 1)
        assert csms.actions == ["ReservationStatusUpdate", "StatusNotification", "ReservationStatusUpdate"]


async def test_h04_an_update_that_is_answered_late_is_not_sent_again(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    thinks_s = {"ReservationStatusUpdate": 31.0}
    async with station_on_fake_csms(schemas, thinks_s=thinks_s) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1, lasts_s=10))
        csms.forget()
        await trio.sleep(200)
        assert csms.actions == ["ReservationStatusUpdate", "StatusNotification"]


async def test_h04_a_csms_that_stays_away_does_not_fill_the_memory(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending", interval_s=86400) as (station, csms):
        connector = station.hardware.evses[0].connectors[0]
        for number in range(UPDATES_KEPT + 3):
            await csms.call("ReserveNow", reserve_now(number, evseId=1))
            connector.fail()
            connector.clear_fault()
        csms.boot_status = "Accepted"
        await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"})
        await trio.sleep(10)
        assert updates(csms) == [(number, "Removed") for number in range(3, UPDATES_KEPT + 3)]


async def test_h04_an_update_that_was_lost_with_the_connection_is_sent_again(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.call("ReserveNow", reserve_now(evseId=1, lasts_s=10))
        csms.forget()
        csms.thinks_s["ReservationStatusUpdate"] = 20.0
        await trio.sleep(11)
        await csms.hang_up()
        csms.thinks_s.clear()
        await trio.sleep(20)
        assert csms.actions == ["ReservationStatusUpdate", "ReservationStatusUpdate", "StatusNotification"]
        assert updates(csms) == [(1, "Expired")] * 2
