"""H Reservation: the whole life of a reservation, as the CSMS sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
import trio

from shared.ocppj.date_time import from_wire, to_wire
from tests.csms.fake_station import FakeStation
from tests.csms.site import START, Site, settle

TOKEN: Final = {"idToken": "AABBCCDD", "type": "ISO14443"}


async def reserve(site: Site, station: FakeStation, body: object = None) -> dict[str, Any]:
    """Reserve at CP_1, which accepts it; the ReserveNow it got."""
    asking = site.post_later("/reserve/CP_1", body)
    request = await station.answer("ReserveNow", {"status": "Accepted"})
    assert (await asking.get()).json == {"status": "Accepted"}
    return request


async def state_of(site: Site, reservation_id: int) -> str:
    return str((await site.get(f"/api/v1/reservations/{reservation_id}")).json["state"])


async def nothing_available(site: Site) -> bool:
    """Whether nothing can be reserved at CP_1."""
    answer = await site.post("/reserve/CP_1")
    return answer.status == 503 and answer.json["message"] == "Nothing is available at CP_1."


async def update(station: FakeStation, reservation_id: int, status: str) -> None:
    """The station tells that the reservation has ended."""
    assert (
        await station.ask(
            "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": status}
        )
        == {}
    )


class TestH01Reserve:
    async def test_the_station_is_asked_to_reserve_its_available_evse_for_an_hour(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        assert request == {
            "id": request["id"],
            "evseId": 1,
            "expiryDateTime": to_wire(START + timedelta(hours=1)),
            "idToken": {"idToken": "guest", "type": "Central"},
        }

    async def test_the_driver_may_say_who_where_and_until_when(self, site: Site) -> None:
        station = await site.connect_ready(evses=3)
        body = {
            "id_token": TOKEN,
            "group_id_token": {"idToken": "GROUP", "type": "Central"},
            "evse_id": 2,
            "expires_at": "2026-11-22T06:00:00+01:00",
        }
        request = await reserve(site, station, body)
        assert request == {
            "id": request["id"],
            "evseId": 2,
            "expiryDateTime": "2026-11-22T05:00:00.000Z",
            "idToken": TOKEN,
            "groupIdToken": {"idToken": "GROUP", "type": "Central"},
        }

    @pytest.mark.parametrize("status", ["Faulted", "Occupied", "Rejected", "Unavailable"])
    async def test_h01_what_the_station_answers_is_told_and_nothing_is_reserved(self, site: Site, status: str) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/reserve/CP_1")
        await station.answer("ReserveNow", {"status": status})
        assert (await asking.get()).json == {"status": status}
        [reservation] = (await site.get("/api/v1/reservations")).json["reservations"]
        assert reservation["state"] == "Refused"

    async def test_a_second_one_finds_nothing_even_before_the_evse_was_reported_reserved(self, site: Site) -> None:
        station = await site.connect_ready()
        await reserve(site, station)
        assert await nothing_available(site)
        await station.report_status("Reserved")
        assert await nothing_available(site)
        await settle()
        assert station.unread() == []

    async def test_h01_fr_23_an_evse_that_is_reported_reserved_is_not_asked_for(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        await station.report_status("Reserved", 1)
        assert (await reserve(site, station))["evseId"] == 2
        assert await nothing_available(site)

    async def test_h01_fr_02_the_same_id_replaces_the_reservation(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        request = await reserve(site, station, {"evse_id": 1})
        again = request | {"evseId": 2, "idToken": TOKEN}
        asking = site.call_later("ReserveNow", again)
        await station.answer("ReserveNow", {"status": "Accepted"})
        assert (await asking.get()).json == {"result": {"status": "Accepted"}}
        [reservation] = (await site.get("/api/v1/reservations")).json["reservations"]
        assert (reservation["evse_id"], reservation["id_token"]) == (2, TOKEN)
        assert (await reserve(site, station))["evseId"] == 1

    async def test_one_made_through_calls_counts_like_any_other(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later(
            "ReserveNow", {"id": 7, "expiryDateTime": "2026-11-22T05:00:00Z", "idToken": TOKEN, "evseId": 1}
        )
        await station.answer("ReserveNow", {"status": "Accepted"})
        await asking.get()
        assert await state_of(site, 7) == "Active"
        assert await nothing_available(site)

    async def test_one_whose_asker_went_away_exists_all_the_same(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/reserve/CP_1")
        await settle()
        asking.give_up()
        request = await station.answer("ReserveNow", {"status": "Accepted"})
        await settle()
        assert await state_of(site, request["id"]) == "Active"
        assert await nothing_available(site)

    async def test_ids_are_not_given_twice(self, site: Site) -> None:
        station = await site.connect_ready(evses=20)
        ids = [(await reserve(site, station))["id"] for _ in range(20)]
        assert len(set(ids)) == 20
        assert all(0 < one < 2**31 for one in ids)

    async def test_h01_fr_15_a_transaction_uses_it_up(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.ask(
            "TransactionEvent",
            {
                "eventType": "Started",
                "timestamp": "2026-11-22T04:00:00Z",
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": "T1"},
                "reservationId": request["id"],
            },
        )
        assert await state_of(site, request["id"]) == "Used"


class TestH01AConnectorType:
    async def test_h01_fr_06_leaves_the_choice_of_the_evse_to_the_station(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        request = await reserve(site, station, {"connector_type": "cCCS2"})
        assert request["connectorType"] == "cCCS2"
        assert "evseId" not in request

    async def test_at_an_evse_is_asked_for_there(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        request = await reserve(site, station, {"connector_type": "cCCS2", "evse_id": 2})
        assert (request["connectorType"], request["evseId"]) == ("cCCS2", 2)

    async def test_at_an_evse_that_is_not_available_is_not_asked_for_elsewhere(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        await station.report_status("Occupied", 2)
        assert (await site.post("/reserve/CP_1", {"connector_type": "cCCS2", "evse_id": 2})).status == 503

    async def test_is_not_asked_for_where_no_evse_is_available(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.report_status("Occupied")
        assert (await site.post("/reserve/CP_1", {"connector_type": "cCCS2"})).status == 503

    async def test_h01_fr_07_takes_one_of_the_available_evses(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        await reserve(site, station, {"connector_type": "cCCS2"})
        await reserve(site, station, {"evse_id": 2})
        assert await nothing_available(site)

    async def test_anywhere_is_answered_without_an_evse(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/reserve", {"connector_type": "cCCS2"})
        await station.answer("ReserveNow", {"status": "Accepted"})
        assert (await asking.get()).json["evse_id"] is None


class TestTwoAtOnce:
    async def test_do_not_ask_for_the_same_evse(self, site: Site) -> None:
        station = await site.connect_ready()
        first = site.post_later("/reserve/CP_1")
        await settle()
        assert await nothing_available(site)
        await station.answer("ReserveNow", {"status": "Accepted"})
        assert (await first.get()).json == {"status": "Accepted"}
        assert station.unread() == []

    async def test_get_an_evse_each_where_there_are_two(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        asking = [site.post_later("/reserve/CP_1") for _ in range(3)]
        evses = {(await station.answer("ReserveNow", {"status": "Accepted"}))["evseId"] for _ in range(2)}
        assert evses == {1, 2}
        assert sorted([(await one.get()).status for one in asking]) == [200, 200, 503]

    async def test_go_on_to_the_next_station(self, site: Site) -> None:
        stations = [await site.connect_ready(identity) for identity in ("CP_1", "CP_2")]
        asking = [site.post_later("/reserve") for _ in range(2)]
        for station in stations:
            await station.answer("ReserveNow", {"status": "Accepted"})
        assert {(await one.get()).json["cp_id"] for one in asking} == {"CP_1", "CP_2"}

    @pytest.mark.parametrize("end", ["Rejected", "CALLERROR", "asker goes"])
    async def test_leave_the_evse_to_the_next_when_nothing_came_of_the_first(self, site: Site, end: str) -> None:
        station = await site.connect_ready()
        first = site.post_later("/reserve/CP_1")
        await settle()
        if end == "CALLERROR":
            await station.refuse("ReserveNow", "InternalError")
        elif end == "asker goes":
            first.give_up()
            await station.answer("ReserveNow", {"status": "Rejected"})
        else:
            await station.answer("ReserveNow", {"status": "Rejected"})
        await settle()
        await reserve(site, station)


class TestTheEndOfAReservation:
    async def test_h04_fr_01_is_told_by_the_station_when_it_expires(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.report_status("Reserved")
        await trio.sleep(3600)
        await update(station, request["id"], "Expired")
        await station.report_status("Available")
        assert await state_of(site, request["id"]) == "Expired"
        assert (await reserve(site, station))["evseId"] == 1

    async def test_h04_comes_at_its_expiry_also_where_the_station_says_nothing(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await trio.sleep(3599)
        assert await state_of(site, request["id"]) == "Active"
        await trio.sleep(1)
        assert await state_of(site, request["id"]) == "Expired"
        await reserve(site, station)

    async def test_h01_fr_16_is_told_by_the_station_when_the_evse_fails(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.report_status("Faulted")
        await update(station, request["id"], "Removed")
        assert await state_of(site, request["id"]) == "Removed"
        assert await nothing_available(site)

    async def test_of_one_that_is_unknown_is_acknowledged(self, site: Site) -> None:
        station = await site.connect_ready()
        await update(station, 4711, "Expired")
        assert (await site.get("/api/v1/reservations")).json["reservations"] == []

    async def test_is_final(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await update(station, request["id"], "Removed")
        await update(station, request["id"], "Expired")
        assert await state_of(site, request["id"]) == "Removed"

    async def test_at_one_station_leaves_the_others_alone(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        other = await site.connect_ready("CP_2")
        await update(other, request["id"], "Removed")
        assert await state_of(site, request["id"]) == "Active"


class TestH02Cancel:
    async def test_h02_fr_02_the_station_is_asked_to_cancel_it(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        cancelling = site.delete_later(f"/api/v1/reservations/{request['id']}")
        assert await station.answer("CancelReservation", {"status": "Accepted"}) == {"reservationId": request["id"]}
        answer = await cancelling.get()
        assert (answer.status, answer.json["status"]) == (200, "Accepted")
        assert answer.json["reservation"]["state"] == "Cancelled"
        assert (await reserve(site, station))["evseId"] == 1

    async def test_h02_fr_01_one_the_station_knows_nothing_of_is_gone(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        cancelling = site.delete_later(f"/api/v1/reservations/{request['id']}")
        await station.answer("CancelReservation", {"status": "Rejected"})
        answer = await cancelling.get()
        assert (answer.status, answer.json["status"]) == (200, "Rejected")
        assert answer.json["reservation"]["state"] == "Removed"

    async def test_through_calls_counts_like_any_other(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        site.call_later("CancelReservation", {"reservationId": request["id"]})
        await station.answer("CancelReservation", {"status": "Accepted"})
        await settle()
        assert await state_of(site, request["id"]) == "Cancelled"

    async def test_one_that_has_ended_cannot_be_cancelled(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await update(station, request["id"], "Removed")
        answer = await site.delete(f"/api/v1/reservations/{request['id']}")
        assert (answer.status, answer.json["detail"]) == (409, "The reservation is Removed")

    async def test_one_that_nobody_made_is_not_found(self, site: Site) -> None:
        assert (await site.delete("/api/v1/reservations/4711")).status == 404

    async def test_while_the_station_is_away_leaves_it_as_it_is(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.vanish()
        await settle()
        assert (await site.delete(f"/api/v1/reservations/{request['id']}")).status == 503
        assert await state_of(site, request["id"]) == "Active"


class TestB01AReboot:
    """B01.FR.13: the Reserved state must be persistent across reboots. Not every station's is."""

    async def test_of_a_station_that_kept_its_reservation_changes_nothing(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.boot()
        assert await state_of(site, request["id"]) == "Active"
        await station.report_status("Reserved")
        assert await state_of(site, request["id"]) == "Active"
        await station.report_status("Available")  # before it tells why
        assert await state_of(site, request["id"]) == "Active"

    async def test_of_a_station_that_forgot_it_ends_it(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.boot()
        await station.report_status("Available")
        assert await state_of(site, request["id"]) == "Removed"
        assert from_wire(request["expiryDateTime"]) > site.clock.now()
        await reserve(site, station)

    async def test_says_nothing_of_reservations_of_other_evses(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        first = await reserve(site, station, {"evse_id": 1})
        second = await reserve(site, station, {"evse_id": 2})
        await station.boot()
        await station.report_status("Available", 1)
        await station.report_status("Reserved", 2)
        assert await state_of(site, first["id"]) == "Removed"
        assert await state_of(site, second["id"]) == "Active"

    @pytest.mark.parametrize("first_status", ["Unavailable", "Faulted", "Occupied"])
    async def test_of_a_station_that_forgot_it_is_seen_at_any_of_the_evses_connectors(
        self, site: Site, first_status: str
    ) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.boot()
        await station.report_status(first_status, 1, 1)
        assert await state_of(site, request["id"]) == "Active"
        await station.report_status("Available", 1, 2)
        assert await state_of(site, request["id"]) == "Removed"

    async def test_that_is_not_accepted_says_nothing_yet(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.vanish()
        await site.patch("/api/v1/stations/CP_1", {"registration": "Pending"})
        station = await site.connect()
        await station.boot()
        assert await state_of(site, request["id"]) == "Active"

    async def test_a_reconnect_is_none(self, site: Site) -> None:
        station = await site.connect_ready()
        request = await reserve(site, station)
        await station.vanish()
        again = await site.connect()
        await again.report_status("Available")  # was under way when the reservation was made, perhaps
        assert await state_of(site, request["id"]) == "Active"
