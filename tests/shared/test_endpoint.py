"""One end of an OCPP-J connection: who may speak when, and what becomes of each message (Part 4 §4)."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from random import Random
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked
from websockets.frames import Frame, Opcode

from shared.endpoint import Admit, Answer, Endpoint, Language
from shared.message_log import MessageLog
from shared.ocppj.errors import (
    CallFailed,
    CallRefused,
    CallTimedOut,
    ConnectionLost,
    InvalidAnswer,
    PeerError,
    SecurityError,
)
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Side
from shared.websocket import Patience, WebSocket, WebSocketClosed
from tests.shared.wire import Ours, StreamPair, both, open_foreign, open_pair

Payload = dict[str, Any]

HEARTBEAT: Payload = {}
TIME: Payload = {"currentTime": "2026-11-22T03:52:53.938Z"}
RESET: Payload = {"type": "OnIdle"}
ACCEPTED: Payload = {"status": "Accepted"}


class Peer:
    """The other end, which keeps no rule of OCPP-J that a test does not keep for it."""

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws

    async def send(self, *elements: Any) -> None:
        """Send a message of these elements."""
        await self.ws.send(json.dumps(elements))

    async def receive(self) -> list[Any]:
        """The next message. Fails in a test that would wait for it for ever."""
        with trio.fail_after(1000):
            message = json.loads(await self.ws.receive())
        assert isinstance(message, list)
        return message

    async def receives_nothing(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        with trio.move_on_after(seconds):
            await self.ws.receive()
            return False
        return True


async def tell_time(_action: str, _payload: Payload) -> Payload:
    """A handler for Heartbeat."""
    return TIME


async def never(_action: str, _payload: Payload) -> Payload:
    """A handler that does not come to an end."""
    await trio.sleep_forever()
    raise AssertionError


def admit_all(_action: str) -> None:
    """Nothing is out of order."""


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    return Schemas.load(V201)


Open = Callable[..., AbstractAsyncContextManager[tuple[Endpoint, Peer]]]


@pytest.fixture
def connected(schemas: Schemas) -> Open:
    """Opens an Endpoint of the CSMS that runs for as long as the block, and the station's end of its connection."""

    @asynccontextmanager
    async def connect(
        answer: Answer = tell_time,
        admit: Admit = admit_all,
        *,
        side: Side = Side.CSMS,
        call_timeout_s: float = 30,
        streams: StreamPair | None = None,
        patience: Patience | None = None,
        ended: list[WebSocketClosed] | None = None,
    ) -> AsyncIterator[tuple[Endpoint, Peer]]:
        near, far = await open_pair(streams, server=patience)
        endpoint = new_endpoint(near, schemas, answer, admit, side=side, call_timeout_s=call_timeout_s)

        async def run() -> None:
            closed = await endpoint.run()
            if ended is not None:
                ended.append(closed)

        async with near, far, trio.open_nursery() as nursery:
            nursery.start_soon(run)
            yield endpoint, Peer(far)
            nursery.cancel_scope.cancel()

    return connect


def new_endpoint(
    ws: WebSocket, schemas: Schemas, answer: Answer, admit: Admit, *, side: Side, call_timeout_s: float
) -> Endpoint:
    numbers = count(1)
    return Endpoint(
        ws,
        Language(V201, schemas, side),
        answer,
        admit,
        messages=MessageLog("CP_1"),
        new_message_id=lambda: f"ours-{next(numbers)}",
        call_timeout_s=call_timeout_s,
    )


async def failure_of(call: Callable[[], Awaitable[Payload]]) -> CallFailed:
    """The exception that a CALL ends with."""
    with pytest.raises(CallFailed) as failed:
        await call()
    return failed.value


class TestCall:
    async def test_returns_the_payload_of_the_result(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected() as (endpoint, peer):

            async def serve() -> list[Any]:
                call = await peer.receive()
                await peer.send(3, call[1], ACCEPTED)
                return call

            result, call = await both(lambda: endpoint.call("Reset", RESET), serve)
        assert call == [2, "ours-1", "Reset", RESET]
        assert result == ACCEPTED

    async def test_of_a_payload_that_breaks_the_schema_sends_nothing(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected() as (endpoint, peer):
            with pytest.raises(PeerError, match="/type"):
                await endpoint.call("Reset", {})
            assert await peer.receives_nothing(1)

    @pytest.mark.parametrize("value", [object(), 2**70, "\ud800"], ids=["no JSON", "huge number", "lone surrogate"])
    async def test_of_a_payload_that_cannot_be_written_sends_nothing_and_takes_no_turn(
        self, value: object, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected() as (endpoint, peer), trio.open_nursery() as nursery:
            with pytest.raises((PeerError, ValueError)):
                await endpoint.call("DataTransfer", {"vendorId": "x", "data": value})
            start = trio.current_time()
            nursery.start_soon(endpoint.call, "ClearCache", {})
            [_, message_id, action, _] = await peer.receive()
            assert action == "ClearCache"
            assert trio.current_time() == start
            await peer.send(3, message_id, ACCEPTED)

    async def test_that_is_refused_tells_code_description_and_details(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected() as (endpoint, peer):

            async def refuse() -> None:
                call = await peer.receive()
                await peer.send(4, call[1], "NotSupported", "not here", {"why": "because"})

            error, _ = await both(lambda: failure_of(lambda: endpoint.call("Reset", RESET)), refuse)
        assert isinstance(error, CallRefused)
        assert (error.code, error.description, error.details) == ("NotSupported", "not here", {"why": "because"})

    @pytest.mark.parametrize(
        "elements",
        [
            [{"status": "Perhaps"}],
            [{}],
            [{"status": "Accepted", "more": 1}],
            ["Accepted"],
            [],
            [ACCEPTED, ACCEPTED],
        ],
        ids=["wrong value", "missing field", "superfluous field", "no object", "no payload", "too many elements"],
    )
    async def test_whose_result_breaks_the_rules_is_an_invalid_answer(
        self, elements: list[Any], connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected() as (endpoint, peer):

            async def serve() -> None:
                call = await peer.receive()
                await peer.send(3, call[1], *elements)

            error, _ = await both(lambda: failure_of(lambda: endpoint.call("Reset", RESET)), serve)
        assert isinstance(error, InvalidAnswer)

    async def test_that_is_not_answered_times_out(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected(call_timeout_s=30) as (endpoint, _peer):
            start = trio.current_time()
            error = await failure_of(lambda: endpoint.call("Reset", RESET))
            assert isinstance(error, CallTimedOut)
            assert trio.current_time() - start == pytest.approx(30)

    async def test_whose_answer_comes_too_late_has_timed_out(
        self, connected: Open, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
    ) -> None:
        caplog.set_level(logging.INFO)
        async with connected(call_timeout_s=30) as (endpoint, peer):
            await failure_of(lambda: endpoint.call("Reset", RESET))
            [_, late, *_] = await peer.receive()

            async def answer_late_and_then_in_time() -> None:
                [_, next_, *_] = await peer.receive()
                await peer.send(3, late, ACCEPTED)
                await peer.send(3, next_, {"status": "Rejected"})

            result, _ = await both(lambda: endpoint.call("Reset", RESET), answer_late_and_then_in_time)
        assert result == {"status": "Rejected"}
        assert f"nobody waits for the answer to {late}" in caplog.text

    async def test_takes_the_first_of_two_answers(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected() as (endpoint, peer):

            async def serve() -> None:
                [_, message_id, *_] = await peer.receive()
                await peer.ws.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')
                await peer.ws.send(f'[3,"{message_id}",{{"status":"Rejected"}}]')

            result, _ = await both(lambda: endpoint.call("Reset", RESET), serve)
            assert result == ACCEPTED
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            assert await peer.receive() == [3, "1", TIME]

    async def test_is_not_answered_by_an_answer_to_something_else(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected(call_timeout_s=30) as (endpoint, peer):

            async def serve() -> None:
                await peer.receive()
                await peer.send(3, "another", ACCEPTED)
                await peer.send(4, "-1", "RpcFrameworkError", "", {})
                await peer.send(3, 17, ACCEPTED)

            error, _ = await both(lambda: failure_of(lambda: endpoint.call("Reset", RESET)), serve)
        assert isinstance(error, CallTimedOut)


class TestTurns:
    """A CALL is sent when the one before it was answered or has timed out (Part 4 §4.1.1)."""

    async def test_are_taken_one_at_a_time_in_the_order_asked(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected() as (endpoint, peer), trio.open_nursery() as nursery:
            for action, payload in (("Reset", RESET), ("ClearCache", {}), ("GetLocalListVersion", {})):
                nursery.start_soon(endpoint.call, action, payload)
                await wait_all_tasks_blocked()
            actions = []
            for result in (ACCEPTED, ACCEPTED, {"versionNumber": 1}):
                [_, message_id, action, _] = await peer.receive()
                actions.append(action)
                assert await peer.receives_nothing(5), "the next one waits for the answer to this"
                await peer.send(3, message_id, result)
            assert actions == ["Reset", "ClearCache", "GetLocalListVersion"]

    async def test_go_on_after_an_error(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected() as (endpoint, peer), trio.open_nursery() as nursery:
            nursery.start_soon(failure_of, lambda: endpoint.call("Reset", RESET))
            await wait_all_tasks_blocked()
            nursery.start_soon(endpoint.call, "ClearCache", {})
            [_, message_id, *_] = await peer.receive()
            await peer.send(4, message_id, "InternalError", "", {})
            [_, message_id, action, _] = await peer.receive()
            assert action == "ClearCache"
            await peer.send(3, message_id, ACCEPTED)

    async def test_are_not_freed_by_a_caller_that_gives_up_but_by_the_answer(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected(call_timeout_s=30) as (endpoint, peer), trio.open_nursery() as nursery:
            with trio.move_on_after(5):
                await endpoint.call("Reset", RESET)
            nursery.start_soon(endpoint.call, "ClearCache", {})
            [_, message_id, *_] = await peer.receive()
            assert await peer.receives_nothing(10)
            await peer.send(3, message_id, ACCEPTED)
            [_, message_id, action, _] = await peer.receive()
            assert action == "ClearCache"
            await peer.send(3, message_id, ACCEPTED)

    async def test_are_freed_by_the_time_out_of_what_a_caller_gave_up(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected(call_timeout_s=30) as (endpoint, peer), trio.open_nursery() as nursery:
            start = trio.current_time()
            with trio.move_on_after(5):
                await endpoint.call("Reset", RESET)
            await peer.receive()
            nursery.start_soon(endpoint.call, "ClearCache", {})
            [_, message_id, action, _] = await peer.receive()
            assert action == "ClearCache"
            assert trio.current_time() - start == pytest.approx(30)
            await peer.send(3, message_id, ACCEPTED)

    async def test_are_not_taken_by_who_gave_up_waiting_for_one(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected() as (endpoint, peer), trio.open_nursery() as nursery:
            nursery.start_soon(endpoint.call, "Reset", RESET)
            await wait_all_tasks_blocked()
            with trio.move_on_after(5):
                await endpoint.call("ClearCache", {})
            nursery.start_soon(endpoint.call, "GetLocalListVersion", {})
            [_, message_id, *_] = await peer.receive()
            await peer.send(3, message_id, ACCEPTED)
            [_, message_id, action, _] = await peer.receive()
            assert action == "GetLocalListVersion"
            await peer.send(3, message_id, {"versionNumber": 1})

    async def test_are_kept_by_a_call_whose_caller_gave_up_while_it_was_sent(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with (
            connected(streams=trio.testing.lockstep_stream_pair()) as (endpoint, peer),
            trio.open_nursery() as nursery,
        ):

            async def give_up() -> None:
                with trio.move_on_after(5) as patience:
                    await endpoint.call("Reset", RESET)
                assert patience.cancelled_caught

            async def read_late() -> list[Any]:
                await trio.sleep(10)
                return await peer.receive()

            _, [_, message_id, action, _] = await both(give_up, read_late)
            assert action == "Reset"
            nursery.start_soon(endpoint.call, "ClearCache", {})
            assert await peer.receives_nothing(5)
            await peer.send(3, message_id, ACCEPTED)
            [_, message_id, action, _] = await peer.receive()
            assert action == "ClearCache"
            await peer.send(3, message_id, ACCEPTED)

    async def test_of_both_sides_are_independent(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected() as (endpoint, peer), trio.open_nursery() as nursery:
            nursery.start_soon(endpoint.call, "Reset", RESET)
            [_, message_id, *_] = await peer.receive()
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            assert await peer.receive() == [3, "1", TIME]
            await peer.send(3, message_id, ACCEPTED)


class TestAnswer:
    async def test_comes_in_the_order_of_the_calls_malformed_ones_included(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async def slow_then_fast(_action: str, _payload: Payload) -> Payload:
            await trio.sleep(next(seconds))
            return TIME

        seconds = iter([10, 1, 5])
        async with connected(slow_then_fast) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            await peer.ws.send("garbage")
            await peer.send(2, "2", "Heartbeat", {"no": "such field"})
            await peer.send(2, "3", "Heartbeat", HEARTBEAT)
            await peer.send(9, "4", "Heartbeat", HEARTBEAT)
            await peer.send(2, "5", "Heartbeat", None)
            answers = [await peer.receive() for _ in range(6)]
        assert [answer[:3] for answer in answers] == [
            [3, "1", TIME],
            [4, "-1", "RpcFrameworkError"],
            [4, "2", "FormatViolation"],
            [3, "3", TIME],
            [4, "4", "MessageTypeNotSupported"],
            [3, "5", TIME],
        ]

    async def test_does_not_keep_the_reader_from_reading(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected(never) as (endpoint, peer), trio.open_nursery() as nursery:
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            nursery.start_soon(endpoint.call, "Reset", RESET)
            [_, message_id, *_] = await peer.receive()
            await peer.send(2, "2", "Heartbeat", HEARTBEAT)
            await peer.send(3, message_id, ACCEPTED)
            nursery.start_soon(peer.receives_nothing, 10)
            with trio.fail_after(1):
                await peer.ws.ping()

    async def test_may_itself_take_a_call_to_the_peer(self, connected: Open, autojump_clock: MockClock) -> None:
        async def ask_first(_action: str, _payload: Payload) -> Payload:
            version = await endpoint.call("GetLocalListVersion", {})
            assert version == {"versionNumber": 7}
            return TIME

        async with connected(ask_first) as (endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            [_, message_id, action, _] = await peer.receive()
            assert action == "GetLocalListVersion"
            await peer.send(3, message_id, {"versionNumber": 7})
            assert await peer.receive() == [3, "1", TIME]

    async def test_is_an_error_of_the_handlers_choice(self, connected: Open, autojump_clock: MockClock) -> None:
        async def refuse(_action: str, _payload: Payload) -> Payload:
            raise SecurityError("not you", {"why": "because"})

        async with connected(refuse) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            assert await peer.receive() == [4, "1", "SecurityError", "not you", {"why": "because"}]

    async def test_is_an_internal_error_when_the_handlers_choice_cannot_be_written(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async def refuse(_action: str, _payload: Payload) -> Payload:
            raise SecurityError("not you", {"why": object()})

        async with connected(refuse) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            assert (await peer.receive())[:3] == [4, "1", "InternalError"]

    async def test_of_a_handler_that_fails_is_an_internal_error_and_no_more(
        self, connected: Open, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
    ) -> None:
        async def fail_once(_action: str, _payload: Payload) -> Payload:
            if next(times) == 0:
                raise ZeroDivisionError("a secret of the inside")
            return TIME

        times = count()
        async with connected(fail_once) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            answer = await peer.receive()
            assert answer[:3] == [4, "1", "InternalError"]
            assert "secret" not in str(answer)
            await peer.send(2, "2", "Heartbeat", HEARTBEAT)
            assert await peer.receive() == [3, "2", TIME]
        assert "ZeroDivisionError" in caplog.text, "people must learn of it"

    async def test_of_a_handler_whose_own_call_failed_is_an_internal_error_in_one_line_of_the_log(
        self, connected: Open, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
    ) -> None:
        async def ask_first(_action: str, _payload: Payload) -> Payload:
            return await endpoint.call("GetLocalListVersion", {})

        async with connected(ask_first) as (endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            [_, message_id, *_] = await peer.receive()
            await peer.send(4, message_id, "NotSupported", "", {})
            assert (await peer.receive())[:3] == [4, "1", "InternalError"]
        assert "NotSupported" in caplog.text
        assert "Traceback" not in caplog.text

    @pytest.mark.parametrize(
        "response",
        [
            {},
            {"currentTime": "now"},
            {"currentTime": 1},
            None,
            {"currentTime": object()},
            TIME | {"customData": {"vendorId": "x", "huge": 2**70}},
            TIME | {"customData": {"vendorId": "x", "surrogate": "\ud800"}},
        ],
        ids=["missing field", "wrong value", "wrong type", "nothing", "no JSON", "huge number", "lone surrogate"],
    )
    async def test_that_breaks_the_schema_is_an_internal_error(
        self, response: Any, connected: Open, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
    ) -> None:
        async def answer(_action: str, _payload: Payload) -> Payload:
            return response  # type: ignore[no-any-return]  # a handler of a wrong type is what this is about

        async with connected(answer) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            assert (await peer.receive())[:3] == [4, "1", "InternalError"]
        assert "Heartbeat" in caplog.text

    @pytest.mark.parametrize(
        ("side", "action", "code"),
        [
            (Side.CSMS, "Reset", "NotSupported"),
            (Side.STATION, "Heartbeat", "NotSupported"),
            (Side.CSMS, "MakeCoffee", "NotImplemented"),
            (Side.CSMS, "heartbeat", "NotImplemented"),
            (Side.CSMS, "", "NotImplemented"),
        ],
    )
    async def test_to_an_action_that_is_not_for_this_side(
        self, side: Side, action: str, code: str, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected(never, side=side) as (_endpoint, peer):
            await peer.send(2, "1", action, {})
            assert (await peer.receive())[:3] == [4, "1", code]

    async def test_to_an_action_that_is_out_of_order_comes_before_all_else(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        def admit(action: str) -> None:
            asked.append(action)
            raise SecurityError("boot first")

        asked: list[str] = []
        async with connected(never, admit) as (_endpoint, peer):
            for message_id, action, payload in (("1", "Heartbeat", {"wrong": 1}), ("2", "MakeCoffee", {})):
                await peer.send(2, message_id, action, payload)
                assert await peer.receive() == [4, message_id, "SecurityError", "boot first", {}]
        assert asked == ["Heartbeat", "MakeCoffee"]

    async def test_is_logged_in_lines_that_a_peer_cannot_forge(
        self, connected: Open, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
    ) -> None:
        caplog.set_level(logging.INFO)
        async with connected() as (_endpoint, peer):
            await peer.send(3, "1\nINFO:root:CP_9: forged", {})
            await peer.send(2, "1\nINFO:root:CP_9: forged", "\x9b2J" + "x" * 100_000, {})
            await peer.receive()
        for record in caplog.records:
            assert record.getMessage().isprintable()
            assert record.name == "ocpp" or len(record.getMessage()) < 500

    async def test_is_not_given_to_an_answer(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected() as (_endpoint, peer):
            for elements in ([3, "1", {}], [3, "1"], [4, "1", "GenericError", "", {}], [4], [3, "x" * 40, {}]):
                await peer.send(*elements)
            assert await peer.receives_nothing(10)


class TestRepeatedCall:
    """A station that got no answer may send its CALL again on the same connection."""

    async def test_gets_the_stored_answer(self, connected: Open, autojump_clock: MockClock) -> None:
        async def answer(_action: str, payload: Payload) -> Payload:
            served.append(payload)
            return {"status": "Accepted", "data": len(served)}

        served: list[Payload] = []
        async with connected(answer) as (_endpoint, peer):
            for text in ('{"vendorId":"x","messageId":"y"}', '{"messageId":"y", "vendorId":"x"}'):
                await peer.ws.send(f'[2,"1","DataTransfer",{text}]')
                assert await peer.receive() == [3, "1", {"status": "Accepted", "data": 1}]
        assert len(served) == 1

    async def test_gets_it_also_when_the_first_is_still_being_served(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async def answer(_action: str, _payload: Payload) -> Payload:
            await trio.sleep(10)
            return {"currentTime": f"2026-11-22T03:52:5{next(times)}Z"}

        times = count()
        async with connected(answer) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            first, second = await peer.receive(), await peer.receive()
        assert first == second
        assert next(times) == 1

    @pytest.mark.parametrize(
        ("action", "payload"),
        [("DataTransfer", {"vendorId": "z"}), ("Heartbeat", {}), ("DataTransfer", {"vendorId": "x", "data": None})],
        ids=["other payload", "other action", "one more field"],
    )
    async def test_with_other_content_is_an_error(
        self, action: str, payload: Payload, connected: Open, autojump_clock: MockClock
    ) -> None:
        async def answer(_action: str, _payload: Payload) -> Payload:
            return ACCEPTED

        async with connected(answer) as (_endpoint, peer):
            await peer.send(2, "1", "DataTransfer", {"vendorId": "x"})
            await peer.receive()
            await peer.send(2, "1", action, payload)
            assert (await peer.receive())[:3] == [4, "1", "RpcFrameworkError"]
            await peer.send(2, "1", "DataTransfer", {"vendorId": "x"})
            assert await peer.receive() == [3, "1", ACCEPTED]

    async def test_is_served_again_when_the_first_failed(self, connected: Open, autojump_clock: MockClock) -> None:
        async def fail_once(_action: str, _payload: Payload) -> Payload:
            if next(times) == 0:
                raise ZeroDivisionError
            return TIME

        times = count()
        async with connected(fail_once) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            assert (await peer.receive())[2] == "InternalError"
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            assert await peer.receive() == [3, "1", TIME]

    async def test_is_remembered_for_the_latest_only(self, connected: Open, autojump_clock: MockClock) -> None:
        async def answer(_action: str, _payload: Payload) -> Payload:
            return {"currentTime": f"2026-11-22T03:52:{next(times):02}Z"}

        times = count()
        async with connected(answer) as (_endpoint, peer):
            first = []
            for number in range(20):
                await peer.send(2, str(number), "Heartbeat", HEARTBEAT)
                first.append(await peer.receive())
            await peer.send(2, "19", "Heartbeat", HEARTBEAT)
            assert await peer.receive() == first[19]
            await peer.send(2, "0", "Heartbeat", HEARTBEAT)
            assert (await peer.receive())[2] != first[0][2], "ids may be used again after a while"


class TestFlood:
    async def test_is_left_in_the_transport(self, connected: Open, autojump_clock: MockClock) -> None:
        streams = trio.testing.memory_stream_pair()
        async with connected(never, streams=streams) as (_endpoint, peer):
            call = json.dumps([2, "1", "Heartbeat", {"customData": {"vendorId": "x" * 200}}])
            for _ in range(10_000):
                await peer.ws.send(call)
            await wait_all_tasks_blocked()
            assert isinstance(streams[0], trio.StapledStream)
            left = await unread_bytes(streams[0].receive_stream)
        assert left > 0.95 * 10_000 * len(call)

    async def test_of_large_calls_is_left_in_the_transport_after_two(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        """What is parsed takes many times as much memory as its text: one is served, one waits, one is in hand."""
        streams = trio.testing.memory_stream_pair()
        async with connected(never, streams=streams) as (_endpoint, peer):
            noise = b64encode(Random(7).randbytes(675_000)).decode()  # noqa: S311 - so that it cannot be compressed much
            call = json.dumps([2, "1", "Heartbeat", {"customData": {"vendorId": "x", "noise": noise}}])
            for _ in range(8):
                await peer.ws.send(call)
            await wait_all_tasks_blocked()
            assert isinstance(streams[0], trio.StapledStream)
            left = await unread_bytes(streams[0].receive_stream)
        assert left > 3 * len(call), "of eight, compressed to three quarters of their length"

    async def test_of_large_calls_is_served_one_after_the_other(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected() as (_endpoint, peer):
            more = {"customData": {"vendorId": "x", "much": "x" * 900_000}}
            for number in range(4):
                await peer.send(2, str(number), "Heartbeat", more)
                await peer.send(2, f"{number} and", "Heartbeat", HEARTBEAT)
            answers = [await peer.receive() for _ in range(8)]
        assert [answer[1] for answer in answers][::2] == ["0", "1", "2", "3"]

    async def test_of_large_calls_does_not_hide_the_end(self, connected: Open, autojump_clock: MockClock) -> None:
        served = trio.Event()

        async def slow(_action: str, _payload: Payload) -> Payload:
            await served.wait()
            return TIME

        ended: list[WebSocketClosed] = []
        streams = trio.testing.memory_stream_pair()
        async with connected(slow, streams=streams, ended=ended) as (_endpoint, peer):
            for number in range(6):
                await peer.send(2, str(number), "Heartbeat", {"customData": {"vendorId": "x", "much": "x" * 900_000}})
            await streams[1].aclose()
            served.set()
            await wait_all_tasks_blocked()
            assert len(ended) == 1

    async def test_of_answers_costs_nothing(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected(never) as (_endpoint, peer):
            for number in range(1000):
                await peer.send(3, str(number), {})
            await wait_all_tasks_blocked()
            with trio.fail_after(1):
                await both(peer.ws.ping, lambda: peer.receives_nothing(0.5))

    async def test_is_served_when_the_handler_is_back(self, connected: Open, autojump_clock: MockClock) -> None:
        async def slow(_action: str, _payload: Payload) -> Payload:
            await trio.sleep(1)
            return TIME

        async with connected(slow) as (_endpoint, peer):
            for number in range(100):
                await peer.send(2, str(number), "Heartbeat", HEARTBEAT)
            answers = [await peer.receive() for _ in range(100)]
        assert [answer[1] for answer in answers] == [str(number) for number in range(100)]


async def unread_bytes(stream: trio.abc.ReceiveStream) -> int:
    """How much a reader has left in a memory stream."""
    total = 0
    with trio.move_on_after(1):
        while data := await stream.receive_some(2**20):
            total += len(data)
    return total


class TestEnd:
    async def test_behind_more_calls_than_can_be_answered_is_an_end_like_any(
        self, schemas: Schemas, autojump_clock: MockClock
    ) -> None:
        ws, foreign = await open_foreign(Ours.SERVER)
        endpoint = new_endpoint(ws, schemas, tell_time, admit_all, side=Side.CSMS, call_timeout_s=30)
        calls = [Frame(Opcode.TEXT, json.dumps([2, str(number), "Heartbeat", {}]).encode()) for number in range(50)]
        await foreign.send(*calls, Frame(Opcode.CLOSE, (1001).to_bytes(2, "big")))
        assert (await endpoint.run()).code == 1001

    async def test_of_the_peer_is_told_at_once_to_every_waiting_call(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        ended: list[WebSocketClosed] = []
        async with connected(ended=ended) as (endpoint, peer):
            start = trio.current_time()

            async def leave() -> None:
                await wait_all_tasks_blocked()
                await peer.ws.close(1001, "power cut")

            def call() -> Awaitable[CallFailed]:
                return failure_of(lambda: endpoint.call("Reset", RESET))

            *errors, _ = await both(call, call, call, leave)
            assert trio.current_time() == start
            assert [type(error) for error in errors] == [ConnectionLost] * 3
            assert "1001 power cut" in str(errors[0])
        assert [closed.code for closed in ended] == [1001]

    async def test_is_told_before_a_handler_has_tidied_up(self, connected: Open, autojump_clock: MockClock) -> None:
        async def answer(_action: str, _payload: Payload) -> Payload:
            try:
                await trio.sleep_forever()
            finally:
                with trio.move_on_after(10, shield=True):
                    await trio.sleep_forever()
            raise AssertionError

        async with connected(answer) as (endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            start = trio.current_time()

            async def leave() -> None:
                await wait_all_tasks_blocked()
                await peer.ws.close()

            error, _ = await both(lambda: failure_of(lambda: endpoint.call("Reset", RESET)), leave)
            assert isinstance(error, ConnectionLost)
            assert trio.current_time() == start
            assert isinstance(await failure_of(lambda: endpoint.call("Reset", RESET)), ConnectionLost)
            assert trio.current_time() == start

    async def test_is_told_to_a_call_that_a_caller_gave_up_before(
        self, connected: Open, autojump_clock: MockClock
    ) -> None:
        async with connected() as (endpoint, peer):
            with trio.move_on_after(1):
                await endpoint.call("Reset", RESET)
            start = trio.current_time()

            async def leave() -> None:
                await wait_all_tasks_blocked()
                await peer.ws.close()

            error, _ = await both(lambda: failure_of(lambda: endpoint.call("Reset", RESET)), leave)
            assert isinstance(error, ConnectionLost)
            assert trio.current_time() == start

    async def test_is_told_to_who_calls_later(self, connected: Open, autojump_clock: MockClock) -> None:
        async with connected() as (endpoint, peer):
            await peer.ws.close()
            await wait_all_tasks_blocked()
            start = trio.current_time()
            for _ in range(2):
                assert isinstance(await failure_of(lambda: endpoint.call("Reset", RESET)), ConnectionLost)
            assert trio.current_time() == start

    async def test_cancels_the_handler(self, connected: Open, autojump_clock: MockClock) -> None:
        async def answer(_action: str, _payload: Payload) -> Payload:
            try:
                await trio.sleep_forever()
            finally:
                over.append(trio.current_time())
            raise AssertionError

        over: list[float] = []
        async with connected(answer) as (_endpoint, peer):
            await peer.send(2, "1", "Heartbeat", HEARTBEAT)
            await wait_all_tasks_blocked()
            await peer.ws.close()
            await wait_all_tasks_blocked()
            assert over == [trio.current_time()]

    async def test_by_cancelling_is_told_to_every_waiting_call(
        self, schemas: Schemas, autojump_clock: MockClock
    ) -> None:
        near, _far = await open_pair()
        endpoint = new_endpoint(near, schemas, never, admit_all, side=Side.CSMS, call_timeout_s=30)
        start = trio.current_time()

        async def run() -> None:
            with trio.move_on_after(5):
                await endpoint.run()

        def call() -> Awaitable[CallFailed]:
            return failure_of(lambda: endpoint.call("Reset", RESET))

        _, *errors = await both(run, call, call)
        assert [type(error) for error in errors] == [ConnectionLost] * 2
        assert trio.current_time() - start == pytest.approx(5)
        assert isinstance(await call(), ConnectionLost)

    async def test_of_a_peer_that_falls_silent_is_told(self, connected: Open, autojump_clock: MockClock) -> None:
        ended: list[WebSocketClosed] = []
        async with connected(ended=ended, call_timeout_s=1000, patience=Patience(ping_interval_s=10)) as (endpoint, _):
            start = trio.current_time()
            assert isinstance(await failure_of(lambda: endpoint.call("Reset", RESET)), ConnectionLost)
            assert trio.current_time() - start == pytest.approx(20)
        assert [closed.code for closed in ended] == [1006]
