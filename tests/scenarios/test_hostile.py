"""Whatever a peer does, the CSMS stays up, serves the others, and does not grow (the witness sees to all three)."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pytest
import trio

from tests.processes import DEADLINE_S, Csms, Programs
from tests.scenarios.hostile import (
    BINARY,
    CONT,
    HEARTBEAT,
    PING,
    Peer,
    deflated,
    frame,
    tcp_peer,
    websocket_peer,
    witness,
)

QUIET: Final = ("--log-level", "warning")
"""Nobody wants to read ten thousand messages."""
MIB: Final = 2**20


# --- peers that do not read ---


async def test_a_flood_of_calls_whose_answers_nobody_reads_is_held_back(programs: Programs) -> None:
    csms = await programs.csms(*QUIET)
    payload = {"vendorId": "flood", "data": "x" * 1000}
    flood = [frame(json.dumps([2, f"flood-{n:030}", "DataTransfer", payload])) for n in range(50_000)]
    async with witness(csms), websocket_peer(csms, "FLOOD", small_window=True) as peer:
        await peer.boot()
        for start in range(0, len(flood), 1000):
            with trio.move_on_after(1) as held_back:
                await peer.send(b"".join(flood[start : start + 1000]))
            if held_back.cancelled_caught:
                break


async def test_a_reader_of_single_bytes_gets_all_its_answers_in_the_end(programs: Programs) -> None:
    csms = await programs.csms(*QUIET)
    async with witness(csms) as other, websocket_peer(csms, "SLOW", small_window=True) as peer:
        await peer.boot()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.send, b"".join(frame(HEARTBEAT.format(n)) for n in range(5000)))
            for _ in range(300):
                await peer.read_a_byte()
            answered = other.answered
            assert [(await peer.message())[1] for _ in range(5000)] == [str(n) for n in range(5000)]
        assert other.answered > answered


@pytest.mark.slow
async def test_a_peer_that_never_reads_is_cut_off(programs: Programs) -> None:
    """After the 20 s that a peer has for the next 16 KiB (shared.websocket.Patience)."""
    csms = await programs.csms(*QUIET)
    async with witness(csms), websocket_peer(csms, "DEAF", small_window=True) as peer:
        await peer.boot()
        with trio.fail_after(60), suppress(trio.BrokenResourceError):
            while True:
                await peer.send(frame(HEARTBEAT.format(1)) * 1000)
        await leaves_list(csms, "DEAF")


async def leaves_list(csms: Csms, identity: str) -> None:
    """Wait until a station is not connected any more."""
    with trio.fail_after(DEADLINE_S):
        while identity in await csms.listed():
            pass


async def test_a_half_open_peer_is_gone_within_two_ping_intervals(programs: Programs) -> None:
    csms = await programs.csms("--ping-interval", "0.3")
    async with websocket_peer(csms, "HALF-OPEN") as peer:
        await peer.boot()
        booted_at = trio.current_time()
        assert await csms.listed() == ["HALF-OPEN"]
        opcode, _ = await peer.frame()
        assert opcode == PING
        assert trio.current_time() - booted_at > 0.2
        await csms.says("HALF-OPEN: disconnected (1006 no answer to ping)", within_s=3)
        assert await csms.listed() == []


async def test_a_station_that_never_answers_holds_up_nobody_but_its_caller(programs: Programs) -> None:
    csms = await programs.csms(*QUIET, "--call-timeout", "1")
    clear_cache: dict[str, Any] = {}
    async with witness(csms), websocket_peer(csms, "MUTE") as peer:
        await peer.boot()
        status, problem = await csms.call("MUTE", "ClearCache", clear_cache)
        assert (status, problem["status"]) == (504, 504)

        first = await peer.message()
        async with trio.open_nursery() as nursery:
            answers: list[tuple[int, dict[str, Any]]] = []

            async def call_again() -> None:
                answers.append(await csms.call("MUTE", "ClearCache", clear_cache))

            nursery.start_soon(call_again)
            second = await peer.message()
            assert first[1] != second[1]
            for message_id, accepted in ((first[1], "Rejected"), (second[1], "Accepted")):
                await peer.send(frame(json.dumps([3, message_id, {"status": accepted}])))
        assert answers == [(200, {"result": {"status": "Accepted"}})], (
            "the late answer to the first is not taken for it"
        )


async def test_deaf_and_mute_peers_do_not_hold_up_the_end(programs: Programs) -> None:
    csms = await programs.csms(*QUIET)
    async with websocket_peer(csms, "DEAF", small_window=True) as deaf, websocket_peer(csms, "MUTE") as mute:
        await deaf.boot()
        await mute.boot()
        with trio.move_on_after(1):
            await deaf.send(frame(HEARTBEAT.format("x" * 30)) * 50_000)
        async with trio.open_nursery() as nursery:
            answers: list[tuple[int, dict[str, Any]]] = []

            async def call() -> None:
                answers.append(await csms.call("MUTE", "ClearCache", {}))

            nursery.start_soon(call)
            await mute.message()
            assert await csms.stop() == 0
    assert [status for status, _ in answers] == [503], "who waits for an answer is told"


# --- peers that send garbage ---


@dataclass(frozen=True)
class Garbage:
    """What is sent, and what comes of it: a close code, or a CALLERROR to the message with that id, or nothing."""

    sent: bytes
    close_code: int | None = None
    error_code: str | None = None
    message_id: str = "-1"
    extensions: str | None = None


DEFLATE: Final = "permessage-deflate"
GARBAGE: Final = {
    "no frames at all": Garbage(bytes(range(255, 0, -1)) * 10, 1002),
    "HTTP where frames belong": Garbage(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1002),
    "a frame without a mask": Garbage(frame("[]", masked=False), 1002),
    "an opcode nobody defined": Garbage(frame("[]", 0x3), 1002),
    "a reserved bit": Garbage(frame("[]", rsv1=True), 1002),
    "a continuation of nothing": Garbage(frame("[]", CONT), 1002),
    "a message inside a message": Garbage(frame("[2,", fin=False) + frame("[]"), 1002),
    "a ping of 126 bytes": Garbage(frame(bytes(126), PING), 1002),
    "a ping in parts": Garbage(frame(b"", PING, fin=False), 1002),
    "text that is not UTF-8": Garbage(frame(b'[2,"\xff\xfe"]'), 1007),
    "compressed text that is not compressed": Garbage(frame(b"\xff" * 50, rsv1=True), 1002, extensions=DEFLATE),
    "binary": Garbage(frame(bytes(100), BINARY), 1003),
    "2 MiB": Garbage(frame(b"x" * 2 * MIB), 1009),
    "2 MiB announced": Garbage(frame(b"x" * 2 * MIB)[:20], 1009),
    "2 MiB in parts": Garbage(frame(b"x" * 1000, fin=False) + frame(b"x" * 1000, CONT, fin=False) * 2000, 1009),
    "64 MiB in 64 KiB": Garbage(frame(deflated(bytes(64 * MIB)), rsv1=True), 1009, extensions=DEFLATE),
    "nothing": Garbage(frame(""), error_code="RpcFrameworkError"),
    "no JSON": Garbage(frame("Hello!"), error_code="RpcFrameworkError"),
    "half a message": Garbage(frame('[2,"1","Heartbeat",{'), error_code="RpcFrameworkError"),
    "numbers JSON has not": Garbage(frame('[2,"1","Heartbeat",NaN]'), error_code="RpcFrameworkError"),
    "a lone surrogate": Garbage(frame(r'[2,"\ud800","Heartbeat",{}]'), error_code="RpcFrameworkError"),
    "no array": Garbage(frame('{"action":"Heartbeat"}'), error_code="RpcFrameworkError"),
    "an empty array": Garbage(frame("[]"), error_code="RpcFrameworkError"),
    "arrays in arrays": Garbage(frame("[" * 100_000), error_code="RpcFrameworkError"),
    "objects in objects": Garbage(
        frame('[2,"deep","Heartbeat",' + '{"a":' * 500 + "1" + "}" * 500 + "]"),
        error_code="FormatViolation",
        message_id="deep",
    ),
    "an unknown type of message": Garbage(
        frame('[9,"nine",{}]'), error_code="MessageTypeNotSupported", message_id="nine"
    ),
    "a type that is no number": Garbage(frame('["2","s",{}]'), error_code="MessageTypeNotSupported", message_id="s"),
    "an id of a million characters": Garbage(
        frame(f'[2,"{"9" * 1_000_000}","Heartbeat",{{}}]'), error_code="RpcFrameworkError"
    ),
    "an id that is a number": Garbage(frame('[2,5,"Heartbeat",{}]'), error_code="RpcFrameworkError"),
    "a huge number": Garbage(frame(f'[2,"huge","Heartbeat",{{"n":{"9" * 10_000}}}]'), error_code="RpcFrameworkError"),
    "a payload that is no object": Garbage(
        frame('[2,"list","Heartbeat",[]]'), error_code="FormatViolation", message_id="list"
    ),
    "an action nobody defined": Garbage(frame('[2,"1","Dance",{}]'), error_code="NotImplemented", message_id="1"),
    "an action of the other side": Garbage(frame('[2,"2","ClearCache",{}]'), error_code="NotSupported", message_id="2"),
    "an action of a million characters": Garbage(
        frame(f'[2,"3","{"A" * 1_000_000}",{{}}]'), error_code="NotImplemented", message_id="3"
    ),
    "answers nobody asked for": Garbage(  # nothing answers an answer
        frame('[3,"1",{}]')
        + frame('[4,"1","GenericError","",{}]')
        + frame("[3]")
        + frame('[4,"-1"]')
        + frame("[3,[],{}]")
    ),
}


async def test_garbage_is_answered_or_passed_over_or_ends_its_own_connection(programs: Programs) -> None:
    csms = await programs.csms(*QUIET)
    async with witness(csms):
        for what, garbage in GARBAGE.items():
            async with websocket_peer(csms, "GARBAGE", extensions=garbage.extensions) as peer:
                await peer.boot()
                await peer.send(garbage.sent)
                assert await outcome(peer, garbage) == (garbage.close_code, garbage.error_code), what
            await leaves_list(csms, "GARBAGE")


async def outcome(peer: Peer, garbage: Garbage) -> tuple[int | None, str | None]:
    """The close code or the CALLERROR's code that came; where it was not closed, the connection still works."""
    if garbage.close_code is not None:
        code = await peer.close_code()
        await peer.is_cut_off()
        return code, None
    code_of_error = None
    if garbage.error_code is not None:
        message_type, message_id, code_of_error, *_ = await peer.message()
        assert (message_type, message_id) == (4, garbage.message_id)
    await peer.send(frame(HEARTBEAT.format("still here")))
    assert (await peer.message())[:2] == [3, "still here"]
    return None, code_of_error


# --- peers that do not get in ---


UNFINISHED: Final = (b"", b"G", b"GET /CP_1 HTTP/1.1\r\nHost: localhost\r\n", b"\x16\x03\x01\x02\x00\x01")


async def test_200_connections_that_never_finish_the_handshake_keep_nobody_out(programs: Programs) -> None:
    csms = await programs.csms(*QUIET)
    async with witness(csms), trio.open_nursery() as nursery:
        for number in range(200):
            await nursery.start(partial(dawdle, csms, UNFINISHED[number % len(UNFINISHED)]))
        async with websocket_peer(csms, "NEW") as peer:
            await peer.boot()
        nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_a_handshake_that_is_not_finished_in_time_is_cut_off(programs: Programs) -> None:
    """After the 10 s that shared.handshake.accept gives a client."""
    csms = await programs.csms(*QUIET)
    async with witness(csms), trio.open_nursery() as nursery:
        for sent in UNFINISHED:
            nursery.start_soon(dawdle, csms, sent)


async def dawdle(csms: Csms, sent: bytes, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Send the beginning of a handshake, and nothing more until the CSMS has had enough."""
    async with tcp_peer(csms) as peer:
        await peer.send(sent)
        task_status.started()
        await peer.is_cut_off()


async def test_300_connections_with_wrong_passwords_keep_nobody_out(programs: Programs) -> None:
    csms = await programs.csms(*QUIET)
    await csms.put("CP_1", password="the right one")
    statuses: list[int] = []

    async def guess(number: int) -> None:
        async with tcp_peer(csms) as peer:
            await peer.ask_to_upgrade("CP_1", f"guess {number}")
            statuses.append(await peer.response())

    async with witness(csms), trio.open_nursery() as nursery:
        for number in range(300):
            nursery.start_soon(guess, number)
    assert statuses == [401] * 300
    await leaves_list(csms, "WITNESS")
    assert await csms.listed() == []


async def test_requests_that_are_no_handshake_are_refused(programs: Programs) -> None:
    csms = await programs.csms(*QUIET)
    requests = (
        b"GET /CP_1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /CP_1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /CP_1 HTTP/1.0\r\n\r\n",
        b"GET /" + b"A" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        bytes(10_000) + b"\r\n\r\n",
    )
    async with witness(csms):
        for request in requests:
            async with tcp_peer(csms) as peer:
                with suppress(trio.BrokenResourceError):  # refused before all of it was sent
                    await peer.send(request)
                assert 400 <= await peer.response() <= 505, request[:40]
    assert await csms.stop() == 0
    refused = [line for line in csms.lines if line.startswith("WARNING:root:127.0.0.1:")]
    assert (len(refused), len(csms.lines)) == (len(requests), len(requests) + 4), "one line each"
