"""Whatever is sent arrives the same and in order, however the stream is cut into pieces."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock
from websockets.frames import Frame, Opcode

from tests.shared.wire import Ours, both, end_of, open_foreign, open_pair

# Lengths around those at which a frame's header grows, and that from which on messages are compressed.
texts = st.lists(
    st.text(max_size=20)
    | st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=8), st.integers(1, 9000)),
    max_size=6,
)
piece_sizes = st.lists(st.integers(1, 40) | st.integers(1, 20_000), min_size=1, max_size=8)


class Chopped(trio.abc.HalfCloseableStream):
    """A stream whose other end gets what is sent in pieces of these sizes."""

    def __init__(self, inner: trio.StapledStream[Any, Any], sizes: Iterator[int]) -> None:
        self._inner = inner
        self._sizes = sizes

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        size = next(self._sizes)
        return bytes(await self._inner.receive_some(size if max_bytes is None else min(size, max_bytes)))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._inner.send_eof()

    async def aclose(self) -> None:
        await self._inner.aclose()


def chopped_pair(sizes: list[int]) -> tuple[Chopped, Chopped]:
    near, far = trio.testing.memory_stream_pair()
    return Chopped(near, cycle(sizes)), Chopped(far, cycle(sizes))


@given(down=texts, up=texts, sizes=piece_sizes)
@settings(max_examples=60, deadline=None)
def test_texts_arrive_the_same_both_ways(down: list[str], up: list[str], sizes: list[int]) -> None:
    async def converse() -> None:
        server, client = await open_pair(chopped_pair(sizes))

        async def send_down() -> None:
            for text in down:
                await server.send(text)

        async def send_up() -> None:
            for text in up:
                await client.send(text)

        async def receive_down() -> list[str]:
            return [await client.receive() for _ in down]

        async def receive_up() -> list[str]:
            return [await server.receive() for _ in up]

        results = await both(send_down, send_up, receive_down, receive_up)
        assert results[2:] == [down, up]

    trio.run(converse, clock=MockClock(autojump_threshold=0))


@given(
    sent=st.lists(st.text(max_size=400), max_size=5),
    compressed=st.booleans(),
    fragment=st.integers(1, 300),
    sizes=piece_sizes,
)
@settings(max_examples=60, deadline=None)
def test_texts_in_fragments_arrive_whole(sent: list[str], compressed: bool, fragment: int, sizes: list[int]) -> None:
    async def converse() -> None:
        ws, foreign = await open_foreign(Ours.SERVER, chopped_pair(sizes), deflate={} if compressed else None)

        async def send() -> None:
            for text in sent:
                data = text.encode()
                parts = [data[start : start + fragment] for start in range(0, len(data), fragment)] or [b""]
                for index, part in enumerate(parts):
                    await foreign.send(
                        Frame(Opcode.CONT if index else Opcode.TEXT, part, fin=index == len(parts) - 1),
                        Frame(Opcode.PING, b"in between"),
                    )

        async def receive() -> list[str]:
            return [await ws.receive() for _ in sent]

        assert (await both(send, receive))[1] == sent

    trio.run(converse, clock=MockClock(autojump_threshold=0))


@given(garbage=st.binary(max_size=200), sizes=piece_sizes, compressed=st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_a_peer_sends_is_received_or_ends_it(garbage: bytes, sizes: list[int], compressed: bool) -> None:
    async def converse() -> None:
        ws, foreign = await open_foreign(Ours.CLIENT, chopped_pair(sizes), deflate={} if compressed else None)
        await foreign.stream.send_all(garbage)
        await foreign.stream.aclose()
        async with ws:
            code, _reason = await end_of(ws)
        assert 1000 <= code < 5000

    trio.run(converse, clock=MockClock(autojump_threshold=0))
