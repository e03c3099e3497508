"""REST version 1: reservations. What comes of them is told in tests/csms/blocks/test_reservation.py."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from csms.api.booking import MOST_ASKED
from tests.csms.api.problems import problem
from tests.csms.site import OpenSite, Site

TOKEN = {"idToken": "AABBCCDD", "type": "ISO14443"}


class TestPost:
    async def test_makes_one_at_the_station_it_names(self, site: Site) -> None:
        await site.connect_ready("CP_1")
        station = await site.connect_ready("CP_2")
        body = {"station_id": "CP_2", "id_token": TOKEN, "expires_at": "2026-11-22T06:00:00Z"}
        asking = site.post_later("/api/v1/reservations", body)
        request = await station.answer("ReserveNow", {"status": "Accepted"})
        answer = await asking.get()
        assert answer.status == 201
        assert answer.json == {
            "reservation_id": request["id"],
            "station_id": "CP_2",
            "evse_id": 1,
            "connector_type": None,
            "id_token": TOKEN,
            "group_id_token": None,
            "made_at": "2026-11-22T03:52:53.938Z",
            "expires_at": "2026-11-22T06:00:00.000Z",
            "state": "Active",
        }

    async def test_makes_one_anywhere_when_it_names_none(self, site: Site) -> None:
        await site.connect("CP_1")
        station = await site.connect_ready("CP_2")
        asking = site.post_later("/api/v1/reservations")
        await station.answer("ReserveNow", {"status": "Accepted"})
        answer = await asking.get()
        assert (answer.status, answer.json["station_id"]) == (201, "CP_2")

    async def test_goes_on_to_the_next_station_when_one_refuses_or_cannot_reserve(self, site: Site) -> None:
        stations = [await site.connect_ready(f"CP_{number}") for number in range(3)]
        asking = site.post_later("/api/v1/reservations")
        refused = await stations[0].answer("ReserveNow", {"status": "Occupied"})
        await stations[1].refuse("ReserveNow", "NotImplemented")
        accepted = await stations[2].answer("ReserveNow", {"status": "Accepted"})
        answer = await asking.get()
        assert (answer.status, answer.json["station_id"], answer.json["reservation_id"]) == (
            201,
            "CP_2",
            accepted["id"],
        )
        assert (await site.get(f"/api/v1/reservations/{refused['id']}")).json["state"] == "Refused"

    async def test_goes_on_to_so_many_stations_only(self, site: Site) -> None:
        stations = [await site.connect_ready(f"CP_{number}") for number in range(MOST_ASKED + 1)]
        asking = site.post_later("/api/v1/reservations")
        for station in stations[:MOST_ASKED]:
            await station.answer("ReserveNow", {"status": "Occupied"})
        assert problem(await asking.get())["detail"] == f"CP_{MOST_ASKED - 1} answered Occupied"
        assert stations[-1].unread() == []

    async def test_goes_on_for_half_the_time_of_a_call_only(self, open_site: OpenSite) -> None:
        site = open_site(call_timeout=20)
        first, second = await site.connect_ready("CP_1"), await site.connect_ready("CP_2")
        asking = site.post_later("/api/v1/reservations")
        message_id, _ = await first.expect("ReserveNow")
        await trio.sleep(11)
        await first.send([3, message_id, {"status": "Occupied"}])
        assert problem(await asking.get())["reason"] == "Occupied"
        assert second.unread() == []

    async def test_that_may_have_been_made_is_not_tried_elsewhere(self, site: Site) -> None:
        first, second = await site.connect_ready("CP_1"), await site.connect_ready("CP_2")
        asking = site.post_later("/api/v1/reservations")
        _, request = await first.expect("ReserveNow")
        details = problem(await asking.get())
        assert (details["status"], details["reservation_id"]) == (504, request["id"])
        assert second.unread() == []

    @pytest.mark.parametrize("status", ["Faulted", "Occupied", "Rejected", "Unavailable"])
    async def test_that_the_station_does_not_accept_is_409(self, site: Site, status: str) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        await station.answer("ReserveNow", {"status": status})
        details = problem(await asking.get())
        assert (details["status"], details["reason"]) == (409, status)

    @pytest.mark.parametrize("body", [{"station_id": "CP_9"}, {"station_id": "CP_1", "evse_id": 2}, {"evse_id": 2}])
    async def test_where_nothing_is_available_is_503(self, site: Site, body: dict[str, Any]) -> None:
        await site.connect_ready()
        assert problem(await site.post("/api/v1/reservations", body))["status"] == 503

    async def test_that_the_station_does_not_understand_is_502(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/api/v1/reservations")
        await station.refuse("ReserveNow", "NotImplemented")
        details = problem(await asking.get())
        assert (details["status"], details["error"]["code"]) == (502, "NotImplemented")

    async def test_that_is_not_answered_is_504(self, site: Site) -> None:
        await site.connect_ready()
        assert problem(await site.post("/api/v1/reservations"))["status"] == 504

    @pytest.mark.parametrize("body", [{"station": "CP_1"}, {"station_id": 1}, {"evse_id": 0}, []])
    async def test_of_the_wrong_shape_is_422(self, site: Site, body: Any) -> None:
        await site.connect_ready()
        assert problem(await site.post("/api/v1/reservations", body))["status"] == 422


class TestGet:
    async def test_lists_all(self, site: Site) -> None:
        assert (await site.get("/api/v1/reservations")).json == {"reservations": [], "next_cursor": None}
        ids = []
        for identity in ("CP_1", "CP_2"):
            station = await site.connect_ready(identity)
            asking = site.post_later("/api/v1/reservations", {"station_id": identity})
            ids.append((await station.answer("ReserveNow", {"status": "Accepted"}))["id"])
            await asking.get()
            await trio.sleep(1)
        listed = (await site.get("/api/v1/reservations")).json["reservations"]
        assert [one["reservation_id"] for one in listed] == ids[::-1]
        one = await site.get(f"/api/v1/reservations/{ids[1]}")
        assert (one.status, one.json) == (200, listed[0])

    @pytest.mark.parametrize("which", ["4711", "-1", "x", "99999999999999999999"])
    async def test_of_one_that_is_unknown_is_404(self, site: Site, which: str) -> None:
        assert problem(await site.get(f"/api/v1/reservations/{which}"))["status"] == 404
