"""REST version 1: the registry of stations."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from csms.message_store import FLUSH_S
from shared.handshake import HandshakeRefused
from tests.csms.api.problems import problem
from tests.csms.blocks.transactions.charging import session
from tests.csms.fake_station import BOOT
from tests.csms.site import PASSWORD, OpenSite, Site, settle

NEW = {
    "station_id": "CP_1",
    "registration": "Accepted",
    "security_profile": 1,
    "items_per_message": {},
    "has_password": False,
    "connected": False,
    "state": None,
    "subprotocol": None,
    "last_seen": None,
    "booted_at": None,
    "reset": None,
    "availability": [],
    "charging_station": {},
    "connectors": [],
}


class TestGet:
    async def test_lists_all_connected_or_not_by_identity(self, site: Site) -> None:
        assert (await site.get("/api/v1/stations")).json == {"stations": [], "next_cursor": None}
        await site.put("/api/v1/stations/CP_2", {})
        await site.connect("CP_1")
        stations = (await site.get("/api/v1/stations")).json["stations"]
        assert [(one["station_id"], one["connected"]) for one in stations] == [("CP_1", True), ("CP_2", False)]

    async def test_tells_what_is_known_of_one(self, site: Site) -> None:
        await site.connect_ready()
        answer = await site.get("/api/v1/stations/CP_1")
        assert answer.status == 200
        assert answer.json == NEW | {
            "has_password": True,
            "connected": True,
            "state": "Ready",
            "subprotocol": "ocpp2.0.1",
            "last_seen": "2026-11-22T03:52:53.938Z",
            "booted_at": "2026-11-22T03:52:53.938Z",
            "charging_station": BOOT["chargingStation"],
            "connectors": [
                {"evse_id": 1, "connector_id": 1, "status": "Available", "timestamp": "2026-11-22T03:52:54.000Z"}
            ],
        }

    async def test_of_one_that_is_unknown_is_404(self, site: Site) -> None:
        assert problem(await site.get("/api/v1/stations/CP_9"))["status"] == 404

    async def test_tells_no_password_nor_its_hash(self, site: Site) -> None:
        await site.connect()
        for path in ("/api/v1/stations", "/api/v1/stations/CP_1"):
            text = (await site.get(path)).text
            assert PASSWORD not in text
            assert "hash" not in text


class TestPut:
    async def test_makes_a_station(self, site: Site) -> None:
        answer = await site.put("/api/v1/stations/CP_1", {})
        assert (answer.status, answer.json) == (201, NEW)

    async def test_of_one_that_is_known_is_200(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        answer = await site.put("/api/v1/stations/CP_1", {"registration": "Pending", "security_profile": 2})
        assert (answer.status, answer.json) == (200, NEW | {"registration": "Pending", "security_profile": 2})

    async def test_sets_the_password_the_station_must_show(self, open_site: OpenSite) -> None:
        site = open_site(registration="closed")
        answer = await site.put("/api/v1/stations/CP_1", {"password": PASSWORD})
        assert answer.json["has_password"]
        await site.connect()

    async def test_keeps_the_password_when_it_names_none(self, site: Site) -> None:
        """Nobody can read a password back, to put it again with the rest."""
        await (await site.connect(password="first-shown")).hang_up()
        answer = await site.put("/api/v1/stations/CP_1", {"registration": "Pending"})
        assert answer.json["has_password"]
        with pytest.raises(HandshakeRefused):
            await site.connect(password="another-one")

    async def test_with_null_forgets_the_password(self, site: Site) -> None:
        await (await site.connect(password="first-shown")).hang_up()
        assert not (await site.put("/api/v1/stations/CP_1", {"password": None})).json["has_password"]

    async def test_resets_what_else_it_does_not_name(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {"registration": "Pending", "security_profile": 2})
        assert (await site.put("/api/v1/stations/CP_1", {})).json == NEW

    @pytest.mark.parametrize("identity", ["x" * 49, "CP%3A1", "CP%201", "%C3%BC"])
    async def test_under_what_can_be_no_identity_is_422(self, site: Site, identity: str) -> None:
        assert problem(await site.put(f"/api/v1/stations/{identity}", {}))["status"] == 422
        assert (await site.get("/api/v1/stations")).json == {"stations": [], "next_cursor": None}

    async def test_takes_any_identity(self, site: Site) -> None:
        for identity in ("*-_=+|@.", "x" * 48):
            assert (await site.put(f"/api/v1/stations/{identity}", {})).json["station_id"] == identity


class TestPatch:
    async def test_changes_what_it_names(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {"password": PASSWORD, "security_profile": 2})
        answer = await site.patch("/api/v1/stations/CP_1", {"registration": "Rejected"})
        assert answer.status == 200
        assert answer.json == NEW | {"has_password": True, "security_profile": 2, "registration": "Rejected"}

    async def test_may_name_nothing(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {"password": PASSWORD, "security_profile": 2})
        answer = await site.patch("/api/v1/stations/CP_1", {})
        assert answer.json == NEW | {"has_password": True, "security_profile": 2}

    async def test_sets_another_password(self, site: Site) -> None:
        await (await site.connect(password="old-password")).hang_up()
        await site.patch("/api/v1/stations/CP_1", {"password": "new-password"})
        with pytest.raises(HandshakeRefused):
            await site.connect(password="old-password")
        await site.connect(password="new-password")

    async def test_with_null_forgets_the_password(self, site: Site) -> None:
        await (await site.connect(password="old-password")).hang_up()
        answer = await site.patch("/api/v1/stations/CP_1", {"password": None})
        assert not answer.json["has_password"]
        await site.connect(password="another-first-one")

    async def test_leaves_a_connection_alone_when_the_password_changes(self, site: Site) -> None:
        station = await site.connect_ready()
        await site.patch("/api/v1/stations/CP_1", {"password": "new-password"})
        assert "currentTime" in await station.ask("Heartbeat")

    async def test_of_one_that_is_unknown_is_404_and_makes_none(self, site: Site) -> None:
        assert problem(await site.patch("/api/v1/stations/CP_9", {"password": PASSWORD}))["status"] == 404
        assert (await site.get("/api/v1/stations")).json == {"stations": [], "next_cursor": None}


class TestDelete:
    async def test_forgets_a_station(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        answer = await site.delete("/api/v1/stations/CP_1")
        assert (answer.status, answer.text) == (204, "")
        assert (await site.get("/api/v1/stations/CP_1")).status == 404

    async def test_hangs_up_on_all_its_connections(self, site: Site) -> None:
        first, second = await site.connect_ready(), await site.connect()
        other = await site.connect_ready("CP_2")
        assert (await site.delete("/api/v1/stations/CP_1")).status == 204
        assert {(await first.goodbye()).code, (await second.goodbye()).code} == {1008}
        await settle()
        assert (await site.get("/list")).json == {"cp_ids": ["CP_2"]}
        assert other.closed is None

    async def test_lets_it_come_back_as_a_stranger(self, site: Site) -> None:
        await site.connect_ready()
        await site.delete("/api/v1/stations/CP_1")
        station = await site.connect(password="quite-another-one")
        assert (await station.call("Heartbeat"))[2] == "SecurityError"

    async def test_leaves_nothing_that_waits_for_another_of_its_identity(self, site: Site) -> None:
        station = await site.connect_ready()
        site.post_later("/api/v1/reservations", {"station_id": "CP_1"})
        reservation_id = (await station.answer("ReserveNow", {"status": "Accepted"}))["id"]
        sent = await site.post("/api/v1/commands", {"station_id": "CP_1", "action": "ClearCache"})
        await station.expect("ClearCache")
        queued = await site.post("/api/v1/commands", {"station_id": "CP_1", "action": "ClearCache"})
        assert (await site.delete("/api/v1/stations/CP_1")).status == 204
        assert (await site.get(sent.headers["location"])).json["state"] == "Unknown"
        assert (await site.get(queued.headers["location"])).json["state"] == "Cancelled"
        assert (await site.get(f"/api/v1/reservations/{reservation_id}")).json["state"] == "Removed"
        stranger = await site.connect_ready()
        await settle()
        assert stranger.unread() == []
        assert (await site.get(sent.headers["location"])).json["state"] == "Unknown"

    async def test_leaves_what_happened_there(self, site: Site, autojump_clock: MockClock) -> None:
        station = await site.connect_ready()
        for payload in session():
            await station.ask("TransactionEvent", payload)
        await site.delete("/api/v1/stations/CP_1")
        assert len((await site.get("/api/v1/transactions?station_id=CP_1")).json["transactions"]) == 1
        assert (await site.get("/api/v1/stations/CP_1/meter-values")).json["meter_values"] != []
        await trio.sleep(FLUSH_S)
        assert (await site.get("/api/v1/stations/CP_1/messages")).json["messages"] != []
        for nobody in ("CP_9", "%00", "CP_1/x"):
            assert (await site.get(f"/api/v1/stations/{nobody}/meter-values")).status == 404
            assert (await site.get(f"/api/v1/stations/{nobody}/messages")).status == 404

    async def test_that_could_not_be_stored_leaves_the_station(self, site: Site) -> None:
        await site.connect_ready()
        site.break_store()
        assert (await site.delete("/api/v1/stations/CP_1")).status == 503
        assert (await site.get("/api/v1/stations/CP_1")).status == 200

    async def test_of_one_that_is_unknown_is_404(self, site: Site) -> None:
        assert problem(await site.delete("/api/v1/stations/CP_9"))["status"] == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
class TestTheBody:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ([], "array"),
            ({"passwort": "x"}, "passwort"),
            ({"password": ""}, "$.password"),
            ({"password": "x" * 41}, "$.password"),
            ({"password": "a\tb"}, "$.password"),
            ({"password": "with a line break behind it\n"}, "$.password"),
            ({"password": 12345678}, "$.password"),
            ({"security_profile": 0}, "$.security_profile"),
            ({"security_profile": 4}, "$.security_profile"),
            ({"security_profile": "2"}, "$.security_profile"),
            ({"registration": "accepted"}, "$.registration"),
            ({"registration": None}, "$.registration"),
        ],
    )
    async def test_of_the_wrong_shape_is_422_and_changes_nothing(
        self, site: Site, method: str, body: Any, field: str
    ) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        details = problem(await site.ask(method, "/api/v1/stations/CP_1", body))
        assert details["status"] == 422
        assert field in details["detail"]
        assert (await site.get("/api/v1/stations/CP_1")).json == NEW

    async def test_that_is_no_json_is_400(self, site: Site, method: str) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        assert problem(await site.ask(method, "/api/v1/stations/CP_1", data="password=x"))["status"] == 400

    async def test_of_a_mistake_does_not_echo_the_password(self, site: Site, method: str) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        long = "secret" * 10
        assert "secret" not in (await site.ask(method, "/api/v1/stations/CP_1", {"password": long})).text
