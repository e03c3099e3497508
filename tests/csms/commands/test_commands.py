"""Durable commands: queued while the station is away, sent when it may be, and their outcome kept."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import trio
from sqlalchemy import select

from csms.commands.queue import MAX_WAITING
from csms.commands.states import MAX_SENT
from csms.store.tables import events
from tests.csms.fake_station import FakeStation
from tests.csms.rest import Answer
from tests.csms.site import Site, settle

TOKEN = {"idToken": "04A1B2C3", "type": "ISO14443"}
HOUR_S = 3600


def body(action: str = "ClearCache", payload: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"station_id": "CP_1", "action": action, "payload": payload or {}} | more


def start(**more: Any) -> dict[str, Any]:
    return body("RequestStartTransaction", {"idToken": TOKEN, "evseId": 1}, **more)


async def known(site: Site, identity: str = "CP_1") -> None:
    """Have the operator make the station."""
    await site.put(f"/api/v1/stations/{identity}", {})


async def post(site: Site, order: dict[str, Any]) -> str:
    """Queue a command; its id."""
    answer = await site.post("/api/v1/commands", order)
    assert answer.status == 202, answer.text
    return str(answer.json["command_id"])


async def get(site: Site, command_id: str) -> dict[str, Any]:
    answer = await site.get(f"/api/v1/commands/{command_id}")
    assert answer.status == 200, answer.text
    return dict(answer.json)


async def states(site: Site, command_id: str) -> list[str]:
    return [entry["state"] for entry in (await get(site, command_id))["history"]]


async def told(site: Site, command_id: str) -> list[str]:
    """The states that events tell."""
    rows = await site.store.read(
        lambda connection: connection.scalars(
            select(events.c.data).where(events.c.event_type == "command.state").order_by(events.c.event_id)
        ).all()
    )
    return [data["state"] for data in map(orjson.loads, rows) if data["command_id"] == command_id]


class TestSending:
    async def test_a_connected_station_gets_it_at_once(self, site: Site) -> None:
        station = await site.connect_ready()
        answer = await site.post("/api/v1/commands", body("ClearCache"))
        command_id = answer.json["command_id"]
        assert answer.headers["location"] == f"/api/v1/commands/{command_id}"
        assert answer.json["state"] == "Queued"
        assert await station.answer("ClearCache", {"status": "Accepted"}) == {}
        await settle()
        assert await get(site, command_id) == {
            "command_id": command_id,
            "station_id": "CP_1",
            "action": "ClearCache",
            "payload": {},
            "deduplication_key": None,
            "state": "Succeeded",
            "result": {"status": "Accepted"},
            "error": None,
            "history": [
                {"state": "Queued", "at": "2026-11-22T03:52:53.938Z"},
                {"state": "Sent", "at": "2026-11-22T03:52:53.938Z"},
                {"state": "Succeeded", "at": "2026-11-22T03:52:53.938Z"},
            ],
            "created_at": "2026-11-22T03:52:53.938Z",
            "expires_at": "2026-11-22T04:52:53.938Z",
            "remote_start_id": None,
            "transaction_id": None,
        }
        assert await told(site, command_id) == ["Queued", "Sent", "Succeeded"]

    async def test_it_waits_for_a_station_that_is_away_until_that_has_booted(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, body("ClearCache"))
        station = await site.connect()
        await settle()
        assert station.unread() == []
        await station.boot()
        await station.answer("ClearCache", {"status": "Rejected"})
        await settle()
        command = await get(site, command_id)
        assert (command["state"], command["result"]) == ("Refused", {"status": "Rejected"})

    async def test_the_answer_to_the_boot_is_sent_first(self, site: Site) -> None:
        await known(site)
        await post(site, body("ClearCache"))
        station = await site.connect()
        await station.send([2, "boot", "BootNotification", {"chargingStation": BOX, "reason": "PowerUp"}])
        assert [(await station.receive())[0] for _ in range(2)] == [3, 2]

    async def test_a_station_that_was_accepted_before_gets_it_when_it_reconnects(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.vanish()
        await settle()
        await post(site, body("ClearCache"))
        station = await site.connect()
        await station.answer("ClearCache", {"status": "Accepted"})

    @pytest.mark.parametrize("registration", ["Pending", "Rejected"])
    async def test_b03_fr_03_b02_fr_05_one_that_is_not_accepted_gets_nothing(
        self, site: Site, registration: str
    ) -> None:
        await site.put("/api/v1/stations/CP_1", {"registration": registration})
        await post(site, body("ClearCache"))
        station = await site.connect()
        await station.boot()
        await settle()
        if registration == "Pending":
            await station.answer("GetBaseReport", {"status": "NotSupported"})
            await settle()
        assert station.unread() == []
        await site.patch("/api/v1/stations/CP_1", {"registration": "Accepted"})
        await station.boot()
        await station.answer("ClearCache", {"status": "Accepted"})

    async def test_those_of_one_station_are_sent_one_at_a_time_in_their_order(self, site: Site) -> None:
        await known(site)
        for number in range(3):
            await post(site, body("GetReport", {"requestId": number}))
        station = await site.connect_ready()
        for number in range(3):
            message_id, request = await station.expect("GetReport")
            assert request == {"requestId": number}
            await settle()
            assert station.unread() == []
            await station.send([3, message_id, {"status": "Accepted"}])

    async def test_calls_get_their_turn_between_them(self, site: Site) -> None:
        station = await site.connect_ready()
        for number in range(3):
            await post(site, body("GetReport", {"requestId": number}))
        message_id, _ = await station.expect("GetReport")
        call = site.call_later("ClearCache")
        await settle()
        await station.send([3, message_id, {"status": "Accepted"}])
        await station.answer("ClearCache", {"status": "Accepted"})
        assert (await call.get()).status == 200
        await station.answer("GetReport", {"status": "Accepted"})

    async def test_one_that_finds_the_channel_full_waits_for_room(self, site: Site) -> None:
        station = await site.connect_ready()
        calls = [site.call_later("ClearCache") for _ in range(33)]
        await settle()
        assert (await site.call("ClearCache")).status == 503
        await post(site, body("GetReport", {"requestId": 1}))
        for _ in calls:
            await station.answer("ClearCache", {"status": "Accepted"})
        await station.answer("GetReport", {"status": "Accepted"})

    async def test_one_station_does_not_hold_up_another(self, site: Site) -> None:
        await site.connect_ready("CP_1")
        other = await site.connect_ready("CP_2")
        await post(site, body("ClearCache"))
        await post(site, body("ClearCache", station_id="CP_2"))
        await other.answer("ClearCache", {"status": "Accepted"})


BOX = {"model": "Wallbox XYZ", "vendorName": "anewone"}


class TestOutcomes:
    async def test_a_callerror_is_kept_and_ends_it(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache"))
        await station.refuse("ClearCache", "NotSupported", "no cache", {"a": 1})
        await settle()
        command = await get(site, command_id)
        assert command["state"] == "Failed"
        assert command["error"] == {"code": "NotSupported", "description": "no cache", "details": {"a": 1}}

    async def test_a_start_without_an_answer_is_unknown_and_not_sent_again(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        await station.expect("RequestStartTransaction")
        await trio.sleep(31)
        assert await states(site, command_id) == ["Queued", "Sent", "Unknown"]
        await station.report_status()
        await settle()
        assert station.unread() == []

    async def test_its_late_answer_counts(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        message_id, _ = await station.expect("RequestStartTransaction")
        await trio.sleep(31)
        await station.send([3, message_id, {"status": "Accepted", "transactionId": "tx-1"}])
        await settle()
        assert await states(site, command_id) == ["Queued", "Sent", "Unknown", "Succeeded"]
        assert (await get(site, command_id))["transaction_id"] == "tx-1"

    async def test_a_start_whose_connection_is_lost_is_unknown(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        await station.expect("RequestStartTransaction")
        await station.vanish()
        station = await site.connect_ready()
        await settle()
        assert await states(site, command_id) == ["Queued", "Sent", "Unknown"]
        assert station.unread() == []

    async def test_what_may_be_done_twice_is_sent_again_but_not_for_ever(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache"))
        for _ in range(MAX_SENT):
            await station.expect("ClearCache")
        await trio.sleep(31)
        assert await states(site, command_id) == [*["Queued", "Sent"] * MAX_SENT, "Unknown"]
        assert station.unread() == []

    async def test_what_may_be_done_twice_is_sent_again_on_the_next_connection(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache"))
        await station.expect("ClearCache")
        await station.vanish()
        station = await site.connect()
        await station.answer("ClearCache", {"status": "Accepted"})
        await settle()
        assert await states(site, command_id) == ["Queued", "Sent", "Queued", "Sent", "Succeeded"]

    async def test_an_answer_that_is_none_leaves_it_unknown(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache"))
        await station.answer("ClearCache", {"status": "Perhaps"})
        await settle()
        command = await get(site, command_id)
        assert command["state"] == "Unknown"
        assert "must be one of Accepted, Rejected" in command["error"]["description"]


class TestExpiry:
    async def test_one_that_waits_too_long_expires(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, body("ClearCache", expires_in_s=60))
        await trio.sleep(59)
        assert await states(site, command_id) == ["Queued"]
        await trio.sleep(2)
        assert await states(site, command_id) == ["Queued", "Expired"]
        station = await site.connect_ready()
        await settle()
        assert station.unread() == []
        assert await told(site, command_id) == ["Queued", "Expired"]

    async def test_one_that_is_sent_and_not_answered_by_then_is_unknown(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache", expires_in_s=5))
        message_id, _ = await station.expect("ClearCache")
        await trio.sleep(6)
        assert await states(site, command_id) == ["Queued", "Sent", "Unknown"]
        await station.send([3, message_id, {"status": "Accepted"}])
        await settle()
        assert (await get(site, command_id))["state"] == "Succeeded"

    async def test_one_that_expires_behind_another_is_not_sent(self, site: Site) -> None:
        station = await site.connect_ready()
        await post(site, start())
        waiting = await post(site, body("ClearCache", expires_in_s=5))
        after = await post(site, body("GetReport", {"requestId": 1}))
        await station.expect("RequestStartTransaction")
        await trio.sleep(31)
        assert await states(site, waiting) == ["Queued", "Expired"]
        await station.answer("GetReport", {"status": "Accepted"})
        await settle()
        assert (await get(site, after))["state"] == "Succeeded"

    async def test_one_that_expires_in_the_channel_is_not_sent(self, site: Site) -> None:
        station = await site.connect_ready()
        call = site.call_later("ClearCache")
        await settle()
        waiting = await post(site, body("GetReport", {"requestId": 1}, expires_in_s=5))
        await station.expect("ClearCache")
        await call.get()
        await settle()
        assert await states(site, waiting) == ["Queued", "Expired"]
        assert station.unread() == []

    async def test_a_moment_can_be_given(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, body("ClearCache", expires_at="2026-11-22T05:00:00+01:00"))
        assert (await get(site, command_id))["expires_at"] == "2026-11-22T04:00:00.000Z"


class TestCancelling:
    async def test_one_that_is_queued_can_be_cancelled(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, body("ClearCache"))
        answer = await site.delete(f"/api/v1/commands/{command_id}")
        assert (answer.status, answer.json["state"]) == (200, "Cancelled")
        station = await site.connect_ready()
        await settle()
        assert station.unread() == []
        assert (await site.delete(f"/api/v1/commands/{command_id}")).status == 409

    async def test_one_that_waits_in_the_channel_too(self, site: Site) -> None:
        station = await site.connect_ready()
        call = site.call_later("ClearCache")
        await settle()
        command_id = await post(site, body("GetReport", {"requestId": 1}))
        await settle()
        assert (await site.delete(f"/api/v1/commands/{command_id}")).status == 200
        await station.answer("ClearCache", {"status": "Accepted"})
        await call.get()
        await settle()
        assert station.unread() == []

    async def test_one_that_was_sent_before_may_have_been_done(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache"))
        await station.expect("ClearCache")
        await station.vanish()
        await settle()
        assert await states(site, command_id) == ["Queued", "Sent", "Queued"]
        answer = await site.delete(f"/api/v1/commands/{command_id}")
        assert (answer.status, answer.json["state"]) == (200, "Unknown")

    async def test_one_that_was_sent_cannot(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache"))
        await station.expect("ClearCache")
        answer = await site.delete(f"/api/v1/commands/{command_id}")
        assert (answer.status, answer.json["state"]) == (409, "Sent")


class TestDeduplication:
    async def test_the_same_key_is_the_same_command(self, site: Site) -> None:
        await known(site)
        first = await site.post("/api/v1/commands", body("ClearCache", deduplication_key="k-1"))
        again = await site.post("/api/v1/commands", body("ClearCache", deduplication_key="k-1", expires_in_s=5))
        assert (first.status, again.status) == (202, 200)
        assert again.json == first.json

    async def test_also_when_it_is_over_and_after_a_restart(self, site: Site) -> None:
        station = await site.connect_ready()
        order = start(deduplication_key="k-1")
        command_id = await post(site, order)
        await station.answer("RequestStartTransaction", {"status": "Accepted"})
        await settle()
        await site.restart()
        await known(site)
        again = await site.post("/api/v1/commands", order)
        assert (again.status, again.json["command_id"], again.json["state"]) == (200, command_id, "Succeeded")

    @pytest.mark.parametrize(
        "other",
        [
            start(),
            body("GetReport", {"requestId": 2}),
            body("GetReport", {"requestId": 1}, station_id="CP_2"),
        ],
    )
    async def test_with_other_content_it_is_refused(self, site: Site, other: dict[str, Any]) -> None:
        await known(site)
        await known(site, "CP_2")
        await post(site, body("GetReport", {"requestId": 1}, deduplication_key="k-1"))
        answer = await site.post("/api/v1/commands", other | {"deduplication_key": "k-1"})
        assert answer.status == 409

    async def test_a_remote_start_id_given_once_and_not_again_is_the_csms_own_affair(self, site: Site) -> None:
        await known(site)
        first = await site.post("/api/v1/commands", start(deduplication_key="k-1"))
        again = await site.post("/api/v1/commands", start(deduplication_key="k-1"))
        assert again.json == first.json
        given = body("RequestStartTransaction", {"idToken": TOKEN, "evseId": 1, "remoteStartId": 1})
        assert (await site.post("/api/v1/commands", given | {"deduplication_key": "k-1"})).status == 409

    async def test_of_many_at_once_one_is_made(self, site: Site) -> None:
        await known(site)
        later = [site.post_later("/api/v1/commands", body(deduplication_key="k-1")) for _ in range(10)]
        answers = [await one.get() for one in later]
        assert sorted(answer.status for answer in answers) == [200] * 9 + [202]
        assert len({answer.json["command_id"] for answer in answers}) == 1


class TestRestarts:
    async def test_what_is_queued_is_sent_by_the_next_csms(self, site: Site) -> None:
        await known(site)
        commands = [await post(site, body("GetReport", {"requestId": number})) for number in range(5)]
        await site.restart()
        station = await site.connect_ready()
        for number in range(5):
            assert await station.answer("GetReport", {"status": "Accepted"}) == {"requestId": number}
        await settle()
        assert [await states(site, one) for one in commands] == [["Queued", "Sent", "Succeeded"]] * 5

    async def test_a_start_killed_between_request_and_answer_is_unknown(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        await station.expect("RequestStartTransaction")
        await site.restart()
        assert await states(site, command_id) == ["Queued", "Sent", "Unknown"]
        assert (await get(site, command_id))["error"]["description"] == "the CSMS ended before the answer came"
        station = await site.connect_ready()
        await settle()
        assert station.unread() == []
        assert await told(site, command_id) == ["Queued", "Sent", "Unknown"]

    async def test_what_may_be_done_twice_is_sent_again(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, body("ClearCache"))
        await station.expect("ClearCache")
        await site.restart()
        station = await site.connect_ready()
        await station.answer("ClearCache", {"status": "Accepted"})
        await settle()
        assert await states(site, command_id) == ["Queued", "Sent", "Queued", "Sent", "Succeeded"]

    async def test_what_expired_meanwhile_has_expired(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, body("ClearCache", expires_in_s=60))
        site.kill()
        await trio.sleep(61)
        await site.restart()
        await settle()
        assert await states(site, command_id) == ["Queued", "Expired"]


class TestRemoteStarts:
    async def transaction(self, station: FakeStation, remote_start_id: int, transaction_id: str = "tx-1") -> None:
        await station.ask(
            "TransactionEvent",
            {
                "eventType": "Started",
                "timestamp": "2026-11-22T04:00:00Z",
                "triggerReason": "RemoteStart",
                "seqNo": 0,
                "transactionInfo": {"transactionId": transaction_id, "remoteStartId": remote_start_id},
            },
        )

    async def test_f02_fr_01_the_transaction_that_follows_is_known_by_its_remote_start_id(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        request = await station.answer("RequestStartTransaction", {"status": "Accepted"})
        assert (await get(site, command_id))["remote_start_id"] == request["remoteStartId"]
        await self.transaction(station, request["remoteStartId"])
        assert (await get(site, command_id))["transaction_id"] == "tx-1"

    async def test_f01_fr_13_fr_25_one_that_had_begun_is_named_by_the_answer(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        await station.answer("RequestStartTransaction", {"status": "Accepted", "transactionId": "tx-9"})
        await settle()
        assert (await get(site, command_id))["transaction_id"] == "tx-9"

    async def test_f02_fr_01_after_a_restart_too(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        request = await station.answer("RequestStartTransaction", {"status": "Accepted"})
        await settle()
        await site.restart()
        station = await site.connect_ready()
        await self.transaction(station, request["remoteStartId"])
        assert (await get(site, command_id))["transaction_id"] == "tx-1"

    async def test_of_two_transactions_that_claim_it_the_first_counts(self, site: Site) -> None:
        station = await site.connect_ready()
        command_id = await post(site, start())
        request = await station.answer("RequestStartTransaction", {"status": "Accepted"})
        await self.transaction(station, request["remoteStartId"], "tx-1")
        await self.transaction(station, request["remoteStartId"], "tx-2")
        assert (await get(site, command_id))["transaction_id"] == "tx-1"

    async def test_a_raw_call_gets_a_remote_start_id_too_and_is_told(self, site: Site) -> None:
        station = await site.connect_ready()
        call = site.call_later("RequestStartTransaction", {"idToken": TOKEN})
        request = await station.answer("RequestStartTransaction", {"status": "Accepted"})
        answer = (await call.get()).json
        assert answer == {"result": {"status": "Accepted"}, "remote_start_id": request["remoteStartId"]}

    async def test_an_id_that_the_caller_gives_is_kept(self, site: Site) -> None:
        station = await site.connect_ready()
        call = site.call_later("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 77})
        assert (await station.answer("RequestStartTransaction", {"status": "Rejected"}))["remoteStartId"] == 77
        assert (await call.get()).json == {"result": {"status": "Rejected"}}

    @pytest.mark.parametrize("remote_start_id", [12345, 2**70])
    async def test_a_transaction_with_an_id_of_nobody_is_acknowledged(self, site: Site, remote_start_id: int) -> None:
        await self.transaction(await site.connect_ready(), remote_start_id)

    async def test_an_id_that_no_database_keeps_is_the_callers_mistake(self, site: Site) -> None:
        await site.connect_ready()
        answer = await site.call("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 2**70})
        assert (answer.status, answer.json["pointer"]) == (422, "/remoteStartId")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("order", "pointer"),
        [
            (body("Heartbeat"), "/action"),
            (body("Nonsense"), "/action"),
            (body("GetReport", {"requestId": "x"}), "/payload/requestId"),
            (body("GetReport"), "/payload/requestId"),
            (body("ClearCache", {"more": 1}), "/payload/more"),
            (
                body("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 2**63}),
                "/payload/remoteStartId",
            ),
            (body("GetReport", {"requestId": 2**70}), "/payload"),
            (body("ClearCache", expires_at="2026-11-22T03:00:00Z"), "/expires_at"),
            (body("ClearCache", expires_at="2030-11-22T03:00:00Z"), "/expires_at"),
            (body("ClearCache", expires_at="9999-12-31T23:59:59-12:00"), "/expires_at"),
            (body("ClearCache", expires_at="0001-01-01T00:00:00+12:00"), "/expires_at"),
            (body("ClearCache", expires_at="2026-11-22T05:00:00Z", expires_in_s=5), "/expires_in_s"),
        ],
    )
    async def test_at_once_with_the_place(self, site: Site, order: dict[str, Any], pointer: str) -> None:
        await known(site)
        answer = await site.post("/api/v1/commands", order)
        assert (answer.status, answer.json["pointer"]) == (422, pointer)
        assert answer.json["detail"].startswith(pointer) or pointer in ("/action", "/payload")

    @pytest.mark.parametrize(
        "more",
        [
            {"expires_in_s": 0},
            {"expires_in_s": 1e12},
            {"expires_at": "2026-11-22T05:00:00"},
            {"deduplication_key": ""},
            {"deduplication_key": "x" * 101},
            {"deduplication_key": "\x00"},
            {"payload": []},
            {"surprise": 1},
        ],
    )
    async def test_bodies_of_another_shape(self, site: Site, more: dict[str, Any]) -> None:
        await known(site)
        assert (await site.post("/api/v1/commands", body() | more)).status == 422

    async def test_an_unknown_station(self, site: Site) -> None:
        assert (await site.post("/api/v1/commands", body())).status == 404

    async def test_an_unknown_command(self, site: Site) -> None:
        for answer in (await site.get("/api/v1/commands/x"), await site.delete("/api/v1/commands/%00")):
            assert answer.status == 404

    async def test_more_than_may_wait_for_a_station(self, site: Site) -> None:
        await known(site)
        first = await site.post("/api/v1/commands", body(deduplication_key="k-1"))
        for _ in range(MAX_WAITING - 1):
            await post(site, body())
        assert (await site.post("/api/v1/commands", body())).status == 503
        assert (await site.post("/api/v1/commands", body(deduplication_key="k-2"))).status == 503
        assert (await site.post("/api/v1/commands", body(deduplication_key="k-1"))).status == 200
        assert (await site.delete(f"/api/v1/commands/{first.json['command_id']}")).status == 200
        await post(site, body())


class TestTheList:
    async def test_it_has_filters_and_pages_the_newest_first(self, site: Site) -> None:
        await known(site)
        await known(site, "CP_2")
        made: list[str] = []
        for identity in ("CP_1", "CP_2"):
            for action in ("ClearCache", "GetLocalListVersion", "ClearCache"):
                made.insert(0, await post(site, body(action, station_id=identity)))
        await site.delete(f"/api/v1/commands/{made[0]}")

        async def listed(query: str) -> tuple[list[str], str | None]:
            page = (await site.get(f"/api/v1/commands?{query}")).json
            return [one["command_id"] for one in page["commands"]], page["next_cursor"]

        assert await listed("") == (made, None)
        assert await listed("station_id=CP_1") == (made[3:], None)
        assert await listed("state=Cancelled") == ([made[0]], None)
        assert await listed("action=GetLocalListVersion") == ([made[1], made[4]], None)
        first, cursor = await listed("limit=4")
        assert first == made[:4]
        assert await listed(f"limit=4&cursor={cursor}") == (made[4:], None)

    @pytest.mark.parametrize("query", ["state=Gone", "cursor=x", "limit=0", "station_id=%00"])
    async def test_what_makes_no_sense_is_refused(self, site: Site, query: str) -> None:
        answer: Answer = await site.get(f"/api/v1/commands?{query}")
        assert answer.status == 422


class TestADatabaseThatDoesNotAnswer:
    async def test_then_no_command_is_taken(self, site: Site) -> None:
        await known(site)
        site.break_store()
        assert (await site.post("/api/v1/commands", body())).status == 503
        site.mend_store()
        assert (await site.get("/api/v1/commands")).json["commands"] == []

    async def test_then_none_is_sent(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, start())
        station = await site.connect()
        await station.boot()
        message_id, _ = await station.expect("RequestStartTransaction")
        second = await post(site, body("ClearCache"))
        site.break_store()
        await station.send([3, message_id, {"status": "Accepted"}])
        await trio.sleep(60)
        assert await states(site, command_id) == ["Queued", "Sent"]
        assert station.unread() == []
        site.mend_store()
        await station.answer("ClearCache", {"status": "Accepted"})
        await settle()
        assert await states(site, command_id) == ["Queued", "Sent", "Succeeded"]
        assert await states(site, second) == ["Queued", "Sent", "Succeeded"]

    async def test_a_cancelling_is_not_claimed(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, body())
        site.break_store()
        assert (await site.delete(f"/api/v1/commands/{command_id}")).status == 503
        site.mend_store()
        assert await states(site, command_id) == ["Queued"]

    async def test_an_expiry_is_written_when_it_is_back(self, site: Site) -> None:
        await known(site)
        command_id = await post(site, body(expires_in_s=60))
        site.break_store()
        await trio.sleep(61)
        site.mend_store()
        await trio.sleep(10)
        assert await states(site, command_id) == ["Queued", "Expired"]
