"""Calls to a station through REST, over real sockets: clients that go away, 200 at once, a station that vanishes."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import trio

from csms.session import COMMANDS_WAITING
from tests.processes import DEADLINE_S, Csms, Programs
from tests.scenarios.hostile import CLOSE, HEARTBEAT, Peer, frame, websocket_peer

AT_ONCE_S: Final = 5.0
"""A person would call it at once, on a busy machine, too; the call time-out is 30 s."""
CLIENTS: Final = 200
NEVER_SENT: Final = CLIENTS - COMMANDS_WAITING - 1
"""One CALL is under way, COMMANDS_WAITING wait."""
PATH: Final = "/api/v1/stations/CP_1/calls/DataTransfer"


class Asked:
    """Clients that ask CP_1 for a DataTransfer, each with a number of its own."""

    def __init__(self, csms: Csms, nursery: trio.Nursery, client: httpx.AsyncClient) -> None:
        self._csms = csms
        self._nursery = nursery
        self._client = client
        self._changed = trio.lowlevel.ParkingLot()
        self.answers: dict[int, httpx.Response] = {}
        self.answered_at: dict[int, float] = {}

    def ask(self, number: int) -> None:
        """Start to ask."""
        self._nursery.start_soon(self._ask, number)

    async def _ask(self, number: int) -> None:
        body = {"vendorId": "tea", "data": number}
        self.answers[number] = await self._client.post(PATH, json=body, headers={"Connection": "close"})
        self.answered_at[number] = trio.current_time()
        self._changed.unpark_all()

    async def answered(self, count: int, *, within_s: float = DEADLINE_S) -> None:
        """Wait until so many have their answer."""
        with trio.fail_after(within_s):
            while len(self.answers) < count:
                await self._changed.park()

    async def are_waiting(self, count: int) -> None:
        """Wait until so many calls wait for their turn, as /metrics tells."""
        with trio.fail_after(DEADLINE_S):
            while metric("csms_calls_waiting", count) not in (await self._client.get("/metrics")).text:
                pass


@asynccontextmanager
async def clients(csms: Csms) -> AsyncIterator[Asked]:
    """As many clients as anybody wants, each with a connection of its own."""
    no_limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        httpx.AsyncClient(base_url=csms.rest.base_url, limits=no_limits, timeout=DEADLINE_S, trust_env=False) as client,
        trio.open_nursery() as nursery,
    ):
        yield Asked(csms, nursery, client)


async def received(peer: Peer) -> tuple[str, Any]:
    """The id and the data of the DataTransfer that the station gets next."""
    _, message_id, action, payload = await peer.message()
    assert action == "DataTransfer"
    return message_id, payload["data"]


async def answer(peer: Peer, message_id: str, data: object) -> None:
    """What the station answers to it."""
    await peer.send(frame(json.dumps([3, message_id, {"status": "Accepted", "data": data}])))


async def nothing_else_was_sent(peer: Peer) -> None:
    """The CSMS has answered a Heartbeat, and sent nothing before that."""
    await peer.send(frame(HEARTBEAT.format("beat")))
    assert (await peer.message())[:2] == [3, "beat"]


async def goes_away(csms: Csms, peer: Peer, number: int, *, with_reset: bool) -> str:
    """A client asks and closes its connection when the station has been asked: the id of the CALL."""
    body = json.dumps({"vendorId": "tea", "data": number})
    async with await dial(csms) as stream:
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        await stream.send_all((head + body).encode())
        message_id, data = await received(peer)
        assert data == number
        if with_reset:
            reset_at_close(stream)
    return message_id


async def dial(csms: Csms) -> trio.SocketStream:
    """A connection to REST."""
    url = urlsplit(str(csms.rest.base_url))
    return await trio.open_tcp_stream(url.hostname or "", url.port or 0)


def reset_at_close(stream: trio.SocketStream) -> None:
    """Its end is to be a reset, as of a client that crashes."""
    stream.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))


def metric(name: str, value: int) -> str:
    """How /metrics tells it."""
    return f"\n{name} {value}.0\n"


def open_files(csms: Csms) -> int:
    """How many files and sockets the CSMS holds open."""
    return len(list(Path(f"/proc/{csms.pid}/fd").iterdir()))


async def no_more_files_are_open(csms: Csms, than: int) -> None:
    """Wait until it holds no more open than that."""
    with trio.fail_after(DEADLINE_S):
        while open_files(csms) > than:
            await csms.rest.get("/healthz")


async def test_part_4_4_1_1_the_call_of_a_client_that_goes_away_keeps_its_turn_until_it_is_answered(
    programs: Programs,
) -> None:
    csms = await programs.csms()
    async with websocket_peer(csms, "CP_1") as peer, clients(csms) as asked:
        await peer.boot()
        await asked.are_waiting(0)
        open_before = open_files(csms)
        for number in range(6):
            csms.forget()
            gone = await goes_away(csms, peer, -number, with_reset=number % 2 == 1)
            asked.ask(number)
            await asked.are_waiting(1)
            await nothing_else_was_sent(peer)
            await answer(peer, gone, "nobody waits for this")
            await csms.says("CP_1 DataTransfer: nobody waits for the result any more")
            message_id, data = await received(peer)
            assert data == number
            await answer(peer, message_id, f"answer to {number}")
            await asked.answered(number + 1)
            assert asked.answers[number].json()["result"]["data"] == f"answer to {number}"
        await no_more_files_are_open(csms, open_before)


async def test_clients_of_the_event_stream_that_go_away_leave_nothing(programs: Programs) -> None:
    csms = await programs.csms()
    await csms.rest.get("/metrics")
    open_before = open_files(csms)
    async with AsyncExitStack() as streams:
        for number in range(10):
            stream = await streams.enter_async_context(await dial(csms))
            await stream.send_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200" in await stream.receive_some()
            if number % 2:
                reset_at_close(stream)
        assert metric("csms_event_readers", 10) in (await csms.rest.get("/metrics")).text
    with trio.fail_after(DEADLINE_S):
        while metric("csms_event_readers", 0) not in (await csms.rest.get("/metrics")).text:
            pass
    await no_more_files_are_open(csms, open_before)


async def test_of_200_calls_at_once_the_first_are_sent_in_order_one_at_a_time_and_the_rest_is_503(
    programs: Programs,
) -> None:
    csms = await programs.csms()
    async with websocket_peer(csms, "CP_1") as peer, clients(csms) as asked:
        await peer.boot()
        asked.ask(0)
        message_id, _ = await received(peer)
        for number in range(1, COMMANDS_WAITING + 1):  # one after the other, for of those at once nobody is the first
            asked.ask(number)
            await asked.are_waiting(number)
        for number in range(COMMANDS_WAITING + 1, CLIENTS):
            asked.ask(number)
        await asked.answered(NEVER_SENT)
        for number in range(COMMANDS_WAITING + 1, CLIENTS):
            refused = asked.answers[number]
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            assert refused.json() == {
                "type": "about:blank",
                "title": "Service Unavailable",
                "status": 503,
                "detail": "too many calls wait for CP_1",
            }

        for number in range(COMMANDS_WAITING + 1):
            await nothing_else_was_sent(peer)
            await answer(peer, message_id, f"answer to {number}")
            if number < COMMANDS_WAITING:
                message_id, data = await received(peer)
                assert data == number + 1
        await asked.answered(CLIENTS)
        await nothing_else_was_sent(peer)
    for number in range(COMMANDS_WAITING + 1):
        told = asked.answers[number]
        assert (told.status_code, told.json()["result"]["data"]) == (200, f"answer to {number}")


async def test_when_a_station_goes_all_who_wait_for_it_are_told_at_once_and_nothing_is_replayed(
    programs: Programs,
) -> None:
    csms = await programs.csms("--call-timeout", "30")
    for how in ("a goodbye", "its socket closed", "its connection reset"):
        async with clients(csms) as asked:
            async with websocket_peer(csms, "CP_1") as peer:
                await peer.boot()
                for number in range(10):
                    asked.ask(number)
                await received(peer)
                await asked.are_waiting(9)
                gone_at = trio.current_time()
                if how == "a goodbye":
                    await peer.send(frame(struct.pack("!H", 1000), opcode=CLOSE))
                else:
                    if how == "its connection reset":
                        reset_at_close(peer.stream)
                    await trio.aclose_forcefully(peer.stream)
                await asked.answered(10)
            assert max(asked.answered_at.values()) - gone_at < AT_ONCE_S, how
            for told in asked.answers.values():
                assert (told.status_code, told.headers["content-type"]) == (503, "application/problem+json"), how
            async with websocket_peer(csms, "CP_1") as again:
                await nothing_else_was_sent(again)
                asked.ask(10)
                message_id, data = await received(again)
                assert data == 10, "nothing is replayed"
                await answer(again, message_id, None)
                await asked.answered(11)
