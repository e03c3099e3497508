"""permessage-deflate (RFC 7692, Part 4 §3.3): negotiated, spared where it gains nothing, and without lasting memory."""

from __future__ import annotations

import gc
import tracemalloc
import zlib
from types import FunctionType, ModuleType

import pytest
from trio.testing import MockClock
from websockets.frames import Frame, Opcode

from shared.websocket import MAX_MESSAGE_BYTES, WebSocketClosed
from tests.shared.wire import Deflate, Foreign, Ours, both, open_foreign, open_pair

LONG = "a text that repeats itself, " * 100
COMPRESSED = 0x40  # RSV1 in the first byte of a frame

either_side = pytest.mark.parametrize("ours", list(Ours))


@either_side
@pytest.mark.parametrize(("deflate", "negotiated"), [(None, False), ({}, True)], ids=["not offered", "offered"])
async def test_it_is_negotiated_when_both_sides_know_it(
    ours: Ours, deflate: Deflate | None, negotiated: bool, autojump_clock: MockClock
) -> None:
    ws, foreign = await open_foreign(ours, deflate=deflate)
    assert bool(foreign.engine.extensions) == negotiated
    await ws.send(LONG)
    data = await foreign.stream.receive_some()
    assert bool(data[0] & COMPRESSED) == negotiated
    assert (len(data) < len(LONG)) == negotiated


@either_side
async def test_messages_go_both_ways(ours: Ours, autojump_clock: MockClock) -> None:
    ws, foreign = await open_foreign(ours, deflate={})
    for text in (LONG, "short", LONG.upper()):
        await ws.send(text)
        assert bytes((await foreign.frame()).data).decode() == text
        await foreign.send_text(text)
        assert await ws.receive() == text


@either_side
async def test_a_message_too_short_to_gain_is_sent_as_it_is(ours: Ours, autojump_clock: MockClock) -> None:
    ws, foreign = await open_foreign(ours, deflate={})
    await ws.send('[3,"1",{}]')
    data = await foreign.stream.receive_some()
    assert not data[0] & COMPRESSED


@either_side
async def test_compressed_fragments_make_one_message(ours: Ours, autojump_clock: MockClock) -> None:
    ws, foreign = await open_foreign(ours, deflate={})
    await foreign.send(
        Frame(Opcode.TEXT, LONG.encode(), fin=False),
        Frame(Opcode.PING, b""),
        Frame(Opcode.CONT, LONG.upper().encode(), fin=False),
        Frame(Opcode.CONT, b""),
    )
    assert await ws.receive() == LONG + LONG.upper()


@pytest.mark.parametrize(
    "deflate",
    [
        {"server_no_context_takeover": True},
        {"client_no_context_takeover": True},
        {"client_max_window_bits": None},
        {"client_max_window_bits": 9},
        {"server_max_window_bits": 9},
        {"server_max_window_bits": 15, "client_max_window_bits": 15, "server_no_context_takeover": True},
    ],
    ids=str,
)
async def test_our_server_takes_what_a_client_may_offer(deflate: Deflate, autojump_clock: MockClock) -> None:
    ws, foreign = await open_foreign(Ours.SERVER, deflate=deflate)
    assert foreign.engine.extensions
    text = "".join(map(str, range(5000)))  # repeats itself at all distances
    for _ in range(2):
        await ws.send(text)
        assert bytes((await foreign.frame()).data).decode() == text
        await foreign.send_text(text)
        assert await ws.receive() == text


async def test_our_server_declines_a_window_zlib_does_not_have(autojump_clock: MockClock) -> None:
    ws, foreign = await open_foreign(Ours.SERVER, deflate={"server_max_window_bits": 8})
    assert not foreign.engine.extensions
    await ws.send(LONG)
    assert bytes((await foreign.frame()).data).decode() == LONG


@pytest.mark.parametrize(
    "deflate",
    [{"client_max_window_bits": 9}, {"server_max_window_bits": 9}, {"client_no_context_takeover": True}],
    ids=str,
)
async def test_our_client_takes_what_a_server_may_answer(deflate: Deflate, autojump_clock: MockClock) -> None:
    ws, foreign = await open_foreign(Ours.CLIENT, deflate=deflate)
    assert foreign.engine.extensions
    text = "".join(map(str, range(5000)))
    for _ in range(2):
        await ws.send(text)
        assert bytes((await foreign.frame()).data).decode() == text
        await foreign.send_text(text)
        assert await ws.receive() == text


async def test_an_idle_connection_keeps_no_context(autojump_clock: MockClock) -> None:
    server, client = await open_pair()
    await both(lambda: server.send(LONG), lambda: client.send(LONG))
    assert await both(server.receive, client.receive) == [LONG, LONG]
    assert not zlib_objects_of(server)
    assert not zlib_objects_of(client)
    _, foreign = await open_foreign(Ours.SERVER, deflate={})
    assert zlib_objects_of(foreign.engine), "this one keeps contexts, so they would be found"


class TestZipBomb:
    @either_side
    @pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES + 1, 64 * MAX_MESSAGE_BYTES])
    async def test_closes_with_1009(self, ours: Ours, size: int, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours, deflate={})
        await foreign.send(Frame(Opcode.TEXT, bytes(size)))
        with pytest.raises(WebSocketClosed) as closed:
            await ws.receive()
        assert closed.value.code == 1009

    @either_side
    async def test_in_fragments_closes_with_1009(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours, deflate={})
        await foreign.send(
            Frame(Opcode.TEXT, bytes(MAX_MESSAGE_BYTES), fin=False), Frame(Opcode.CONT, bytes(64 * MAX_MESSAGE_BYTES))
        )
        with pytest.raises(WebSocketClosed) as closed:
            await ws.receive()
        assert closed.value.code == 1009

    @either_side
    async def test_of_exactly_1_mib_passes(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours, deflate={})
        text = "x" * MAX_MESSAGE_BYTES
        await foreign.send_text(text)
        assert await ws.receive() == text

    async def test_of_many_small_ones_is_unpacked_one_after_another(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, deflate={})
        await foreign.send_text(*["x" * MAX_MESSAGE_BYTES] * 14)
        tracemalloc.start()
        try:
            await ws.receive()
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8 * MAX_MESSAGE_BYTES


@either_side
async def test_data_that_is_not_deflated_closes_with_1002(ours: Ours, autojump_clock: MockClock) -> None:
    ws, foreign = await open_foreign(ours, deflate={})
    await send_as_compressed(foreign, b"\xff" * 20)
    with pytest.raises(WebSocketClosed) as closed:
        await ws.receive()
    assert closed.value.code == 1002


async def test_a_message_need_not_be_flushed_as_zlib_does_it(autojump_clock: MockClock) -> None:
    """A final deflate block with nothing behind it is as good (RFC 7692 §7.2.3.4)."""
    ws, foreign = await open_foreign(Ours.SERVER, deflate={})
    compressor = zlib.compressobj(wbits=-15)
    await send_as_compressed(foreign, compressor.compress(LONG.encode()) + compressor.flush(zlib.Z_FINISH) + b"\0")
    assert await ws.receive() == LONG


async def send_as_compressed(foreign: Foreign, data: bytes) -> None:
    foreign.engine.extensions = []
    frame = Frame(Opcode.TEXT, data).serialize(mask=foreign.is_client)
    await foreign.stream.send_all(bytes([frame[0] | COMPRESSED]) + frame[1:])


def zlib_objects_of(holder: object) -> list[object]:
    """The compressors and decompressors that are reached from an object, not by way of classes and modules."""
    seen = {id(holder)}
    to_visit: list[object] = [holder]
    found = []
    while to_visit:
        item = to_visit.pop()
        if type(item).__module__ == "zlib":
            found.append(item)
        for inner in gc.get_referents(item):
            if id(inner) not in seen and not isinstance(inner, (type, ModuleType, FunctionType)):
                seen.add(id(inner))
                to_visit.append(inner)
    return found
