"""GET /api/v1/events: every event, each once and in order, from wherever a client left off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
import pytest
import trio

from csms.api.events import HEARTBEAT_S, READERS
from csms.retention import Rule
from csms.store.tables import events
from tests.csms.site import OpenSite, Site, settle

PATIENCE_S = 100.0


class Message(NamedTuple):
    """One event as it came. event: "" for none."""

    id: int
    event: str
    data: Any


class Stream:
    """A client of the event stream: it takes a piece when it wants one, and `go()`es when it has had enough."""

    def __init__(self) -> None:
        self._put, self._pieces = trio.open_memory_channel[bytes](0)
        self._gone = trio.Event()
        self._asked = False
        self._unread = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.heartbeats = 0

    async def to_app(self) -> dict[str, Any]:
        """What the application receives."""
        if self._asked:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def from_app(self, message: dict[str, Any]) -> None:
        """What the application sends; it waits until the client takes it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["body"]:
            await self._put.send(message["body"])
        if not message.get("more_body", True):
            self._put.close()

    def go(self) -> None:
        self._gone.set()

    async def next(self) -> Message:
        """What comes next, a bare id included. Raises EOFError at the end."""
        with trio.fail_after(PATIENCE_S):
            while b"\n\n" not in self._unread:
                try:
                    self._unread += await self._pieces.receive()
                except trio.EndOfChannel:
                    raise EOFError from None
        block, _, self._unread = self._unread.partition(b"\n\n")
        fields = {}
        for line in block.decode().splitlines():
            name, _, value = line.partition(": ")
            if not name:
                self.heartbeats += 1
            fields[name] = value
        return Message(int(fields["id"]), fields.get("event", ""), orjson.loads(fields.get("data", "null")))

    async def events(self, count: int) -> list[Message]:
        """The next events, without bare ids."""
        found: list[Message] = []
        while len(found) < count:
            message = await self.next()
            if message.event:
                found.append(message)
        return found


@asynccontextmanager
async def follow(site: Site, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    """A client that follows, until the block ends."""
    stream = Stream()
    named = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.3", "version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/events",
        "raw_path": b"/api/v1/events",
        "query_string": query.removeprefix("?").encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), *named],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "extensions": {},
    }
    async with trio.open_nursery() as nursery:
        app: Any = site.csms.api
        nursery.start_soon(app, scope, stream.to_app, stream.from_app)
        yield stream
        stream.go()


async def happen(site: Site, *numbers: int, event_type: str = "connector.status", station_id: str = "CP_1") -> None:
    """Events, each in a commit of its own."""
    for number in numbers:
        await site.store.commit(site.csms.events.change(event_type, station_id, {"number": number}))


def numbers(messages: list[Message]) -> list[int]:
    return [message.data["data"]["number"] for message in messages]


async def test_an_event_is_sent_with_its_id_type_station_time_and_data(site: Site) -> None:
    async with follow(site, "?after=0") as stream:
        await happen(site, 7)
        (message,) = await stream.events(1)
    assert message == (
        1,
        "connector.status",
        {
            "id": 1,
            "type": "connector.status",
            "station_id": "CP_1",
            "at": "2026-11-22T03:52:53.938Z",
            "data": {"number": 7},
        },
    )


async def test_the_answer_is_a_stream_that_nothing_on_the_way_keeps_back(site: Site) -> None:
    async with follow(site) as stream:
        await stream.next()
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"


async def test_without_a_position_it_begins_now_and_tells_where_that_is(site: Site) -> None:
    await happen(site, 1, 2)
    async with follow(site) as stream:
        assert await stream.next() == (2, "", None)
        await happen(site, 3)
        assert numbers(await stream.events(1)) == [3]


async def test_an_event_arrives_as_soon_as_it_is_committed(site: Site) -> None:
    async with follow(site) as stream:
        await stream.next()
        before = trio.current_time()
        await happen(site, 1)
        await stream.events(1)
        assert trio.current_time() == before


@pytest.mark.parametrize(
    ("query", "headers"),
    [("?after=3", {}), ("", {"Last_Event_ID": "3"}), ("?after=1", {"Last_Event_ID": "3"})],
    ids=["query", "header", "header of an EventSource that asks again with the query it had"],
)
async def test_a_client_that_comes_back_gets_what_it_missed(site: Site, query: str, headers: dict[str, str]) -> None:
    await happen(site, *range(1, 6))
    async with follow(site, query, **headers) as stream:
        assert numbers(await stream.events(2)) == [4, 5]


async def test_a_client_far_behind_gets_all_of_it_in_order_and_then_what_comes(site: Site) -> None:
    many = 2_500
    await site.store.commit(*(site.csms.events.change("connector.status", "CP_1", {"number": n}) for n in range(many)))
    async with follow(site, "?after=0") as stream:
        found = await stream.events(many)
        assert numbers(found) == list(range(many))
        assert [message.id for message in found] == list(range(1, many + 1))
        await happen(site, many)
        assert numbers(await stream.events(1)) == [many]


async def test_who_follows_all_along_misses_nothing_and_gets_nothing_twice(site: Site) -> None:
    many = 1_700
    found: list[Message] = []

    async def read(stream: Stream) -> None:
        found.extend(await stream.events(many))

    async with follow(site) as stream:
        await stream.next()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, stream)
            for number in range(many):
                nursery.start_soon(happen, site, number)
    assert sorted(numbers(found)) == list(range(many))
    ids = [message.id for message in found]
    assert ids == sorted(set(ids))


async def test_a_client_that_reads_slowly_loses_nothing_and_costs_nothing(site: Site) -> None:
    async with follow(site, "?after=0") as stream:
        await stream.next()
        for number in range(3_000):
            await happen(site, number)
        await settle()
        assert len(site.csms.event_feed._tail) <= 1_000  # noqa: SLF001 - the only thing that could grow
        assert numbers(await stream.events(3_000)) == list(range(3_000))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("&station_id=CP_2", [2, 4]),
        ("&station_id=CP_2,CP_3", [2, 4, 5]),
        ("&station_id=CP_1&station_id=CP_3", [1, 3, 5]),
        ("&type=transaction.ended", [3]),
        ("&type=transaction", [2, 3]),
        ("&type=transaction&station_id=CP_1", [3]),
        ("&type=trans", []),
        ("&type=transaction.", []),
    ],
)
@pytest.mark.parametrize("is_live", [True, False])
async def test_filters_by_station_and_type(site: Site, query: str, expected: list[int], is_live: bool) -> None:
    async def all_happen() -> None:
        await happen(site, 1, station_id="CP_1")
        await happen(site, 2, station_id="CP_2", event_type="transaction.started")
        await happen(site, 3, station_id="CP_1", event_type="transaction.ended")
        await happen(site, 4, station_id="CP_2")
        await happen(site, 5, station_id="CP_3")

    if not is_live:
        await all_happen()
    async with follow(site, "?after=0" + query) as stream:
        await stream.next()
        if is_live:
            await all_happen()
        assert numbers(await stream.events(len(expected))) == expected
        assert await stream.next() == (5, "", None)  # the next heartbeat: it has seen them all


async def test_a_heartbeat_comes_with_the_current_id(site: Site) -> None:
    async with follow(site, "?type=transaction") as stream:
        await stream.next()
        await happen(site, 1, 2, 3)
        before = trio.current_time()
        assert await stream.next() == (3, "", None)
        assert stream.heartbeats == 1
        assert trio.current_time() - before == pytest.approx(HEARTBEAT_S)


class TestRetention:
    async def delete_all_but(self, site: Site, count: int) -> None:
        rule = Rule(events, events.c.event_id, events.c.happened_at, timedelta(days=30), count)
        await site.csms._retention.apply(rule)  # noqa: SLF001

    async def test_who_missed_deleted_events_is_told_so_and_gets_the_rest(self, site: Site) -> None:
        await happen(site, *range(1, 11))
        await self.delete_all_but(site, 4)
        async with follow(site, Last_Event_ID="3") as stream:
            assert await stream.next() == (6, "reset", {"after": 3, "oldest": 7})
            assert numbers(await stream.events(4)) == [7, 8, 9, 10]

    async def test_who_missed_none_of_them_is_not_told(self, site: Site) -> None:
        await happen(site, *range(1, 11))
        await self.delete_all_but(site, 4)
        async with follow(site, Last_Event_ID="6") as stream:
            assert numbers(await stream.events(4)) == [7, 8, 9, 10]

    async def test_who_asks_for_all_gets_all_there_is(self, site: Site) -> None:
        await happen(site, *range(1, 11))
        await self.delete_all_but(site, 4)
        async with follow(site, "?after=0") as stream:
            assert numbers(await stream.events(4)) == [7, 8, 9, 10]

    async def test_who_comes_from_another_database_is_told_so(self, site: Site) -> None:
        await happen(site, 1, 2)
        async with follow(site, Last_Event_ID="3") as stream:
            assert await stream.next() == (0, "reset", {"after": 3, "oldest": 1})
            assert numbers(await stream.events(2)) == [1, 2]


@pytest.mark.parametrize("wrong", ["x", "-1", "1.5", "9" * 30, "%C2%B2"])
async def test_an_id_that_is_none_is_refused(site: Site, wrong: str) -> None:
    answer = await site.get(f"/api/v1/events?after={wrong}")
    assert answer.status == 422
    assert answer.json["detail"] == "after: must be the id of an event"


async def test_it_ends_when_the_csms_shuts_down(site: Site) -> None:
    async with follow(site) as stream:
        await stream.next()
        site.csms.event_feed.close()
        with pytest.raises(EOFError):
            await stream.next()
    assert site.csms.event_feed.readers == 0


async def test_a_client_that_goes_leaves_nothing_behind(site: Site) -> None:
    for _ in range(3):
        async with follow(site) as stream:
            await stream.next()
            assert site.csms.event_feed.readers == 1
        assert site.csms.event_feed.readers == 0


async def test_more_readers_than_there_may_be_are_turned_away(site: Site) -> None:
    site.csms.event_feed.readers = READERS
    assert (await site.get("/api/v1/events")).status == 503


async def test_with_a_token_it_must_be_shown(open_site: OpenSite) -> None:
    assert (await open_site(api_token="token").get("/api/v1/events")).status == 401


async def test_head_tells_the_headers_only(site: Site) -> None:
    answer = await site.ask("HEAD", "/api/v1/events")
    assert (answer.status, answer.text) == (200, "")


@pytest.mark.parametrize("name", ["station_id", "type"])
async def test_a_filter_that_no_database_takes_is_refused(site: Site, name: str) -> None:
    assert (await site.get(f"/api/v1/events?{name}=CP_1,%00")).status == 422
