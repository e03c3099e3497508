"""One end of one OCPP-J connection: calls the peer, answers the peer's calls (OCPP 2.0.1 Part 4 §4)."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import orjson
import trio
from websockets.frames import CloseCode

from shared.message_log import Failure, MessageLog, one_line
from shared.ocppj import frames
from shared.ocppj.errors import (
    CallFailed,
    CallRefused,
    CallTimedOut,
    ConnectionLost,
    FormatViolation,
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
from shared.websocket import WebSocketClosed

log = logging.getLogger(__name__)

# A peer has one CALL under way (Part 4 §4.1.1). What it sends beyond these waits in its own socket buffers.
_CALLS_WAITING: Final = 8
# Nor more text than this, unless it is a single CALL: parsed it takes some 25 times as much memory.
_TEXT_WAITING: Final = 1024 * 1024
# A peer that resends does so with its latest CALL; a few more cost little.
_ANSWERS_KEPT: Final = 8
# Our CALLs that timed out and whose answers may come late.
_TIMED_OUT_KEPT: Final = 8
_ACTION_SHOWN: Final = 50  # characters, in logs: what a peer names may be no action

Payload = dict[str, Any]
Answer = Callable[[str, Payload], Awaitable[Payload]]
Admit = Callable[[str], None]
Late = Callable[[Payload | CallFailed], None]

_Message = TypeVar("_Message", bound=Call | CallResult | CallError)


class Wire(Protocol):
    """What an Endpoint needs of a WebSocket: whole messages, both ways, as `shared.websocket.WebSocket` has them."""

    async def receive(self) -> str:
        """The next message. Raises WebSocketClosed."""
        ...

    async def send(self, text: str) -> None:
        """Send a message. Raises WebSocketClosed."""
        ...


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
    late: Late | None
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
class _Written(Generic[_Message]):
    """A message, and as it goes on the wire."""

    message: _Message
    text: str


def _write(message: _Message) -> _Written[_Message]:
    """Raises TypeError for what JSON cannot express: numbers over 64 bits, lone surrogates, other objects."""
    return _Written(message, message.to_text())


def _read_again(text: str) -> _Written[CallResult | CallError]:
    message = frames.parse(text)
    assert isinstance(message, CallResult)  # noqa: S101 - it was one when it was written
    return _Written(message, text)


_Answered = tuple[bytes, str | None]
"""A CALL that was answered, as a digest, and the CALLRESULT as it went on the wire; None: it was a CALLERROR.

Thousands of connections keep some each, so they are of types that the garbage collector need not look at.
"""


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
        "_calls",
        "_calls_moved",
        "_closed",
        "_is_answering",
        "_is_read",
        "_language",
        "_messages",
        "_new_message_id",
        "_outstanding",
        "_text_waiting",
        "_timed_out",
        "_turn",
        "_ws",
    )

    def __init__(
        self,
        ws: Wire,
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
        self._timed_out: OrderedDict[str, _Outstanding] = OrderedDict()
        self._closed: WebSocketClosed | None = None
        self._answered: dict[str, _Answered] = {}  # the oldest first
        # Both tasks wait here, never at the same time. A memory channel does the same and takes 2 KB more.
        self._calls: list[_Incoming] = []
        self._calls_moved = trio.lowlevel.ParkingLot()
        self._text_waiting = 0
        self._is_answering = True
        self._is_read = False  # to its end

    async def run(self) -> WebSocketClosed:
        """Read and answer until the connection ends, and tell how it ended; every waiting `call()` is told, too."""
        closed = WebSocketClosed(CloseCode.ABNORMAL_CLOSURE, "session ended")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._answer_calls)
            try:
                closed = await self._read()
            finally:
                self._is_read = True
                self._calls_moved.unpark_all()
                nursery.cancel_scope.cancel()
                self._closed = closed
                if self._outstanding is not None:
                    self._outstanding.over.set()
                    self._record(self._outstanding)
        return closed

    async def call(self, action: str, payload: Payload, *, late: Late | None = None) -> Payload:
        """Send a CALL when its turn comes and return the payload of its result.

        Raises a PeerError when payload does not fit the schema, or JSON (nothing is sent then), CallRefused for a
        CALLERROR, InvalidAnswer, CallTimedOut, ConnectionLost. A caller that gives up leaves its CALL under way: the
        next one is sent when that is answered or has timed out (Part 4 §4.1.1).

        late: told what the call would have returned or raised, when the answer comes after CallTimedOut. The task that
        reads calls it, so it must not block.
        """
        self._language.schemas.validate_request(action, payload)
        async with self._turn:
            await self._previous_call_over()
            try:
                call = _write(Call(self._new_message_id(), action, payload))
            except TypeError as error:
                raise FormatViolation(f"the payload: {error}") from None
            now = trio.current_time()
            outstanding = _Outstanding(call.message, now, now + self._call_timeout_s, late)
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
            if outstanding.answer is None and late is not None:
                self._timed_out[outstanding.message_id] = outstanding
                if len(self._timed_out) > _TIMED_OUT_KEPT:
                    self._timed_out.popitem(last=False)
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

    async def _read(self) -> WebSocketClosed:
        """The only task that receives: it hands over and never waits for a handler, but for a peer that floods."""
        while True:
            try:
                text = await self._ws.receive()
            except WebSocketClosed as closed:
                return closed
            call = self._sort(text)
            if call is None:
                await trio.lowlevel.checkpoint()  # who waited for this acts on it before a CALL behind it is served
                continue
            while self._is_answering and self._is_full(text):
                await self._calls_moved.park()
            if self._is_answering:  # else nothing can be answered any more; what is still to be read tells why
                self._text_waiting += len(text)
                self._calls.append(call)
                self._calls_moved.unpark_all()

    def _is_full(self, text: str) -> bool:
        """This one has to wait behind those that wait already."""
        too_much = self._text_waiting > 0 and self._text_waiting + len(text) > _TEXT_WAITING
        return too_much or len(self._calls) >= _CALLS_WAITING

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
        late = self._timed_out.pop(answer.message_id, None)
        if late is not None:
            self._tell_late(late, answer)
        elif outstanding is None or outstanding.message_id != answer.message_id:
            log.info(
                "%s: nobody waits for the answer to %s (any more)",
                self._messages.station_id,
                one_line(answer.message_id),
            )
        elif outstanding.answer is None:
            outstanding.answer = answer
            outstanding.over.set()
            self._record(outstanding)

    def _tell_late(self, outstanding: _Outstanding, answer: CallResult | CallError | UnreadableAnswer) -> None:
        log.info(
            "%s: the answer to %s %s came late", self._messages.station_id, outstanding.action, outstanding.message_id
        )
        outstanding.answer = answer
        if outstanding.late is not None:
            try:
                result: Payload | CallFailed = self._result_of(outstanding)
            except CallFailed as failure:
                result = failure
            outstanding.late(result)

    async def _answer_calls(self) -> None:
        try:
            while (incoming := await self._next_incoming()) is not None:
                call = incoming.call
                if isinstance(call, PeerError):
                    error = CallError.of(call, call.message_id)
                    self._messages.refused(incoming.text, error)
                    await self._send(_write(error))
                else:
                    await self._send(await self._recorded_answer(call, incoming.received_at))
        except WebSocketClosed:
            pass  # the reader tells how it ended
        finally:
            self._is_answering = False
            self._calls.clear()
            self._calls_moved.unpark_all()

    async def _next_incoming(self) -> _Incoming | None:
        """What waits longest, None at the end. A checkpoint: a peer that floods must not keep others waiting."""
        if self._calls:
            await trio.lowlevel.checkpoint()
        while not self._calls:
            if self._is_read:
                return None
            await self._calls_moved.park()
        incoming = self._calls.pop(0)
        self._text_waiting -= len(incoming.text)
        self._calls_moved.unpark_all()
        return incoming

    async def _recorded_answer(self, call: Call, received_at: float) -> _Written[CallResult | CallError]:
        answer = None
        try:
            written = await self._answer_to(call)
            answer = written.message
        finally:  # also when the connection ends meanwhile
            self._messages.answered(call, answer, trio.current_time() - received_at)
        return written

    async def _answer_to(self, call: Call) -> _Written[CallResult | CallError]:
        digest = hashlib.blake2b(
            orjson.dumps([call.action, call.payload], option=orjson.OPT_SORT_KEYS), digest_size=16
        ).digest()
        earlier = self._answered.get(call.message_id)
        if earlier is not None:
            earlier_digest, text = earlier
            if earlier_digest != digest:
                error = RpcFrameworkError("messageId (element 1) was used before on this connection, for another CALL")
                return _write(CallError.of(error, call.message_id))
            if text is not None:
                return _read_again(text)
        answer = await self._fresh_answer(call)
        # An error leaves nothing behind, so a CALL that failed may well succeed when it is sent again.
        self._answered[call.message_id] = (digest, answer.text if isinstance(answer.message, CallResult) else None)
        if len(self._answered) > _ANSWERS_KEPT:
            del self._answered[next(iter(self._answered))]
        return answer

    async def _fresh_answer(self, call: Call) -> _Written[CallResult | CallError]:
        try:
            try:
                return _write(await self._result(call))
            except PeerError as error:
                log.info("%s: %s %s", self._name(call), error.code, error)
                return _write(CallError.of(error, call.message_id))
        except CallFailed as failed:
            log.warning("%s: the handler's own call failed: %s", self._name(call), one_line(str(failed)))
        except Exception:
            log.exception("%s: the handler failed", self._name(call))
        failure = InternalError("The request could not be processed")
        return _write(CallError.of(failure, call.message_id))

    def _name(self, call: Call) -> str:
        return one_line(f"{self._messages.station_id} {call.action[:_ACTION_SHOWN]} {call.message_id}")

    async def _result(self, call: Call) -> CallResult:
        self._admit(call.action)
        self._check_action(call.action)
        self._language.schemas.validate_request(call.action, call.payload)
        payload = await self._answer(call.action, call.payload)
        self._check_own_response(call, payload)
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

    async def _send(self, written: _Written[_Message]) -> None:
        self._messages.sent(written.text, written.message)
        await self._ws.send(written.text)
