"""H Reservation: kept whatever happens: answers that do not come, restarts, a database that is away."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import trio
from sqlalchemy import select

from csms.store import Change, StoreUnavailable
from csms.store.tables import events
from shared.ocppj.date_time import from_wire
from tests.csms.fake_station import FakeStation
from tests.csms.site import START, OpenSite, Site, settle

TOKEN = {"idToken": "04A1B2C3", "type": "ISO14443"}
HOUR_S = 3600


def reserve_now(reservation_id: int = 7, evse_id: int | None = 1, **more: Any) -> dict[str, Any]:
    """A ReserveNow for the next hour."""
    request: dict[str, Any] = {"id": reservation_id, "expiryDateTime": "2026-11-22T04:52:53.938Z", "idToken": TOKEN}
    return request | ({} if evse_id is None else {"evseId": evse_id}) | more


async def reserve(site: Site, station: FakeStation, status: str = "Accepted") -> int:
    """Have the operator reserve at CP_1; the reservation's id."""
    later = site.post_later("/api/v1/reservations", {"station_id": "CP_1", "id_token": TOKEN})
    request = await station.answer("ReserveNow", {"status": status})
    await later.get()
    return int(request["id"])


async def reserve_in_vain(site: Site, station: FakeStation) -> tuple[int, str]:
    """Have the operator reserve while the station does not answer in time; the ids of reservation and message."""
    later = site.post_later("/api/v1/reservations", {"station_id": "CP_1", "id_token": TOKEN})
    message_id, request = await station.expect("ReserveNow")
    answer = await later.get()
    assert (answer.status, answer.json["reservation_id"]) == (504, request["id"])
    return int(request["id"]), message_id


async def state_of(site: Site, reservation_id: int) -> str:
    return str((await site.get(f"/api/v1/reservations/{reservation_id}")).json["state"])


async def told(site: Site) -> list[tuple[str, int, str | None]]:
    """The events of reservations: type, id, and how it ended."""
    rows = await site.store.read(
        lambda connection: connection.execute(
            select(events.c.event_type, events.c.data)
            .where(events.c.event_type.startswith("reservation."))
            .order_by(events.c.event_id)
        ).all()
    )
    data = [(row.event_type, orjson.loads(row.data)) for row in rows]
    return [(event_type, one["reservation_id"], one.get("state")) for event_type, one in data]


async def offers(site: Site) -> int:
    """What a driver is told who wants to reserve anywhere: 503, nothing is available; 504, a station was asked."""
    return (await site.post("/reserve")).status


class TestH01Made:
    async def test_h01_fr_03_the_stations_accepted_makes_it(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.post_later(
            "/api/v1/reservations", {"station_id": "CP_1", "id_token": TOKEN, "expires_at": "2026-11-22T06:00:00+01:00"}
        )
        request = await station.answer("ReserveNow", {"status": "Accepted"})
        made = await later.get()
        assert made.status == 201
        assert made.json == {
            "reservation_id": request["id"],
            "station_id": "CP_1",
            "evse_id": 1,
            "connector_type": None,
            "id_token": TOKEN,
            "group_id_token": None,
            "made_at": "2026-11-22T03:52:53.938Z",
            "expires_at": "2026-11-22T05:00:00.000Z",
            "state": "Active",
        }
        assert await told(site) == [("reservation.made", request["id"], None)]

    @pytest.mark.parametrize("status", ["Occupied", "Faulted", "Unavailable", "Rejected"])
    async def test_h01_fr_11_fr_12_fr_14_what_the_station_refuses_is_none(self, site: Site, status: str) -> None:
        station = await site.connect_ready()
        later = site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        request = await station.answer("ReserveNow", {"status": status})
        answer = await later.get()
        assert (answer.status, answer.json["reason"]) == (409, status)
        assert await state_of(site, request["id"]) == "Refused"
        assert await told(site) == []
        assert await offers(site) == 504  # the EVSE is free

    async def test_a_callerror_refuses_it(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        request = await station.refuse("ReserveNow", "NotSupported")
        assert (await later.get()).status == 502
        assert await state_of(site, request["id"]) == "Refused"

    async def test_one_made_by_a_raw_call_is_known_too(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("ReserveNow", reserve_now(7))
        await station.answer("ReserveNow", {"status": "Accepted"})
        await later.get()
        assert await state_of(site, 7) == "Active"
        assert await offers(site) == 503

    @pytest.mark.parametrize("reservation_id", [2**63, 2**70, -(2**80)])
    async def test_an_id_that_no_database_keeps_is_the_callers_mistake(self, site: Site, reservation_id: int) -> None:
        station = await site.connect_ready()
        answer = await site.call("ReserveNow", reserve_now(reservation_id))
        assert (answer.status, answer.json["pointer"]) == (422, "/id")
        await use(station, reservation_id)
        await station.ask(
            "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": "Expired"}
        )

    async def test_h01_fr_02_the_same_id_replaces_it(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        for evse_id in (1, 2):
            later = site.call_later("ReserveNow", reserve_now(7, evse_id))
            await station.answer("ReserveNow", {"status": "Accepted"})
            await later.get()
        listed = (await site.get("/api/v1/reservations")).json["reservations"]
        assert [(one["reservation_id"], one["evse_id"], one["state"]) for one in listed] == [(7, 2, "Active")]
        assert site.csms.reservations.taken_evses("CP_1") == [2]

    async def test_h01_fr_02_a_replacement_that_is_refused_leaves_it(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        for evse_id, status in ((1, "Accepted"), (2, "Occupied")):
            later = site.call_later("ReserveNow", reserve_now(7, evse_id))
            await station.answer("ReserveNow", {"status": status})
            await later.get()
        assert site.csms.reservations.taken_evses("CP_1") == [1]

    async def test_h01_fr_02_a_replacement_without_an_answer_keeps_both_evses(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        later = site.call_later("ReserveNow", reserve_now(7, 1))
        await station.answer("ReserveNow", {"status": "Accepted"})
        await later.get()
        later = site.call_later("ReserveNow", reserve_now(7, 2))
        await station.expect("ReserveNow")
        await later.get()
        assert site.csms.reservations.taken_evses("CP_1") == [1, 2]
        await station.report_status("Reserved", 2)
        assert site.csms.reservations.taken_evses("CP_1") == [2]

    async def test_two_who_want_the_last_evse_at_once_do_not_both_get_it(self, site: Site) -> None:
        station = await site.connect_ready()
        first, second = site.post_later("/reserve"), site.post_later("/reserve")
        await station.answer("ReserveNow", {"status": "Accepted"})
        assert sorted([(await first.get()).status, (await second.get()).status]) == [200, 503]
        assert station.unread() == []


class TestTheAnswerThatDoesNotCome:
    async def test_until_it_is_known_the_evse_is_offered_to_nobody(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, _ = await reserve_in_vain(site, station)
        assert await state_of(site, reservation_id) == "Requested"
        assert await offers(site) == 503

    async def test_a_late_accepted_finds_its_reservation(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, message_id = await reserve_in_vain(site, station)
        await station.send([3, message_id, {"status": "Accepted"}])
        await settle()
        assert await state_of(site, reservation_id) == "Active"
        assert await told(site) == [("reservation.made", reservation_id, None)]

    async def test_a_late_refusal_frees_the_evse(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, message_id = await reserve_in_vain(site, station)
        await station.send([3, message_id, {"status": "Occupied"}])
        await settle()
        assert await state_of(site, reservation_id) == "Refused"
        assert await offers(site) == 504

    async def test_a_late_callerror_frees_the_evse(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, message_id = await reserve_in_vain(site, station)
        await station.send([4, message_id, "InternalError", "", {}])
        await settle()
        assert await state_of(site, reservation_id) == "Refused"

    async def test_h01_fr_23_the_status_reserved_proves_it(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, message_id = await reserve_in_vain(site, station)
        await station.report_status("Reserved")
        assert await state_of(site, reservation_id) == "Active"
        await station.send([3, message_id, {"status": "Accepted"}])
        await settle()
        assert await told(site) == [("reservation.made", reservation_id, None)]

    async def test_h01_fr_23_the_status_may_come_before_the_time_out(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        _, request = await station.expect("ReserveNow")
        await station.report_status("Reserved")
        assert await state_of(site, request["id"]) == "Requested"  # the answer decides, as long as it may come
        await later.get()
        assert await state_of(site, request["id"]) == "Active"

    async def test_its_use_ends_it(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, _ = await reserve_in_vain(site, station)
        await use(station, reservation_id)
        assert await state_of(site, reservation_id) == "Used"

    async def test_the_operator_can_cancel_it(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, _ = await reserve_in_vain(site, station)
        later = site.delete_later(f"/api/v1/reservations/{reservation_id}")
        await station.answer("CancelReservation", {"status": "Rejected"})
        await later.get()
        assert await state_of(site, reservation_id) == "Removed"
        assert await offers(site) == 504

    async def test_it_expires_like_any_other(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id, _ = await reserve_in_vain(site, station)
        await trio.sleep(HOUR_S)
        assert await state_of(site, reservation_id) == "Expired"

    async def test_when_the_connection_ends_before_it_is_sent_it_is_none(self, site: Site) -> None:
        station = await site.connect_ready()
        site.hold_store()
        later = site.post_later("/api/v1/stations/CP_1/calls/ReserveNow", reserve_now())
        await settle()
        await station.vanish()
        await settle()
        site.release_store()
        assert (await later.get()).status == 503
        assert await state_of(site, 7) == "Refused"
        assert station.unread() == []

    @pytest.mark.parametrize(("status", "state"), [("Available", "Removed"), ("Reserved", "Active")])
    async def test_after_a_lost_connection_the_next_status_tells(self, site: Site, status: str, state: str) -> None:
        station = await site.connect_ready()
        later = site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        _, request = await station.expect("ReserveNow")
        await station.vanish()
        answer = await later.get()
        assert (answer.status, answer.json["reservation_id"]) == (503, request["id"])
        station = await site.connect()
        assert await state_of(site, request["id"]) == "Requested"
        await station.report_status(status)
        assert await state_of(site, request["id"]) == state

    @pytest.mark.parametrize(("status", "state"), [("Available", "Removed"), ("Reserved", "Active")])
    async def test_after_a_kill_between_request_and_answer_too(self, site: Site, status: str, state: str) -> None:
        station = await site.connect_ready()
        site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        _, request = await station.expect("ReserveNow")
        await site.restart()
        assert await state_of(site, request["id"]) == "Requested"
        station = await site.connect()
        await station.boot()
        await station.report_status(status)
        assert await state_of(site, request["id"]) == state


def using(reservation_id: int) -> dict[str, Any]:
    """The TransactionEvent of a transaction that starts with the reservation."""
    return {
        "eventType": "Started",
        "timestamp": "2026-11-22T04:00:00Z",
        "triggerReason": "Authorized",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "tx-1"},
        "reservationId": reservation_id,
        "idToken": TOKEN,
    }


async def use(station: FakeStation, reservation_id: int) -> None:
    """Start a transaction with the reservation."""
    await station.ask("TransactionEvent", using(reservation_id))


class TestItsEnd:
    async def test_h01_fr_15_h03_fr_09_a_transaction_with_its_id_has_used_it(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await use(station, reservation_id)
        assert await state_of(site, reservation_id) == "Used"
        assert (await told(site))[1:] == [("reservation.ended", reservation_id, "Used")]
        assert site.csms.reservations.taken_evses("CP_1") == []

    async def test_h01_fr_15_a_resent_event_ends_it_once(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await use(station, reservation_id)
        await use(station, reservation_id)
        assert len(await told(site)) == 2

    async def test_h01_fr_15_a_resent_event_ends_it_whose_first_commit_was_not_heard_of(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        commit = site.store.commit

        async def commit_unheard(*changes: Change) -> None:
            await commit(*changes)
            raise StoreUnavailable("the answer comes too late")

        with monkeypatch.context() as patched:
            patched.setattr(site.store, "commit", commit_unheard)
            with pytest.raises(AssertionError, match="InternalError"):
                await use(station, reservation_id)
        await use(station, reservation_id)
        assert await state_of(site, reservation_id) == "Used"
        assert site.csms.reservations.taken_evses("CP_1") == []

    async def test_h01_fr_15_a_connection_lost_while_its_use_is_written_does_not_keep_the_evse_taken(
        self, open_site: OpenSite
    ) -> None:
        for steps in range(6):
            site = open_site()
            station = await site.connect_ready()
            reservation_id = await reserve(site, station)
            await station.send([2, "lost", "TransactionEvent", using(reservation_id)])
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            await station.vanish()
            await settle()
            again = await site.connect()
            await use(again, reservation_id)
            assert await state_of(site, reservation_id) == "Used"
            assert site.csms.reservations.taken_evses("CP_1") == [], f"lost after {steps} steps"

    async def test_h01_fr_15_a_transaction_that_began_offline_is_told_of_after_the_expiry(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await station.vanish()
        await trio.sleep(HOUR_S)
        assert await state_of(site, reservation_id) == "Expired"
        station = await site.connect()
        await use(station, reservation_id)
        assert await state_of(site, reservation_id) == "Used"

    @pytest.mark.parametrize(("status", "state"), [("Expired", "Expired"), ("Removed", "Removed")])
    async def test_h01_fr_16_fr_17_h04_fr_01_the_station_tells(self, site: Site, status: str, state: str) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await station.ask(
            "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": status}
        )
        assert await state_of(site, reservation_id) == state
        assert (await told(site))[1:] == [("reservation.ended", reservation_id, state)]

    async def test_h04_fr_01_it_expires_although_the_station_is_away(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await station.vanish()
        await trio.sleep(HOUR_S - 1)
        assert await state_of(site, reservation_id) == "Active"
        await trio.sleep(1.1)
        assert (await told(site))[1:] == [("reservation.ended", reservation_id, "Expired")]

    async def test_h04_fr_01_the_stations_expired_comes_once_more_in_vain(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await trio.sleep(HOUR_S + 1)
        await station.ask(
            "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": "Removed"}
        )
        assert await state_of(site, reservation_id) == "Expired"
        assert len(await told(site)) == 2

    async def test_an_id_never_heard_of_is_acknowledged(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.ask("ReservationStatusUpdate", {"reservationId": 99, "reservationUpdateStatus": "Expired"})
        await use(station, 99)
        assert (await site.get("/api/v1/reservations")).json == {"reservations": [], "next_cursor": None}

    @pytest.mark.parametrize(("status", "state"), [("Accepted", "Cancelled"), ("Rejected", "Removed")])
    async def test_h02_fr_01_fr_02_the_operator_cancels_it(self, site: Site, status: str, state: str) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        later = site.delete_later(f"/api/v1/reservations/{reservation_id}")
        assert await station.answer("CancelReservation", {"status": status}) == {"reservationId": reservation_id}
        answer = await later.get()
        assert (answer.json["status"], answer.json["reservation"]["state"]) == (status, state)
        assert (await told(site))[1:] == [("reservation.ended", reservation_id, state)]
        again = await site.delete(f"/api/v1/reservations/{reservation_id}")
        assert again.status == 409

    async def test_a_late_answer_to_its_cancelling_counts(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        later = site.delete_later(f"/api/v1/reservations/{reservation_id}")
        message_id, _ = await station.expect("CancelReservation")
        assert (await later.get()).status == 504
        assert await state_of(site, reservation_id) == "Active"
        await station.send([3, message_id, {"status": "Accepted"}])
        await settle()
        assert await state_of(site, reservation_id) == "Cancelled"


class TestRestarts:
    async def test_a_reservation_outlives_the_csms(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await site.restart()
        assert await state_of(site, reservation_id) == "Active"
        station = await site.connect()
        await station.boot()
        await station.report_status("Reserved", 1)
        await station.report_status("Available", 2)
        assert site.csms.reservations.taken_evses("CP_1") == [1]
        await use(station, reservation_id)
        assert await state_of(site, reservation_id) == "Used"

    async def test_one_that_expired_meanwhile_has_expired(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        site.kill()
        await trio.sleep(2 * HOUR_S)
        await site.restart()
        await settle()
        assert await state_of(site, reservation_id) == "Expired"
        assert (await told(site))[1:] == [("reservation.ended", reservation_id, "Expired")]

    @pytest.mark.parametrize(
        ("status", "state"), [("Available", "Removed"), ("Reserved", "Active"), ("Faulted", "Active")]
    )
    async def test_b01_fr_13_a_rebooted_station_shows_whether_it_kept_it(
        self, site: Site, status: str, state: str
    ) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await station.boot()
        await station.report_status(status)
        assert await state_of(site, reservation_id) == state

    async def test_b01_fr_13_also_when_the_csms_restarts_between_boot_and_status(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await station.boot()
        await site.restart()
        station = await site.connect()
        await station.boot()
        await station.report_status("Available")
        assert await state_of(site, reservation_id) == "Removed"

    async def test_without_a_reboot_available_proves_nothing(self, site: Site) -> None:
        """The station may have said so before it had our ReserveNow."""
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        await station.report_status("Available")
        assert await state_of(site, reservation_id) == "Active"


class TestTheList:
    async def test_it_has_filters_and_pages_the_newest_first(self, open_site: OpenSite) -> None:
        site = open_site()
        made: list[int] = []
        for identity in ("CP_1", "CP_2"):
            station = await site.connect_ready(identity, evses=3)
            for status in ("Accepted", "Rejected", "Accepted"):
                later = site.post_later("/api/v1/reservations", {"station_id": identity})
                made.insert(0, (await station.answer("ReserveNow", {"status": status}))["id"])
                await later.get()
                await trio.sleep(1)

        async def listed(query: str) -> tuple[list[int], str | None]:
            page = (await site.get(f"/api/v1/reservations?{query}")).json
            return [one["reservation_id"] for one in page["reservations"]], page["next_cursor"]

        assert await listed("") == (made, None)
        assert await listed("station_id=CP_1") == (made[3:], None)
        assert await listed("state=Refused") == ([made[1], made[4]], None)
        assert await listed("state=Active&station_id=CP_2") == ([made[0], made[2]], None)
        first, cursor = await listed("limit=4")
        assert first == made[:4]
        assert await listed(f"limit=4&cursor={cursor}") == (made[4:], None)

    @pytest.mark.parametrize("query", ["state=Gone", "cursor=x", "limit=0", "station_id=%00"])
    async def test_what_makes_no_sense_is_refused(self, site: Site, query: str) -> None:
        assert (await site.get(f"/api/v1/reservations?{query}")).status == 422

    @pytest.mark.parametrize("reservation_id", ["1", "99999999999999999999"])
    async def test_an_unknown_id_is_not_found(self, site: Site, reservation_id: str) -> None:
        assert (await site.get(f"/api/v1/reservations/{reservation_id}")).status == 404
        assert (await site.delete(f"/api/v1/reservations/{reservation_id}")).status == 404


def test_the_start_of_these_tests_is_before_the_expiry_they_ask_for() -> None:
    assert (from_wire(reserve_now()["expiryDateTime"]) - START).total_seconds() == HOUR_S


class TestADatabaseThatDoesNotAnswer:
    async def test_then_nothing_is_asked_of_the_station(self, site: Site) -> None:
        station = await site.connect_ready()
        site.break_store()
        assert (await site.post("/reserve/CP_1")).json["error_code"] == 503
        await settle()
        assert station.unread() == []
        site.mend_store()
        assert await reserve(site, station)

    async def test_what_the_station_accepted_is_not_said_to_be_made_and_not_lost(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        message_id, request = await station.expect("ReserveNow")
        site.break_store()
        await station.send([3, message_id, {"status": "Accepted"}])
        answer = await later.get()
        assert (answer.status, answer.json["reservation_id"]) == (503, request["id"])
        site.mend_store()
        assert await offers(site) == 503
        await station.report_status("Reserved")
        assert await state_of(site, request["id"]) == "Active"

    async def test_a_station_that_tells_of_an_end_is_told_to_send_it_again(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        update = {"reservationId": reservation_id, "reservationUpdateStatus": "Removed"}
        site.break_store()
        assert (await station.call("ReservationStatusUpdate", update))[2] == "InternalError"
        assert site.csms.reservations.taken_evses("CP_1") == [1]
        site.mend_store()
        await station.ask("ReservationStatusUpdate", update)
        assert await state_of(site, reservation_id) == "Removed"

    async def test_an_expiry_is_written_when_it_is_back(self, site: Site) -> None:
        station = await site.connect_ready()
        reservation_id = await reserve(site, station)
        site.break_store()
        await trio.sleep(HOUR_S + 1)
        assert site.csms.reservations.taken_evses("CP_1") == []
        site.mend_store()
        await trio.sleep(11)
        assert (await told(site))[1:] == [("reservation.ended", reservation_id, "Expired")]
