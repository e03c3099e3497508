"""REST as in the project's beginnings: what people's scripts compare as text, to the character."""

from __future__ import annotations

from typing import Any, Final

import pytest
import trio

from tests.csms.site import Site, settle

AVAILABLE: Final = {"status": "Accepted"}


class TestList:
    async def test_is_empty_when_nobody_is_connected(self, site: Site) -> None:
        answer = await site.get("/list")
        assert (answer.status, answer.text) == (200, '{"cp_ids": []}\n')
        assert answer.headers["content-type"] == "application/json"

    async def test_has_who_is_connected_in_the_order_they_came(self, site: Site) -> None:
        await site.connect("CP_1")
        assert (await site.get("/list")).text == '{"cp_ids": ["CP_1"]}\n'
        await site.connect("CP_0")
        assert (await site.get("/list")).text == '{"cp_ids": ["CP_1", "CP_0"]}\n'

    @pytest.mark.parametrize("goodbye", [True, False])
    async def test_has_nobody_who_has_gone(self, site: Site, goodbye: bool) -> None:
        station = await site.connect("CP_1")
        await (station.hang_up() if goodbye else station.vanish())
        await settle()
        assert (await site.get("/list")).text == '{"cp_ids": []}\n'
        await site.connect("CP_1")
        assert (await site.get("/list")).text == '{"cp_ids": ["CP_1"]}\n'


class TestReserveAtAStation:
    async def test_answers_what_the_station_answered(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/reserve/CP_1")
        await station.answer("ReserveNow", {"status": "Accepted"})
        answer = await asking.get()
        assert (answer.status, answer.text) == (200, '{"status": "Accepted"}\n')

    async def test_that_is_not_connected_is_503(self, site: Site) -> None:
        answer = await site.post("/reserve/CP_9")
        assert answer.status == 503
        assert answer.text == '{"error_code": 503, "message": "No such Charge Point. [CP_9]"}\n'

    async def test_that_has_gone_is_503(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.vanish()
        await settle()
        answer = await site.post("/reserve/CP_1")
        assert answer.text == '{"error_code": 503, "message": "No such Charge Point. [CP_1]"}\n'

    async def test_that_has_not_booted_is_503(self, site: Site) -> None:
        await site.connect()
        answer = await site.post("/reserve/CP_1")
        assert (answer.status, answer.json["error_code"]) == (503, 503)
        assert answer.json["message"] == "CP_1 has not been accepted yet: it must boot first."

    @pytest.mark.parametrize("status", [None, "Occupied", "Reserved", "Unavailable", "Faulted"])
    async def test_without_an_available_evse_is_503(self, site: Site, status: str | None) -> None:
        station = await site.connect()
        await station.boot()
        if status is not None:
            await station.report_status(status)
        answer = await site.post("/reserve/CP_1")
        assert answer.status == 503
        assert answer.text == '{"error_code": 503, "message": "Nothing is available at CP_1."}\n'

    async def test_with_nothing_but_evse_0_available_is_503(self, site: Site) -> None:
        """Some stations report themselves so."""
        station = await site.connect()
        await station.boot()
        await station.report_status("Available", 0, 0)
        assert (await site.post("/reserve/CP_1")).json["message"] == "Nothing is available at CP_1."

    async def test_of_an_evse_that_is_not_available_is_503(self, site: Site) -> None:
        station = await site.connect_ready(evses=2)
        await station.report_status("Occupied", 2)
        for evse_id in (2, 3):
            answer = await site.post("/reserve/CP_1", {"evse_id": evse_id})
            assert answer.json == {"error_code": 503, "message": "Nothing is available at CP_1."}

    async def test_that_answers_callerror_is_502(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/reserve/CP_1")
        await station.refuse("ReserveNow", "InternalError", "out of order")
        answer = await asking.get()
        assert answer.status == 502
        assert answer.text == '{"error_code": 502, "message": "InternalError: out of order"}\n'

    async def test_that_answers_nonsense_is_502(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/reserve/CP_1")
        await station.answer("ReserveNow", {"status": "Perhaps"})
        answer = await asking.get()
        assert (answer.status, answer.json["error_code"]) == (502, 502)

    async def test_that_does_not_answer_is_504(self, site: Site) -> None:
        await site.connect_ready()
        answer = await site.post("/reserve/CP_1")
        assert (answer.status, answer.json["error_code"]) == (504, 504)
        assert trio.current_time() == 30

    async def test_that_goes_meanwhile_is_503_at_once(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.post_later("/reserve/CP_1")
        await station.expect("ReserveNow")
        await station.vanish()
        answer = await asking.get()
        assert (answer.status, answer.json["error_code"]) == (503, 503)
        assert trio.current_time() == 0


class TestReserveAnywhere:
    async def test_takes_an_available_station_and_tells_which(self, site: Site) -> None:
        await site.connect("CP_1")
        await (await site.connect_ready("CP_2")).report_status("Occupied")
        station = await site.connect_ready("CP_3", evses=2)
        await station.report_status("Faulted", 1)
        asking = site.post_later("/reserve")
        request = await station.answer("ReserveNow", {"status": "Accepted"})
        answer = await asking.get()
        assert answer.status == 200
        assert answer.text == (
            f'{{"status": "Accepted", "cp_id": "CP_3", "evse_id": 2, "reservation_id": {request["id"]}}}\n'
        )

    async def test_goes_on_to_the_next_station_when_one_is_full(self, site: Site) -> None:
        for identity in ("CP_1", "CP_2"):
            await site.connect_ready(identity)
        stations = [await site.connect_ready(identity) for identity in ("CP_3", "CP_4")]
        for identity in ("CP_1", "CP_2"):
            await site.delete(f"/api/v1/stations/{identity}")
        for station in stations:
            asking = site.post_later("/reserve")
            await station.answer("ReserveNow", {"status": "Accepted"})
            assert (await asking.get()).status == 200
        assert (await site.post("/reserve")).status == 503

    async def test_without_any_is_503(self, site: Site) -> None:
        answer = await site.post("/reserve")
        assert answer.status == 503
        assert answer.text == '{"error_code": 503, "message": "Nothing is available at any Charge Point."}\n'


@pytest.mark.parametrize("path", ["/reserve", "/reserve/CP_1"])
class TestTheBody:
    @pytest.mark.parametrize("data", ["{", "reserve it", '{"evse_id": 1}}', b"\xff\xfe"])
    async def test_that_is_no_json_is_400(self, site: Site, path: str, data: Any) -> None:
        await site.connect_ready()
        answer = await site.post(path, data=data)
        assert (answer.status, answer.json["error_code"]) == (400, 400)
        assert answer.json["message"].startswith("The body is not JSON: ")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ([], "array"),
            ({"evse": 1}, "`evse`"),
            ({"evse_id": "1"}, "$.evse_id"),
            ({"evse_id": 0}, "$.evse_id"),
            ({"evse_id": 2**31}, "$.evse_id"),
            ({"id_token": {"idToken": "x"}}, "$.id_token"),
            ({"id_token": {"idToken": "x" * 37, "type": "Central"}}, "$.id_token.idToken"),
            ({"expires_at": "tomorrow"}, "$.expires_at"),
            ({"expires_at": "2026-11-22T06:00:00"}, "$.expires_at"),
            ({"expires_at": "2026-11-22T03:52:53.938Z"}, "expires_at: must be in the future"),
            ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
            ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ],
    )
    async def test_of_the_wrong_shape_is_422_and_names_the_field(
        self, site: Site, path: str, body: Any, pointer: str
    ) -> None:
        await site.connect_ready()
        answer = await site.post(path, body)
        assert (answer.status, answer.json["error_code"]) == (422, 422)
        assert pointer in answer.json["message"]

    async def test_that_ocpp_cannot_say_is_422(self, site: Site, path: str) -> None:
        station = await site.connect_ready()
        answer = await site.post(path, {"id_token": {"idToken": "x", "type": "Handshake"}})
        assert (answer.status, answer.json["error_code"]) == (422, 422)
        assert "/idToken/type" in answer.json["message"]
        assert station.unread() == []

    @pytest.mark.parametrize("data", ["", "{}", " {} ", '{"evse_id": null}'])
    async def test_may_say_nothing(self, site: Site, path: str, data: str) -> None:
        station = await site.connect_ready()
        asking = site.ask_later("POST", path, data=data)
        await station.answer("ReserveNow", {"status": "Accepted"})
        assert (await asking.get()).status == 200
