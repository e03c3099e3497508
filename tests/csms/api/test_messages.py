"""The OCPP message log: one row of each CALL, with what came of it, and without secrets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio
from sqlalchemy import Connection, func, select

from csms.message_store import FLUSH_S, MessageStore
from csms.retention import Rule
from csms.store import Change, StoreUnavailable
from csms.store.tables import messages
from shared.message_log import Exchange
from tests.csms.site import START, Site, settle

MESSAGES = "/api/v1/stations/CP_1/messages"


async def log_of(site: Site, query: str = "") -> list[Any]:
    """The log, newest first, when it has been written."""
    await trio.sleep(FLUSH_S + 0.01)
    answer = await site.get(MESSAGES + query)
    assert answer.status == 200, answer.text
    return list(answer.json["messages"])


def exchange(number: int, **more: Any) -> Exchange:
    plain = Exchange("CP_1", "received", "Heartbeat", str(number), {}, {}, None, 0.0)
    return plain._replace(**more)


class TestRows:
    async def test_a_call_of_the_stations_and_its_result(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.call("Heartbeat", message_id="my-heartbeat")
        row = (await log_of(site))[0]
        assert row == {
            "direction": "received",
            "action": "Heartbeat",
            "message_id": "my-heartbeat",
            "called_at": "2026-11-22T03:52:53.938Z",
            "latency_ms": 0.0,
            "request": {},
            "response": {"currentTime": "2026-11-22T03:52:53.938Z"},
            "error": None,
        }

    async def test_a_call_of_ours_and_its_result_with_how_long_it_took(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("Reset", {"type": "OnIdle"})
        message_id, _ = await station.expect("Reset")
        await trio.sleep(1.5)
        await station.send([3, message_id, {"status": "Accepted"}])
        await later.get()
        row = (await log_of(site))[0]
        assert (row["direction"], row["action"], row["message_id"]) == ("sent", "Reset", message_id)
        assert (row["request"], row["response"]) == ({"type": "OnIdle"}, {"status": "Accepted"})
        assert row["called_at"] == "2026-11-22T03:52:53.938Z"
        assert row["latency_ms"] == pytest.approx(1500)

    async def test_a_call_that_is_refused(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.call("NoSuchAction", {"a": 1})
        row = (await log_of(site))[0]
        assert (row["action"], row["request"], row["response"]) == ("NoSuchAction", {"a": 1}, None)
        assert row["error"]["code"] == "NotImplemented"
        assert row["error"]["description"]

    async def test_a_call_that_the_station_refuses(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("Reset", {"type": "OnIdle"})
        await station.refuse("Reset", "NotSupported", "not today", {"until": "tomorrow"})
        await later.get()
        row = (await log_of(site))[0]
        assert row["response"] is None
        assert row["error"] == {"code": "NotSupported", "description": "not today", "details": {"until": "tomorrow"}}

    async def test_a_call_that_is_not_answered_in_time(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("Reset", {"type": "OnIdle"})
        await station.expect("Reset")
        assert (await later.get()).status == 504
        await trio.sleep(1)
        row = (await log_of(site))[0]
        assert (row["action"], row["error"]["code"]) == ("Reset", "CallTimedOut")
        assert row["latency_ms"] == pytest.approx(30_000)

    async def test_a_call_whose_station_goes(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("Reset", {"type": "OnIdle"})
        await station.expect("Reset")
        await station.vanish()
        assert (await later.get()).status == 503
        row = (await log_of(site))[0]
        assert (row["action"], row["error"]["code"]) == ("Reset", "ConnectionLost")

    async def test_a_call_whose_asker_went_away_is_kept_when_it_is_answered(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("Reset", {"type": "OnIdle"})
        message_id, _ = await station.expect("Reset")
        later.give_up()
        await trio.sleep(1)
        await station.send([3, message_id, {"status": "Accepted"}])
        row = (await log_of(site))[0]
        assert (row["action"], row["response"]) == ("Reset", {"status": "Accepted"})

    async def test_an_answer_that_does_not_fit_the_schema(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("Reset", {"type": "OnIdle"})
        await station.answer("Reset", {"status": "Perhaps"})
        assert (await later.get()).status == 502
        row = (await log_of(site))[0]
        assert row["response"] == {"status": "Perhaps"}
        assert row["error"]["code"] == "InvalidAnswer"

    async def test_what_cannot_be_read(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.send_text('[2,"17","Heartbeat"')
        await station.receive()
        row = (await log_of(site))[0]
        assert (row["action"], row["message_id"], row["request"]) == (None, "-1", '[2,"17","Heartbeat"')
        assert row["error"]["code"] == "RpcFrameworkError"

    async def test_a_name_that_no_database_takes(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.call("No\0Such" + "h" * 100, {"a\0": "\0"}, message_id="\0")
        row = (await log_of(site))[0]
        assert row["action"].startswith("No\N{REPLACEMENT CHARACTER}Such")
        assert row["message_id"] == "\N{REPLACEMENT CHARACTER}"
        assert row["request"] == {"a\0": "\0"}


class TestSecrets:
    PASSWORD = "a-secret-of-40-characters"

    def set_password(self) -> dict[str, Any]:
        data = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        return {"setVariableData": [data | {"attributeValue": self.PASSWORD}]}

    async def test_a_password_is_not_kept(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        station = await site.connect_ready()
        later = site.call_later("SetVariables", self.set_password())
        result = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        await station.answer("SetVariables", {"setVariableResult": [result | {"attributeStatus": "Accepted"}]})
        assert (await later.get()).status == 200
        row = (await log_of(site))[0]
        assert row["request"]["setVariableData"][0]["attributeValue"] == "***"
        assert self.PASSWORD not in caplog.text
        assert self.PASSWORD not in await self.everything(site)

    async def test_nor_when_the_station_repeats_it(self, site: Site) -> None:
        station = await site.connect_ready()
        later = site.call_later("SetVariables", self.set_password())
        await station.refuse("SetVariables", "InternalError", f"{self.PASSWORD} is no good")
        await later.get()
        row = (await log_of(site))[0]
        assert row["error"]["description"] == "*** is no good"
        assert self.PASSWORD not in await self.everything(site)

    async def everything(self, site: Site) -> str:
        def read(connection: Connection) -> str:
            return str(connection.execute(select(messages)).all())

        return await site.store.read(read)


class TestFilters:
    @pytest.fixture
    async def filled(self, site: Site) -> Site:
        station = await site.connect_ready()  # BootNotification, StatusNotification
        await trio.sleep(10)
        await station.call("NoSuchAction")
        await trio.sleep(10)
        later = site.call_later("Reset", {"type": "OnIdle"})
        await station.answer("Reset", {"status": "Accepted"})
        await later.get()
        await site.put("/api/v1/stations/CP_2", {})
        return site

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", "Reset NoSuchAction StatusNotification BootNotification"),
            ("?action=Reset", "Reset"),
            ("?action=reset", ""),
            ("?direction=sent", "Reset"),
            ("?direction=received", "NoSuchAction StatusNotification BootNotification"),
            ("?errors=true", "NoSuchAction"),
            ("?errors=false", "Reset NoSuchAction StatusNotification BootNotification"),
            ("?from=2026-11-22T03:53:00Z", "Reset NoSuchAction"),
            ("?to=2026-11-22T03:53:00Z", "StatusNotification BootNotification"),
            ("?from=2026-11-22T04:53:00%2B01:00&to=2026-11-22T03:53:10Z", "NoSuchAction"),
            ("?limit=1", "Reset"),
        ],
    )
    async def test_narrow_the_list(self, filled: Site, query: str, expected: str) -> None:
        assert " ".join(row["action"] for row in await log_of(filled, query)) == expected

    async def test_pages_make_up_the_list(self, filled: Site) -> None:
        await trio.sleep(1)
        actions, cursor = [], ""
        while True:
            page = (await filled.get(f"{MESSAGES}?limit=3{cursor}")).json
            actions += [row["action"] for row in page["messages"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert actions == ["Reset", "NoSuchAction", "StatusNotification", "BootNotification"]

    async def test_of_another_station(self, filled: Site) -> None:
        await trio.sleep(1)
        assert (await filled.get("/api/v1/stations/CP_2/messages")).json == {"messages": [], "next_cursor": None}
        assert (await filled.get("/api/v1/stations/CP_3/messages")).status == 404

    @pytest.mark.parametrize(
        "query", ["direction=both", "errors=1", "from=yesterday", "to=", "limit=0", "cursor=x", "cursor=W10"]
    )
    async def test_what_makes_no_sense_is_refused(self, filled: Site, query: str) -> None:
        assert (await filled.get(f"{MESSAGES}?{query}")).status == 422


class TestWriting:
    async def test_nobody_waits_for_it_and_it_is_written_within_half_a_second(self, site: Site) -> None:
        site.csms.messages.record(exchange(1))
        await trio.sleep(0.5)
        assert site.csms.messages.waiting == 0

    async def test_when_more_comes_than_can_be_kept_the_oldest_go_and_are_counted(self, site: Site) -> None:
        log = MessageStore(site.store, site.clock, capacity=10)
        for number in range(25):
            log.record(exchange(number))
        assert (log.waiting, log.dropped) == (10, 15)
        await log.flush()
        assert [row["message_id"] for row in await self.rows(site)] == [str(number) for number in range(15, 25)]

    async def test_a_database_that_is_away_for_a_while_costs_nothing(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit, attempts = site.store.commit, 0

        async def fail_but_write(*changes: Change) -> None:
            nonlocal attempts
            attempts += 1
            await commit(*changes)  # it was heard, but that it was is not
            if attempts < 4:
                raise StoreUnavailable("no answer")

        monkeypatch.setattr(site.store, "commit", fail_but_write)
        for number in range(450):
            site.csms.messages.record(exchange(number))
        await trio.sleep(10)
        assert [row["message_id"] for row in await self.rows(site)] == [str(number) for number in range(450)]

    async def test_what_comes_while_it_is_written_gathers_for_the_next_time(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit, commits = site.store.commit, 0

        async def commit_while_more_comes(*changes: Change) -> None:
            nonlocal commits
            commits += 1
            site.csms.messages.record(exchange(commits))
            await commit(*changes)

        monkeypatch.setattr(site.store, "commit", commit_while_more_comes)
        site.csms.messages.record(exchange(0))
        await trio.sleep(2.1)
        assert commits == 8, "one each quarter of a second"

    async def test_numbers_go_on_after_a_restart(self, site: Site) -> None:
        for number in range(2):
            log = MessageStore(site.store, site.clock)
            await log.load()
            log.record(exchange(number))
            await log.close()
        assert [row["message_no"] for row in await self.rows(site)] == [1, 2]

    async def rows(self, site: Site) -> list[Any]:
        def read(connection: Connection) -> list[Any]:
            return list(connection.execute(select(messages).order_by(messages.c.message_no)).mappings())

        return await site.store.read(read)


class TestRetention:
    async def fill(self, site: Site, count: int) -> None:
        await settle()  # what the CSMS itself deletes at its start must not be these
        log = MessageStore(site.store, site.clock)
        await log.load()
        for number in range(count):
            log.record(exchange(number))
        await log.flush()

    async def count(self, site: Site) -> int:
        def read(connection: Connection) -> int:
            return connection.scalar(select(func.count()).select_from(messages)) or 0

        return await site.store.read(read)

    def rule(self, **more: Any) -> Rule:
        kept: dict[str, Any] = {"age": timedelta(days=30), "count": 1_000_000}
        return Rule(messages, messages.c.message_no, messages.c.called_at, **(kept | more))

    async def apply(self, site: Site, rule: Rule) -> int:
        return await site.csms._retention.apply(rule)  # noqa: SLF001

    async def test_by_count_the_oldest_go_in_small_batches(self, site: Site) -> None:
        await self.fill(site, 1_800)
        commits: list[int] = []
        site.store.writer.after_commit(lambda commit: commits.append(commit.jobs))
        assert await self.apply(site, self.rule(count=100)) == 1_700
        assert len(commits) == 4
        assert await self.count(site) == 100

    async def test_by_age(self, site: Site) -> None:
        await self.fill(site, 5)
        site.clock.set(START + timedelta(days=20))
        await self.fill(site, 3)
        site.clock.set(START + timedelta(days=31))
        assert await self.apply(site, self.rule()) == 5
        assert await self.count(site) == 3

    async def test_the_newest_stays_so_that_numbers_go_on(self, site: Site) -> None:
        await self.fill(site, 5)
        site.clock.set(START + timedelta(days=300))
        assert await self.apply(site, self.rule()) == 4

    async def test_it_goes_on_by_itself(self, site: Site) -> None:
        await self.fill(site, 5)
        site.clock.set(START + timedelta(days=31))
        await trio.sleep(120)
        assert await self.count(site) == 1

    async def test_what_is_kept_needs_no_work(self, site: Site) -> None:
        await self.fill(site, 5)
        assert await self.apply(site, self.rule()) == 0
