"""One end of one OCPP-J connection: calls the peer, answers the peer's calls (OCPP 2.0.1 Part 4 §4)."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import trio
from websockets.frames import CloseCode

from shared.message_log import Failure, MessageLog
from shared.ocppj import frames
from shared.ocppj.errors import (
    CallFailed,
    CallRefused,
    CallTimedOut,
    ConnectionLost,
    InternalError,
    InvalidAnswer,
    NotImplementedByReceiver,
    NotSupported,
    PeerError,
    RpcFrameworkError,
)
from shared.ocppj.frames import Call, CallError, CallResult, UnreadableAnswer
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import Side, Version
from shared.websocket import WebSocket, WebSocketClosed

log = logging.getLogger(__name__)

# A peer has one CALL under way (Part 4 §4.1.1). What it sends beyond these waits in its own socket buffers.
_CALLS_WAITING: Final = 8
# A peer that resends does so with its latest CALL; a few more cost little.
_ANSWERS_KEPT: Final = 8

Payload = dict[str, Any]
Answer = Callable[[str, Payload], Awaitable[Payload]]
Admit = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Language:
    """What is spoken on a connection, and by whom: `side` is this end."""

    version: Version
    schemas: Schemas
    side: Side


@dataclass(slots=True)
class _Outstanding:
    """Our CALL that is under way."""

    call: Call
    sent_at: float
    deadline: float
    over: trio.Event = field(default_factory=trio.Event)
    answer: CallResult | CallError | UnreadableAnswer | None = None
    is_recorded: bool = False

    @property
    def message_id(self) -> str:
        return self.call.message_id

    @property
    def action(self) -> str:
        return self.call.action


@dataclass(frozen=True, slots=True)
class _Incoming:
    """What came and is to be answered: a CALL, or what is wrong with `text`."""

    call: Call | PeerError
    text: str
    received_at: float


@dataclass(frozen=True, slots=True)
class _Answered:
    digest: bytes
    result: CallResult | None


class Endpoint:
    """One end of a connection. `run()` is its life; `call()` works while it runs.

    answer: the handler: takes action and payload of a CALL that is valid, returns the response's payload, or raises a
    PeerError, which becomes the CALLERROR. It is awaited for one CALL at a time, in the order received, and may itself
    call the peer. admit: raises a PeerError for an action that is out of order at the moment; it is asked first.
    """

    __slots__ = (
        "_admit",
        "_answer",
        "_answered",
        "_call_timeout_s",
        "_closed",
        "_language",
        "_messages",
        "_new_message_id",
        "_outstanding",
        "_turn",
        "_ws",
    )

    def __init__(
        self,
        ws: WebSocket,
        language: Language,
        answer: Answer,
        admit: Admit,
        *,
        messages: MessageLog,
        new_message_id: Callable[[], str],
        call_timeout_s: float,
    ) -> None:
        """call_timeout_s: how long a CALL may wait for its answer (Part 4 §4.1.1), from when it is sent."""
        self._ws = ws
        self._language = language
        self._answer = answer
        self._admit = admit
        self._messages = messages
        self._new_message_id = new_message_id
        self._call_timeout_s = call_timeout_s
        self._turn = trio.Lock()
        self._outstanding: _Outstanding | None = None
        self._closed: WebSocketClosed | None = None
        self._answered: OrderedDict[str, _Answered] = OrderedDict()

    async def run(self) -> WebSocketClosed:
        """Read and answer until the connection ends, and tell how it ended; every waiting `call()` is told, too."""
        send_calls, receive_calls = trio.open_memory_channel[_Incoming](_CALLS_WAITING)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answer_calls, receive_calls)
                closed = await self._read(send_calls)
                nursery.cancel_scope.cancel()
            self._closed = closed
            return closed
        finally:
            if self._closed is None:
                self._closed = WebSocketClosed(CloseCode.ABNORMAL_CLOSURE, "session ended")
            if self._outstanding is not None:
                self._outstanding.over.set()
                self._record(self._outstanding)

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send a CALL when its turn comes and return the payload of its result.

        Raises a PeerError when payload does not fit the schema (nothing is sent then), CallRefused for a CALLERROR,
        InvalidAnswer, CallTimedOut, ConnectionLost. A caller that gives up leaves its CALL under way: the next one
        is sent when that is answered or has timed out (Part 4 §4.1.1).
        """
        self._language.schemas.validate_request(action, payload)
        async with self._turn:
            await self._previous_call_over()
            call = Call(self._new_message_id(), action, payload)
            now = trio.current_time()
            outstanding = _Outstanding(call, now, now + self._call_timeout_s)
            self._outstanding = outstanding
            try:
                await self._send(call)
            except WebSocketClosed as closed:
                self._closed = closed
                self._record(outstanding)
                raise ConnectionLost(str(closed)) from None
            with trio.move_on_at(outstanding.deadline):
                await outstanding.over.wait()
            self._outstanding = None
            self._record(outstanding)
        return self._result_of(outstanding)

    async def _previous_call_over(self) -> None:
        abandoned = self._outstanding
        if abandoned is not None:
            with trio.move_on_at(abandoned.deadline):
                await abandoned.over.wait()
            self._outstanding = None
            self._record(abandoned)
        if self._closed is not None:
            raise ConnectionLost(str(self._closed))

    def _result_of(self, outstanding: _Outstanding) -> Payload:
        match outstanding.answer:
            case CallResult(_, payload):
                try:
                    self._language.schemas.validate_response(outstanding.action, payload)
                except PeerError as error:
                    raise InvalidAnswer(f"{outstanding.action}Response: {error.description}") from None
                return payload
            case CallError(_, code, description, details):
                raise CallRefused(code, description, details)
            case UnreadableAnswer() as unreadable:
                raise InvalidAnswer(str(unreadable))
            case None:
                if self._closed is not None:
                    raise ConnectionLost(str(self._closed))
                raise CallTimedOut(f"no answer to {outstanding.action} within {self._call_timeout_s:g} s")

    def _record(self, outstanding: _Outstanding) -> None:
        """Tell once what came of our CALL, which is over."""
        if outstanding.is_recorded or not self._messages.is_recorded:
            return
        outstanding.is_recorded = True
        failure = None
        try:
            self._result_of(outstanding)
        except CallRefused as refused:
            failure = Failure(refused.code, refused.description, refused.details)
        except CallFailed as failed:
            failure = Failure(type(failed).__name__, str(failed), {})
        response = outstanding.answer.payload if isinstance(outstanding.answer, CallResult) else None
        self._messages.over(outstanding.call, response, failure, trio.current_time() - outstanding.sent_at)

    async def _read(self, calls: trio.MemorySendChannel[_Incoming]) -> WebSocketClosed:
        """The only task that receives: it hands over and never waits for a handler, but for a peer that floods."""
        async with calls:
            while True:
                try:
                    text = await self._ws.receive()
                except WebSocketClosed as closed:
                    return closed
                call = self._sort(text)
                if call is not None:
                    try:
                        calls.send_nowait(call)
                    except trio.WouldBlock:
                        await calls.send(call)

    def _sort(self, text: str) -> _Incoming | None:
        """Settle what answers us; return what is to be answered."""
        try:
            message = frames.parse(text)
        except PeerError as error:
            self._messages.received_unreadable(text)
            return _Incoming(error, text, trio.current_time())
        except UnreadableAnswer as unreadable:
            self._messages.received_unreadable(text)
            self._settle(unreadable)
            return None
        if isinstance(message, Call):
            self._messages.received(text, message)
            return _Incoming(message, text, trio.current_time())
        self._messages.received(text, message)
        self._settle(message)
        return None

    def _settle(self, answer: CallResult | CallError | UnreadableAnswer) -> None:
        outstanding = self._outstanding
        if outstanding is None or outstanding.message_id != answer.message_id:
            log.info("%s: nobody waits for the answer to %s (any more)", self._messages.station_id, answer.message_id)
        elif outstanding.answer is None:
            outstanding.answer = answer
            outstanding.over.set()
            self._record(outstanding)

    async def _answer_calls(self, calls: trio.MemoryReceiveChannel[_Incoming]) -> None:
        async with calls:
            async for incoming in calls:
                call = incoming.call
                try:
                    if isinstance(call, PeerError):
                        error = CallError.of(call, call.message_id)
                        self._messages.refused(incoming.text, error)
                        await self._send(error)
                    else:
                        await self._send(await self._recorded_answer(call, incoming.received_at))
                except WebSocketClosed:
                    return  # the reader tells how it ended

    async def _recorded_answer(self, call: Call, received_at: float) -> CallResult | CallError:
        answer = None
        try:
            answer = await self._answer_to(call)
        finally:  # also when the connection ends meanwhile
            self._messages.answered(call, answer, trio.current_time() - received_at)
        return answer

    async def _answer_to(self, call: Call) -> CallResult | CallError:
        digest = hashlib.blake2b(
            orjson.dumps([call.action, call.payload], option=orjson.OPT_SORT_KEYS), digest_size=16
        ).digest()
        earlier = self._answered.get(call.message_id)
        if earlier is not None:
            if earlier.digest != digest:
                error = RpcFrameworkError("messageId (element 1) was used before on this connection, for another CALL")
                return CallError.of(error, call.message_id)
            if earlier.result is not None:
                return earlier.result
        answer = await self._fresh_answer(call)
        # An error leaves nothing behind, so a CALL that failed may well succeed when it is sent again.
        self._answered[call.message_id] = _Answered(digest, answer if isinstance(answer, CallResult) else None)
        if len(self._answered) > _ANSWERS_KEPT:
            self._answered.popitem(last=False)
        return answer

    async def _fresh_answer(self, call: Call) -> CallResult | CallError:
        try:
            self._admit(call.action)
            self._check_action(call.action)
            self._language.schemas.validate_request(call.action, call.payload)
            payload = await self._answer(call.action, call.payload)
            self._check_own_response(call, payload)
        except PeerError as error:
            log.info("%s %s %s: %s %s", self._messages.station_id, call.action, call.message_id, error.code, error)
            return CallError.of(error, call.message_id)
        except Exception:
            log.exception("%s %s %s: the handler failed", self._messages.station_id, call.action, call.message_id)
            return CallError.of(InternalError("The request could not be processed"), call.message_id)
        return CallResult(call.message_id, payload)

    def _check_action(self, action: str) -> None:
        version, peer = self._language.version, self._language.side.other
        if action in version.sent_by(peer):
            return
        if action in version.actions:
            raise NotSupported(f"{action} is not sent by a {peer.value}")
        raise NotImplementedByReceiver(f"No such action in {version.subprotocol}")

    def _check_own_response(self, call: Call, payload: Payload) -> None:
        try:
            self._language.schemas.validate_response(call.action, payload)
        except PeerError as error:
            raise RuntimeError(f"own {call.action}Response is invalid: {error.description}") from error

    async def _send(self, message: Call | CallResult | CallError) -> None:
        text = message.to_text()
        self._messages.sent(text, message)
        await self._ws.send(text)
