"""The WebSocket behind receive, send, ping and close (RFC 6455, OCPP 2.0.1 Part 4)."""

from __future__ import annotations

import tracemalloc

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from shared.websocket import MAX_MESSAGE_BYTES, Patience, WebSocket, WebSocketClosed
from tests.shared.wire import Foreign, Ours, both, end_of, open_foreign, open_pair

either_side = pytest.mark.parametrize("ours", list(Ours))


class TestMessages:
    async def test_arrive_as_sent_and_in_order(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair()
        texts = ["", "[]", "ä€𝄞", "x" * 100_000]
        for text in texts:
            await client.send(text)
            await server.send(text.upper())
        assert [await server.receive() for _ in texts] == texts
        assert [await client.receive() for _ in texts] == [text.upper() for text in texts]

    @either_side
    async def test_may_come_in_fragments_with_a_ping_between_them(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        euro = "€".encode()
        await foreign.send(
            Frame(Opcode.TEXT, b"a" + euro[:1], fin=False),
            Frame(Opcode.PING, b"?"),
            Frame(Opcode.CONT, euro[1:], fin=False),
            Frame(Opcode.CONT, b"", fin=False),
            Frame(Opcode.CONT, b"b"),
            Frame(Opcode.TEXT, b"next"),
        )
        assert [await ws.receive(), await ws.receive()] == ["a€b", "next"]
        pong = await foreign.frame()
        assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"?")

    @either_side
    async def test_of_exactly_1_mib_pass(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        text = "x" * MAX_MESSAGE_BYTES
        await foreign.send_text(text)
        assert await ws.receive() == text

    @either_side
    async def test_a_byte_longer_close_with_1009(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        await foreign.send_text("before", "x" * (MAX_MESSAGE_BYTES + 1), "behind")
        assert await ws.receive() == "before"
        results = await both(lambda: end_of(ws), foreign.close_frame)
        assert [code for code, _reason in results] == [1009, 1009]

    @either_side
    async def test_are_measured_over_all_their_fragments(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        half = b"x" * (MAX_MESSAGE_BYTES // 2)
        await foreign.send(
            Frame(Opcode.TEXT, half, fin=False), Frame(Opcode.CONT, half, fin=False), Frame(Opcode.CONT, b"x")
        )
        results = await both(lambda: end_of(ws), foreign.close_frame)
        assert [code for code, _reason in results] == [1009, 1009]

    async def test_in_fragments_without_end_cost_no_more_than_their_bytes(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            await foreign.send(Frame(Opcode.TEXT, b"", fin=False))
            await wait_all_tasks_blocked()
            tracemalloc.start()
            try:
                for _ in range(8):
                    await foreign.send(*[Frame(Opcode.CONT, b"", fin=False)] * 1000)
                await wait_all_tasks_blocked()
                grown, _peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert grown < 30_000
            nursery.cancel_scope.cancel()

    @either_side
    @pytest.mark.parametrize("fin", [True, False])
    async def test_in_binary_close_with_1003(self, ours: Ours, fin: bool, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        await foreign.send(Frame(Opcode.TEXT, b"before"), Frame(Opcode.BINARY, b"[]", fin=fin))
        assert await ws.receive() == "before"
        results = await both(lambda: end_of(ws), foreign.close_frame)
        assert results == [(1003, "OCPP-J messages are text")] * 2

    @either_side
    @pytest.mark.parametrize("data", [b"\xff", b"\xc3", b"\xed\xa0\x80"], ids=["stray byte", "cut off", "surrogate"])
    async def test_that_are_not_utf8_close_with_1007(self, ours: Ours, data: bytes, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        await foreign.send(Frame(Opcode.TEXT, data))
        results = await both(lambda: end_of(ws), foreign.close_frame)
        assert [code for code, _reason in results] == [1007, 1007]

    @either_side
    async def test_in_frames_that_break_the_protocol_close_with_1002(
        self, ours: Ours, autojump_clock: MockClock
    ) -> None:
        ws, foreign = await open_foreign(ours)
        await foreign.send(Frame(Opcode.CONT, b"of nothing"))
        results = await both(lambda: end_of(ws), foreign.close_frame)
        assert [code for code, _reason in results] == [1002, 1002]


class TestFramesInOnePieceWithTheHandshake:
    """A server may speak as soon as it has answered, and TCP need not keep that apart."""

    async def test_are_received(self, autojump_clock: MockClock) -> None:
        ws, _foreign = await open_foreign(Ours.CLIENT, behind=[Frame(Opcode.TEXT, b"1"), Frame(Opcode.TEXT, b"2")])
        assert [await ws.receive(), await ws.receive()] == ["1", "2"]

    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            (Frame(Opcode.CLOSE, (1002).to_bytes(2, "big") + b"no subprotocol"), 1002),
            (Frame(Opcode.BINARY, b"[]"), 1003),
            (Frame(Opcode.CONT, b"of nothing"), 1002),
        ],
        ids=["goodbye", "binary", "protocol error"],
    )
    async def test_that_end_it_are_answered_at_once(self, frame: Frame, code: int, autojump_clock: MockClock) -> None:
        start = trio.current_time()
        ws, foreign = await open_foreign(Ours.CLIENT, behind=[Frame(Opcode.TEXT, b"before"), frame])
        assert await ws.receive() == "before"

        async def answered() -> tuple[int, str]:
            answer = await foreign.close_frame()
            await foreign.stream.aclose()
            return answer

        results = await both(lambda: end_of(ws), answered)
        assert [code for code, _reason in results] == [code, code]
        assert trio.current_time() == start

    async def test_that_ask_for_a_pong_are_answered_at_once(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.CLIENT, behind=[Frame(Opcode.PING, b"?")])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            with trio.fail_after(1):
                assert (await foreign.frame()).opcode is Opcode.PONG
            nursery.cancel_scope.cancel()


class TestPing:
    async def test_returns_with_its_pong(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, client)
            nursery.start_soon(end_of, server)
            with trio.fail_after(1):
                await both(server.ping, server.ping, client.ping)
            await client.close()

    async def test_is_answered_by_the_pong_to_a_later_one(self, autojump_clock: MockClock) -> None:
        """A peer may answer only the latest of several pings (RFC 6455 §5.5.3), the keep-alive's for one."""
        ws, foreign = await open_foreign(Ours.SERVER, patience=Patience(ping_interval_s=30))

        async def answer_the_keep_alive() -> None:
            latest = [await foreign.frame() for _ in range(2)][-1]
            await foreign.send(Frame(Opcode.PONG, latest.data))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            with trio.fail_after(31):
                await both(ws.ping, answer_the_keep_alive)
            nursery.cancel_scope.cancel()

    @pytest.mark.parametrize(
        "data", [b"", b"?", b"\0" * 8, b"\xff" * 8], ids=["empty", "short", "zero", "of the future"]
    )
    async def test_is_not_answered_by_a_pong_to_no_ping(self, data: bytes, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            await foreign.send(Frame(Opcode.PONG, data))
            with trio.move_on_after(1) as patience:
                await both(ws.ping, lambda: foreign.send(Frame(Opcode.PONG, data)))
            assert patience.cancelled_caught
            nursery.cancel_scope.cancel()

    async def test_waits_as_long_as_the_caller_likes(self, autojump_clock: MockClock) -> None:
        ws, _foreign = await open_foreign(Ours.SERVER)
        with trio.move_on_after(5) as patience:
            await ws.ping()
        assert patience.cancelled_caught

    async def test_is_told_when_the_connection_ends(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            nursery.start_soon(foreign.stream.aclose)
            with trio.fail_after(1), pytest.raises(WebSocketClosed) as closed:
                await ws.ping()
        assert closed.value.code == 1006

    async def test_after_the_end_raises(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        await foreign.stream.aclose()
        await end_of(ws)
        with pytest.raises(WebSocketClosed):
            await ws.ping()

    @either_side
    async def test_of_the_peer_is_answered_by_who_receives(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            await foreign.send(Frame(Opcode.PING, b"1"), Frame(Opcode.PING, b"2"))
            pongs = [await foreign.frame(), await foreign.frame()]
            assert [(pong.opcode, bytes(pong.data)) for pong in pongs] == [(Opcode.PONG, b"1"), (Opcode.PONG, b"2")]
            nursery.cancel_scope.cancel()


class TestKeepAlive:
    async def test_finds_a_silent_peer_within_two_intervals(self, autojump_clock: MockClock) -> None:
        ws, _foreign = await open_foreign(Ours.SERVER, patience=Patience(ping_interval_s=30))
        start = trio.current_time()
        assert await end_of(ws) == (1006, "no answer to ping")
        assert trio.current_time() - start == pytest.approx(60)

    async def test_closes_the_stream_of_a_silent_peer(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, patience=Patience(ping_interval_s=30))
        await end_of(ws)
        assert (await foreign.frame()).opcode is Opcode.PING
        with pytest.raises(EOFError):
            await foreign.frame()

    async def test_keeps_a_peer_that_lives_but_has_nothing_to_say(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair(server=Patience(ping_interval_s=30), client=Patience(ping_interval_s=0))
        with trio.move_on_after(3 * 3600):
            await both(lambda: end_of(server), lambda: end_of(client))
        await client.send("still here")
        assert await server.receive() == "still here"

    async def test_counts_any_byte_as_a_sign_of_life(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, patience=Patience(ping_interval_s=30))

        async def trickle() -> None:
            """Half a message in an hour, and never a pong."""
            foreign.engine.send_text(b"x" * 100)
            for byte in b"".join(foreign.engine.data_to_send()):
                await trio.sleep(59)
                await foreign.stream.send_all(bytes([byte]))

        received, _ = await both(ws.receive, trickle)
        assert received == "x" * 100

    async def test_waits_for_a_ping_that_is_still_behind_a_long_message(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(
            Ours.SERVER, trio.testing.lockstep_stream_pair(), patience=Patience(ping_interval_s=10, send_timeout_s=20)
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            nursery.start_soon(ws.send, "x" * 100_000)
            assert len(await read_slowly(foreign, bytes_per_s=2000)) == 100_000
            assert (await foreign.frame()).opcode is Opcode.PING
            await both(lambda: ws.send("still there"), foreign.frame)
            nursery.cancel_scope.cancel()

    async def test_sends_no_ping_at_interval_0(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, patience=Patience(ping_interval_s=0))
        with trio.move_on_after(24 * 3600):
            await both(ws.receive, foreign.frame)
        await ws.send("first frame")
        assert (await foreign.frame()).opcode is Opcode.TEXT


class TestSend:
    async def test_to_a_peer_that_does_not_read_times_out_and_closes(self, autojump_clock: MockClock) -> None:
        streams = trio.testing.memory_stream_pair()
        ws, foreign = await open_foreign(Ours.SERVER, streams, patience=Patience(send_timeout_s=20))
        clog(streams[0])
        start = trio.current_time()
        with pytest.raises(WebSocketClosed) as closed:
            await ws.send("[]")
        assert (closed.value.code, closed.value.reason) == (1006, "peer does not read")
        assert trio.current_time() - start == pytest.approx(20)
        with pytest.raises(EOFError):
            await foreign.frame()

    async def test_to_a_peer_that_reads_slowly_takes_its_time(self, autojump_clock: MockClock) -> None:
        """Over GPRS a message of some 100 KB takes longer than the time-out; the peer is alive all the same."""
        ws, foreign = await open_foreign(
            Ours.SERVER, trio.testing.lockstep_stream_pair(), patience=Patience(send_timeout_s=20)
        )
        text = "x" * 100_000
        start = trio.current_time()
        _, frame = await both(lambda: ws.send(text), lambda: read_slowly(foreign, bytes_per_s=2000))
        assert frame == text
        assert trio.current_time() - start > 40

    async def test_over_a_slow_link_fills_no_more_of_its_buffer_than_it_can_watch_moving(
        self, autojump_clock: MockClock
    ) -> None:
        """A socket takes hundreds of KB at once, and then nothing until nearly all of that has gone."""
        link = SlowLink(buffer_bytes=200_000, bytes_per_s=4000)
        ws = WebSocket(link, ServerProtocol(state=State.OPEN), Patience(send_timeout_s=20))
        await ws.send("x" * 400_000)
        assert trio.current_time() > 90

    async def test_cancelled_to_a_peer_that_reads_slowly_gets_no_more_than_one_time_out(
        self, autojump_clock: MockClock
    ) -> None:
        ws, foreign = await open_foreign(
            Ours.SERVER, trio.testing.lockstep_stream_pair(), patience=Patience(send_timeout_s=20)
        )

        async def give_up() -> float:
            with trio.move_on_after(10):
                await ws.send("x" * 100_000)
            return trio.current_time()

        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_slowly, foreign, 2000)
            assert await give_up() - start < 10 + 20 + 10
            nursery.cancel_scope.cancel()
        assert (await end_of(ws)) == (1006, "peer does not read")

    async def test_time_out_tells_everybody_who_waits(self, autojump_clock: MockClock) -> None:
        streams = trio.testing.memory_stream_pair()
        ws, _foreign = await open_foreign(Ours.SERVER, streams, patience=Patience(send_timeout_s=20))
        clog(streams[0])

        async def sent() -> int:
            with pytest.raises(WebSocketClosed) as closed:
                await ws.send("[]")
            return closed.value.code

        start = trio.current_time()
        results = await both(sent, sent, sent, lambda: end_of(ws))
        assert results == [1006, 1006, 1006, (1006, "peer does not read")]
        assert trio.current_time() - start == pytest.approx(20)

    async def test_that_fails_ends_it_for_the_receiver_too(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        assert isinstance(foreign.stream, trio.StapledStream)
        await foreign.stream.receive_stream.aclose()
        start = trio.current_time()
        results = await both(lambda: end_of(ws), lambda: raises_closed(ws, "[]"))
        assert results[0] == (1006, "connection reset")
        assert trio.current_time() == start

    async def test_cancelled_in_the_middle_of_a_frame_sends_all_of_it(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, trio.testing.lockstep_stream_pair())
        text = "x" * 10_000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ws.send, text)
            first = await foreign.stream.receive_some(100)
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                foreign.engine.receive_data(first)
                assert bytes((await foreign.frame()).data).decode() == text
        _, frame = await both(lambda: ws.send("next"), foreign.frame)
        assert bytes(frame.data) == b"next"

    async def test_cancelled_while_another_task_sends_goes_out_all_the_same(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, trio.testing.lockstep_stream_pair())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ws.send, "first")
            await wait_all_tasks_blocked()
            with trio.move_on_after(1) as patience:
                await ws.send("second")
            assert patience.cancelled_caught
            with trio.fail_after(1):
                frames = [await foreign.frame(), await foreign.frame()]
        assert [bytes(frame.data) for frame in frames] == [b"first", b"second"]

    async def test_of_many_tasks_at_once_keeps_frames_apart(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, trio.testing.lockstep_stream_pair())
        texts = [str(number) * 1000 for number in range(10)]
        received: list[str] = []

        async def read() -> None:
            while len(received) < len(texts):
                received.append(bytes((await foreign.frame()).data).decode())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            for text in texts:
                nursery.start_soon(ws.send, text)
        assert sorted(received) == texts

    async def test_from_both_sides_at_once_does_not_stop_both_from_reading(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair(trio.testing.lockstep_stream_pair())
        text = "".join(map(str, range(20_000)))  # more than one read, even compressed
        start = trio.current_time()
        results = await both(lambda: server.send(text), lambda: client.send(text), server.receive, client.receive)
        assert results[2:] == [text, text]
        assert trio.current_time() == start

    async def test_does_not_keep_pings_unanswered(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, trio.testing.lockstep_stream_pair())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ws.send, "[]")
            nursery.start_soon(end_of, ws)
            await foreign.send(Frame(Opcode.PING, b"?"))
            assert [(await foreign.frame()).opcode for _ in range(2)] == [Opcode.TEXT, Opcode.PONG]
            nursery.cancel_scope.cancel()

    async def test_stuck_stops_reading_from_a_peer_that_asks_for_ever_more_pongs(
        self, autojump_clock: MockClock
    ) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, trio.testing.lockstep_stream_pair())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(raises_closed, ws, "[]")
            nursery.start_soon(end_of, ws)
            await wait_all_tasks_blocked()
            taken = 0
            with trio.move_on_after(1):
                while taken < 10_000:
                    await foreign.send(Frame(Opcode.PING, b"?"))
                    taken += 1
            assert taken < 1000

    async def test_after_the_end_raises(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        await foreign.stream.aclose()
        await end_of(ws)
        with pytest.raises(WebSocketClosed):
            await ws.send("too late")


class TestAfterTheGoodbye:
    """Until the peer has read why it ends, nothing else may be written, or it ends for another reason."""

    async def test_of_a_failure_nobody_pings_or_sends_any_more(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)

        async def meanwhile() -> None:
            await foreign.send(Frame(Opcode.BINARY, b"[]"))
            await wait_all_tasks_blocked()
            for verb in (ws.ping, lambda: ws.send("[]")):
                with trio.fail_after(0.1), pytest.raises(WebSocketClosed) as closed:
                    await verb()
                assert closed.value.code == 1003

        end, _ = await both(lambda: end_of(ws), meanwhile)
        assert end == (1003, "OCPP-J messages are text")
        assert await foreign.close_frame() == end

    async def test_nobody_pings_or_sends_any_more(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1001, "bye")
            await wait_all_tasks_blocked()
            for verb in (ws.ping, lambda: ws.send("[]")):
                with trio.fail_after(0.1), pytest.raises(WebSocketClosed) as closed:
                    await verb()
                assert (closed.value.code, closed.value.reason) == (1001, "bye")
        assert await foreign.close_frame() == (1001, "bye")
        with pytest.raises(EOFError):
            await foreign.frame()

    async def test_a_sender_still_at_work_finishes_first(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, trio.testing.lockstep_stream_pair())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, ws)
            nursery.start_soon(ws.send, "[]")
            await foreign.send(Frame(Opcode.BINARY, b"[]"))
            await wait_all_tasks_blocked()
            assert (await foreign.frame()).opcode is Opcode.TEXT
            assert (await foreign.close_frame())[0] == 1003

    async def test_a_failure_while_our_goodbye_is_still_being_sent_ends_it(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.CLIENT, trio.testing.lockstep_stream_pair())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1001, "bye")
            nursery.start_soon(end_of, ws)
            await wait_all_tasks_blocked()
            await foreign.send(Frame(Opcode.CONT, b"of nothing"))
            assert await foreign.close_frame() == (1001, "bye")

    async def test_closing_lets_the_peer_read_why_it_failed(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, patience=Patience(close_timeout_s=2))
        start = trio.current_time()

        async def meanwhile() -> None:
            await foreign.send(Frame(Opcode.BINARY, b"[]"))
            await trio.sleep(1)
            await ws.close(1000, "")

        async def read_late() -> tuple[int, str]:
            await trio.sleep(1.5)
            last = await foreign.close_frame()
            await foreign.stream.aclose()
            return last

        results = await both(lambda: end_of(ws), read_late, meanwhile)
        assert results[:2] == [(1003, "OCPP-J messages are text")] * 2
        assert trio.current_time() - start == pytest.approx(1.5)


class TestClose:
    @either_side
    async def test_tells_the_peer_code_and_reason(self, ours: Ours, autojump_clock: MockClock) -> None:
        server, client = await open_pair()
        closing, closed = (server, client) if ours is Ours.SERVER else (client, server)
        start = trio.current_time()
        _, end = await both(lambda: closing.close(1001, "going away"), lambda: end_of(closed))
        assert end == (1001, "going away")
        assert await end_of(closing) == (1001, "going away")
        assert trio.current_time() == start, "the peer said goodbye: nobody had to wait"

    async def test_from_both_sides_at_once(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair()
        start = trio.current_time()
        await both(lambda: server.close(1001, "restart"), lambda: client.close(1000, "reboot"))
        assert await end_of(server) == (1000, "reboot")
        assert await end_of(client) == (1001, "restart")
        assert trio.current_time() == start

    @either_side
    async def test_while_another_task_receives(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, peer = await open_pair()
        if ours is Ours.CLIENT:
            ws, peer = peer, ws
        start = trio.current_time()
        results = await both(lambda: end_of(ws), lambda: end_of(peer), lambda: ws.close(1001, "bye"))
        assert results[:2] == [(1001, "bye"), (1001, "bye")]
        assert trio.current_time() == start

    async def test_reads_on_by_itself_when_the_task_that_received_goes_away(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair(server=Patience(close_timeout_s=2))
        start = trio.current_time()

        async def answer_late() -> None:
            await trio.sleep(1)
            await end_of(client)

        async def receive_for_a_while() -> None:
            with trio.move_on_after(0.5):
                await server.receive()

        async def close_meanwhile() -> None:
            await trio.sleep(0.1)
            await server.close(1001, "bye")

        await both(receive_for_a_while, close_meanwhile, answer_late)
        assert trio.current_time() - start == pytest.approx(1)

    async def test_does_not_wait_longer_than_its_patience_for_the_peer(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, patience=Patience(close_timeout_s=2))
        start = trio.current_time()
        await ws.close(1001, "bye")
        assert trio.current_time() - start == pytest.approx(2)
        assert await foreign.close_frame() == (1001, "bye")
        with pytest.raises(EOFError):
            await foreign.frame()
        assert await end_of(ws) == (1001, "bye")

    async def test_to_a_peer_that_does_not_read_waits_no_longer_either(self, autojump_clock: MockClock) -> None:
        streams = trio.testing.memory_stream_pair()
        ws, foreign = await open_foreign(Ours.SERVER, streams, patience=Patience(close_timeout_s=2, send_timeout_s=20))
        clog(streams[0])
        start = trio.current_time()
        await ws.close(1001, "bye")
        assert trio.current_time() - start == pytest.approx(2)
        with pytest.raises(EOFError):
            await foreign.frame()

    async def test_while_another_sends_to_a_peer_that_does_not_read(self, autojump_clock: MockClock) -> None:
        streams = trio.testing.memory_stream_pair()
        ws, foreign = await open_foreign(Ours.SERVER, streams, patience=Patience(close_timeout_s=2, send_timeout_s=20))
        clog(streams[0])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(raises_closed, ws, "[]")
            await wait_all_tasks_blocked()
            start = trio.current_time()
            await ws.close(1001, "bye")
            assert trio.current_time() - start == pytest.approx(2)
        with pytest.raises(EOFError):
            await foreign.frame()

    async def test_keeps_nothing_that_a_flooding_peer_still_sends(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER, patience=Patience(close_timeout_s=2))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ws.close)
            await foreign.close_frame()
            for _ in range(100):
                await foreign.send_text(*["flood"] * 100)
        with pytest.raises(WebSocketClosed):
            await ws.receive()

    async def test_cuts_a_reason_that_is_too_long_for_a_frame(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair()
        _, (code, reason) = await both(lambda: server.close(4000, "€" * 100), lambda: end_of(client))
        assert (code, reason) == (4000, "€" * 41)

    async def test_twice_is_harmless(self, autojump_clock: MockClock) -> None:
        server, client = await open_pair()
        await both(lambda: server.close(1001, "first"), lambda: end_of(client))
        await server.close(1000, "second")
        assert await end_of(server) == (1001, "first")

    async def test_cancelled_closes_the_stream(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        with trio.move_on_after(1):
            await ws.close(1001, "bye")
        assert await foreign.close_frame() == (1001, "bye")
        with pytest.raises(EOFError):
            await foreign.frame()

    async def test_leaving_the_block_cuts_off_without_waiting(self, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        start = trio.current_time()
        async with ws:
            pass
        with pytest.raises(EOFError):
            await foreign.frame()
        assert trio.current_time() == start
        assert await end_of(ws) == (1006, "closed on this side")

    @either_side
    async def test_peer_that_vanishes_is_1006(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        await foreign.send_text("before")
        await foreign.stream.aclose()
        assert await ws.receive() == "before"
        assert (await end_of(ws))[0] == 1006

    async def test_is_told_to_everybody_afresh(self, autojump_clock: MockClock) -> None:
        """One exception raised again and again collects a traceback for every time, and holds on to all it passed."""
        ws, foreign = await open_foreign(Ours.SERVER)
        await foreign.stream.aclose()
        depths = []
        for _ in range(3):
            with pytest.raises(WebSocketClosed) as closed:
                await ws.receive()
            depths.append(len(closed.traceback))
        assert depths[1] == depths[2]

    @either_side
    async def test_peer_without_a_code_is_1005(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        await foreign.send(Frame(Opcode.CLOSE, b""))
        assert await end_of(ws) == (1005, "")

    @either_side
    async def test_what_came_before_the_goodbye_is_received(self, ours: Ours, autojump_clock: MockClock) -> None:
        ws, foreign = await open_foreign(ours)
        await foreign.send(
            Frame(Opcode.TEXT, b"1"),
            Frame(Opcode.TEXT, b"2"),
            Frame(Opcode.CLOSE, b"\x03\xe8"),
            Frame(Opcode.TEXT, b"3"),
        )
        assert [await ws.receive(), await ws.receive()] == ["1", "2"]
        assert await end_of(ws) == (1000, "")


class SlowLink(trio.abc.Stream):
    """The sending side of a TCP socket as Trio sets it up, writable when less than 16 KiB wait to be sent."""

    def __init__(self, *, buffer_bytes: int, bytes_per_s: int) -> None:
        self._buffer_bytes = buffer_bytes
        self._bytes_per_s = bytes_per_s
        self._empty_at = 0.0

    @property
    def _unsent(self) -> float:
        return max(0.0, self._empty_at - trio.current_time()) * self._bytes_per_s

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        left = len(data)
        while True:
            taken = min(left, int(self._buffer_bytes - self._unsent))
            self._empty_at = trio.current_time() + (self._unsent + taken) / self._bytes_per_s
            left -= taken
            if not left:
                return
            await self.wait_send_all_might_not_block()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.sleep(max(0.0, self._unsent - 16 * 1024) / self._bytes_per_s)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.sleep_forever()
        raise AssertionError(max_bytes)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def read_slowly(foreign: Foreign, bytes_per_s: int) -> str:
    """The next text, read by this many bytes a second."""
    while not (events := foreign.engine.events_received()):
        foreign.engine.receive_data(await foreign.stream.receive_some(bytes_per_s))
        await trio.sleep(1)
    frame = events[0]
    assert isinstance(frame, Frame)
    return bytes(frame.data).decode()


async def raises_closed(ws: WebSocket, text: str) -> None:
    with pytest.raises(WebSocketClosed):
        await ws.send(text)


def clog(stream: trio.abc.Stream) -> None:
    """Make this end's transport take nothing more, as TCP does when the other end does not read."""
    assert isinstance(stream, trio.StapledStream)
    sending = stream.send_stream
    assert isinstance(sending, trio.testing.MemorySendStream)
    closed = trio.Event()

    async def blocked() -> None:
        sending.get_data_nowait()
        await closed.wait()
        raise trio.ClosedResourceError

    pump = sending.close_hook
    assert pump is not None

    def close() -> None:
        closed.set()
        pump()

    sending.send_all_hook = blocked
    sending.close_hook = close
