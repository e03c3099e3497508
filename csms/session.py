"""One connected station, from handshake to goodbye."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

import trio
from websockets.frames import CloseCode

from csms.blocks import HANDLERS, INTENTS, OUTCOMES, Conversation, Intent, Payload, presence, provisioning
from csms.blocks.lifecycle import State
from csms.registry import Registration
from csms.store import StoreUnavailable
from csms.switchboard import Command, Job, NotCallable, NotSent, NotStored, Switchboard
from shared.endpoint import Endpoint, Language
from shared.message_log import MessageLog, Recorder
from shared.ocppj.errors import ConnectionLost, InternalError, NotSupported, OcppError
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import Version
from shared.websocket import WebSocket, WebSocketClosed

log = logging.getLogger(__name__)

COMMANDS_WAITING: Final = 32  # for one station; one at a time goes out, each may take the call time-out
LAST_WORD_S: Final = 5.0  # for telling that a station has gone
LEARNING_S: Final = (
    30.0  # what an answer told is kept even when the connection ends just then; longer than a commit takes
)
PING_TIMEOUT_S: Final = 10.0  # for a connection to prove that it lives when a newer one claims its identity


class Session:
    """The connection of one station: answers it, and sends it what others want sent.

    What the connection needs lives in the nursery of `run()` and ends with it; nothing that happens here reaches
    other sessions.
    """

    def __init__(
        self,
        ws: WebSocket,
        language: Language,
        conversation: Conversation,
        switchboard: Switchboard,
        *,
        new_message_id: Callable[[], str],
        call_timeout_s: float,
        ready: Callable[[str], None],
        recorder: Recorder,
    ) -> None:
        """ready: told of the station when it may have become ready for commands that wait for it; often in vain."""
        self._ws = ws
        self._language = language
        self._conversation = conversation
        self._switchboard = switchboard
        self._ready = ready
        self._endpoint = Endpoint(
            ws,
            language,
            self._answer,
            self._admit,
            messages=MessageLog(self.station_id, recorder),
            new_message_id=new_message_id,
            call_timeout_s=call_timeout_s,
        )
        self.commands, self._to_do = trio.open_memory_channel[Command](COMMANDS_WAITING)
        self._nursery: trio.Nursery | None = None
        if conversation.station.accepted and conversation.station.registration is Registration.ACCEPTED:
            # It need not boot again (Part 4 §5.3), nor report what has not changed.
            conversation.state = State.READY if conversation.station.connectors else State.POWERED_UP

    @property
    def station_id(self) -> str:
        """The identity of the station."""
        return self._conversation.station.station_id

    @property
    def state(self) -> State:
        """How far the station has come."""
        return self._conversation.state

    @property
    def may_be_called(self) -> bool:
        """Whether a CALL may be sent now (B03.FR.03)."""
        return provisioning.may_be_called(self._conversation.state)

    @property
    def version(self) -> Version:
        """The version of OCPP spoken."""
        return self._language.version

    @property
    def schemas(self) -> Schemas:
        """The schemas of that version."""
        return self._language.schemas

    async def run(self) -> WebSocketClosed:
        """Live until the connection ends; tell how it ended."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._forward)
                nursery.start_soon(self._conversation.errands.run, self._call)
                self._take_place(nursery)
                closed = await self._endpoint.run()
                nursery.cancel_scope.cancel()
            return closed
        finally:
            self._switchboard.leave(self)
            self._dismiss_waiting()
            if self._switchboard.find(self.station_id) is None:
                with trio.move_on_after(LAST_WORD_S, shield=True):
                    await presence.tell_disconnected(self._conversation)

    async def answers_ping(self) -> bool:
        """Whether the station answers a ping sent now."""
        with trio.move_on_after(PING_TIMEOUT_S):
            try:
                await self._ws.ping()
            except WebSocketClosed:
                return False
            return True
        return False

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye; `run()` then returns."""
        await self._ws.close(code, reason)

    def _take_place(self, nursery: trio.Nursery) -> None:
        dismissed = self._switchboard.join(self)
        self._ready(self.station_id)
        if dismissed is not None:
            nursery.start_soon(dismissed.close, CloseCode.POLICY_VIOLATION, "replaced by a newer connection")
        if self._switchboard.is_seated(self):
            nursery.start_soon(presence.tell_connected, self._conversation, self.version.subprotocol)
        else:
            log.info("%s: connected again; the older connection works on until this one speaks", self.station_id)
            nursery.start_soon(self._challenge)

    async def _challenge(self) -> None:
        seated = self._switchboard.find(self.station_id)
        if seated is not None and not await seated.answers_ping():
            self._take_over()

    def _take_over(self) -> None:
        replaced = self._switchboard.take_over(self)
        if replaced is not None and self._nursery is not None:
            log.info("%s: the newer connection takes over", self.station_id)
            self._nursery.start_soon(replaced.close, CloseCode.POLICY_VIOLATION, "replaced by a newer connection")

    def _admit(self, action: str) -> None:
        self._take_over()
        self._conversation.station.last_seen = self._conversation.clock.now()  # G02.FR.04
        provisioning.admit(self._conversation, action)

    async def _answer(self, action: str, request: Payload) -> Payload:
        handler = HANDLERS.get(action)
        if handler is None:
            raise NotSupported(f"{action} is not served by this CSMS")
        try:
            response = await handler(self._conversation, request)
        except StoreUnavailable:  # it must not believe that this is kept
            raise InternalError("This could not be stored, send it again") from None
        provisioning.note_served(self._conversation, action)
        self._ready(self.station_id)
        return response

    async def _forward(self) -> None:
        """Send what others want sent, one CALL at a time."""
        async for command in self._to_do:
            with command.reply:
                if command.is_abandoned:
                    continue
                result: Payload | OcppError
                try:
                    result = await self._call(command.action, command.payload, command.job)
                except OcppError as error:
                    result = error
                try:
                    command.reply.send_nowait(result)
                except trio.BrokenResourceError:
                    log.info("%s %s: nobody waits for the result any more", self.station_id, command.action)
                    if command.job is not None:
                        command.job.late(result)

    async def _call(self, action: str, request: Payload, job: Job | None = None) -> Payload:
        """Send a CALL and learn from what comes of it.

        Raises as Endpoint.call does, what `job` raises, NotCallable, NotSent and NotStored.
        """
        if not self.may_be_called:  # any more: it was, when the command was given
            raise NotCallable(f"{self.station_id} is {self.state}")
        if job is not None:
            await job.begin()
        intend = INTENTS.get(action)
        if intend is not None:
            await self._intend(intend, action, request)
        provisioning.note_request(self._conversation, action, request)
        answer: Payload | OcppError
        try:
            answer = await self._endpoint.call(action, request, late=partial(self._learn_late, action, request, job))
        except OcppError as error:
            answer = error
        except trio.Cancelled:
            await self._learn(action, request, ConnectionLost("the session has ended"))
            raise
        learnt = await self._learn(action, request, answer)
        if isinstance(learnt, OcppError):
            raise learnt
        return learnt

    async def _intend(self, intend: Intent, action: str, request: Payload) -> None:
        """Keep a request before it is sent; one that is not sent after all, for the session has ended, came to nothing.

        Raises NotSent.
        """
        is_kept = False
        with trio.move_on_after(LEARNING_S, shield=True):
            try:
                await intend(self._conversation, request)
            except StoreUnavailable:
                pass
            else:
                is_kept = True
        if not is_kept:
            raise NotSent(f"{action} was not sent: the database does not answer")
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
        except trio.Cancelled:
            await self._learn(action, request, NotSent(f"{self.station_id} has gone"))
            raise

    async def _learn(self, action: str, request: Payload, answer: Payload | OcppError) -> Payload | OcppError:
        """Take note of what came of a CALL, and return it; NotStored when that could not be kept."""
        learn = OUTCOMES.get(action)
        if learn is None:
            return answer
        with trio.move_on_after(LEARNING_S, shield=True):
            try:
                await learn(self._conversation, request, answer)
            except StoreUnavailable as error:
                log.warning("%s %s: what became of it could not be stored: %s", self.station_id, action, error)
                return NotStored(f"The station has answered {action}, but that could not be stored", answer)
        return answer

    def _learn_late(self, action: str, request: Payload, job: Job | None, answer: Payload | OcppError) -> None:
        if self._nursery is not None:
            self._nursery.start_soon(self._learn, action, request, answer)
        if job is not None:
            job.late(answer)

    def _dismiss_waiting(self) -> None:
        with self._to_do:
            while True:
                try:
                    self._to_do.receive_nowait().reply.close()
                except trio.WouldBlock:
                    return
