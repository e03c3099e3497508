"""The queue of durable commands: keeps them, and has each sent when its station can take it.

The commands of one station are sent in the order they came, one at a time, through the same channel as everybody else's
calls. One task works off a station's commands, from when the station may be called until there are none left or it is
gone; another ends those whose time is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import trio
from sqlalchemy import Connection, and_, bindparam, or_, update

from csms.alarm import Alarm
from csms.commands.record import QUERY, Command, Payload, from_row, outcome_of, to_row
from csms.commands.states import CommandState, Step, after, is_answer, step_after
from csms.events import EventLog
from csms.store import Change, Store, StoreUnavailable
from csms.store.moments import from_ms, to_ms
from csms.store.tables import commands
from csms.switchboard import NotSent, NotStored, Switchboard
from shared.clock import Clock
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import CallFailed, ConnectionLost, OcppError, PeerError
from shared.ocppj.redaction import redact

log = logging.getLogger(__name__)

MAX_WAITING: Final = 100  # for one station
_KEEPING_S: Final = 30.0  # what has begun to be written is noted, even for one who has gone; longer than a commit takes
_RETRY_S: Final = timedelta(seconds=10)  # until an expiry that the database did not take is tried again
_LONGEST_PAUSE_S: Final = 30.0  # between attempts to store an answer


class TooMany(Exception):
    """As many commands wait for the station as may."""


class OtherCommand(Exception):
    """The de-duplication key was used for another command."""


class _Withdrawn(CallFailed):
    """The command was cancelled or has expired before its turn came."""


@dataclass(frozen=True, slots=True)
class NewCommand:
    """What somebody wants sent. payload: fits the schema, remoteStartId included. wish: the payload as they gave it."""

    station_id: str
    action: str
    payload: Payload
    wish: Payload
    expires_at: datetime
    deduplication_key: str | None


class Commands:
    """All durable commands: those that are not over in memory, all of them in the database.

    `load()` first; `run()` does the work, and `ready()` tells it where there may be some.
    """

    def __init__(
        self, store: Store, events: EventLog, clock: Clock, switchboard: Switchboard, new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._switchboard = switchboard
        self._new_id = new_id
        self._queues: dict[str, list[Command]] = {}
        self._arriving: dict[str, int] = {}
        self._worked_off: set[str] = set()
        self._ready_again: set[str] = set()
        self._alarm = Alarm[Command](clock, is_over=lambda command: command.state.is_final)
        self._nursery: trio.Nursery | None = None
        self._last_created_ms = 0
        self._insert = store.insert(commands)
        self._update = (
            update(commands)
            .where(commands.c.command_id == bindparam("command"))
            .values(
                state=bindparam("new_state"),
                history=bindparam("new_history"),
                result=bindparam("outcome"),
                payload=bindparam("kept_payload"),
            )
        )

    async def load(self) -> None:
        """Read what an earlier run left. What it had sent may have been done. Raises StoreUnavailable."""
        is_open = commands.c.state.in_([state.value for state in CommandState if not state.is_final])
        query = QUERY.where(is_open).order_by(commands.c.created_at, commands.c.command_id)
        for command in await self._select(query):
            self._keep(command)
        for queue in list(self._queues.values()):
            for command in list(queue):
                if command.state is CommandState.SENT:
                    error = ConnectionLost("the CSMS ended before the answer came")
                    await self._move(command, step_after(error, command.action, command.sent), error)

    async def run(self) -> None:
        """Send what can be sent and end what expires, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                for station_id in list(self._queues):
                    self.ready(station_id)
                while True:
                    await self._expire(await self._alarm.next())
            finally:
                self._nursery = None

    def ready(self, station_id: str) -> None:
        """Its commands may perhaps be sent now: it has connected, booted, or said something."""
        if station_id not in self._queues or self._nursery is None:
            return
        if station_id in self._worked_off:
            self._ready_again.add(station_id)
        else:
            self._worked_off.add(station_id)
            self._nursery.start_soon(self._work_off, station_id)

    # --- what operators do --------------------------------------------------------------------------------------------

    async def add(self, new: NewCommand) -> tuple[Command, bool]:
        """Queue a command, and return it; or, with False, the one that has its de-duplication key.

        Raises OtherCommand when that one is another command (its expiry does not matter), TooMany, StoreUnavailable.
        """
        waiting = len(self._queues.get(new.station_id, ())) + self._arriving.get(new.station_id, 0)
        if waiting >= MAX_WAITING and new.deduplication_key is None:
            raise TooMany(f"{waiting} commands wait for {new.station_id}")
        self._arriving[new.station_id] = self._arriving.get(new.station_id, 0) + 1
        command = self._new_command(new)
        event = self._event(command, command.state)
        try:
            with trio.move_on_after(_KEEPING_S, shield=True):
                existing: Command | None = await self._store.change(
                    lambda connection: self._insert_new(connection, command, event, is_full=waiting >= MAX_WAITING)
                )
                if existing is None:
                    self._keep(command)
                    self.ready(command.station_id)
                    return command, True
                self._adopt(existing)
                if not _is_same(existing, new):
                    raise OtherCommand(f"The de-duplication key was used for {existing.action} {existing.command_id}")
                return existing, False
        finally:
            self._arriving[new.station_id] -= 1
            if not self._arriving[new.station_id]:
                del self._arriving[new.station_id]
        raise StoreUnavailable("the database did not answer in time")

    async def cancel(self, command_id: str) -> bool:
        """Cancel a command that is still queued; whether it was. One that was sent before is Unknown then.

        Raises StoreUnavailable.
        """
        for queue in self._queues.values():
            for command in queue:
                if command.command_id == command_id:
                    return await self._move(command, Step.CANCEL)
        return False

    async def station_removed(self, station_id: str) -> None:
        """Nothing waits for a station that was deleted, nor for another that gets its identity.

        Raises StoreUnavailable.
        """
        for command in list(self._queues.get(station_id, ())):
            await self._move(command, Step.REMOVAL)

    async def fetch(self, command_id: str) -> Command | None:
        """The command of that id. Raises StoreUnavailable."""
        found = await self._select(QUERY.where(commands.c.command_id == command_id))
        return found[0] if found else None

    async def fetch_page(
        self,
        limit: int,
        after_key: list[Any] | None,
        *,
        station_id: str | None = None,
        state: str | None = None,
        action: str | None = None,
    ) -> list[Command]:
        """Commands, the newest first. after_key: sort_key() of the last of the page before. Raises StoreUnavailable."""
        table = commands.c
        query = QUERY
        for column, value in ((table.station_id, station_id), (table.state, state), (table.action, action)):
            if value is not None:
                query = query.where(column == value)
        if after_key is not None:
            created_at, command_id = after_key
            query = query.where(
                or_(table.created_at < created_at, and_(table.created_at == created_at, table.command_id > command_id))
            )
        return await self._select(query.order_by(table.created_at.desc(), table.command_id).limit(limit))

    # --- what becomes of commands -------------------------------------------------------------------------------------

    async def _work_off(self, station_id: str) -> None:
        try:
            while station_id in self._queues and self._may_send(station_id):
                self._ready_again.discard(station_id)
                may_go_on = await self._attempt(self._queues[station_id][0])
                if not may_go_on and station_id not in self._ready_again:
                    return
        finally:
            self._worked_off.discard(station_id)
            self._ready_again.discard(station_id)

    def _may_send(self, station_id: str) -> bool:
        """One that is not accepted gets nothing: Rejected must not (B03.FR.03), Pending would refuse (B02.FR.05)."""
        seat = self._switchboard.find(station_id)
        return seat is not None and seat.state.is_accepted

    async def _attempt(self, command: Command) -> bool:
        """Have a command sent; whether the next may be tried."""
        left_s = (command.expires_at - self._clock.now()).total_seconds()
        attempt = _Attempt(self, command)
        answer: Payload | OcppError
        try:
            answer = await self._switchboard.call(
                command.station_id, command.action, command.payload, patience_s=max(0.0, left_s), job=attempt
            )
        except OcppError as error:
            answer = error
        if attempt.has_begun:
            await self.settle(command, answer)
            return True
        if isinstance(answer, PeerError):  # what fits one version of OCPP need not fit the one the station speaks
            await self.settle(command, answer)
            return True
        return command.state.is_final  # it was withdrawn while it waited

    async def begin(self, command: Command) -> None:
        """Its turn has come: that is on disk before it is sent. Raises CallFailed when it is not to be sent."""
        try:
            moved = command.expires_at > self._clock.now() and await self._move(command, Step.TURN)
        except StoreUnavailable as error:
            raise NotSent(f"the database does not answer: {error}") from None
        if not moved:
            raise _Withdrawn(f"the command is {command.state}, or about to be Expired")

    async def settle(self, command: Command, answer: Payload | OcppError) -> None:
        """Keep what came of sending a command, however long the database takes."""
        if isinstance(answer, NotStored):
            answer = answer.answer
        step = step_after(answer, command.action, command.sent)
        pause_s = 1.0
        while True:
            try:
                await self._move(command, step, answer)
            except StoreUnavailable:
                await trio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                return

    def settle_late(self, command: Command, result: Payload | OcppError) -> None:
        """The station's answer when nobody waits for it any more."""
        if self._nursery is not None and is_answer(result):
            self._nursery.start_soon(self.settle, command, result)

    async def _expire(self, command: Command) -> None:
        try:
            await self._move(command, Step.EXPIRY)
            self.ready(command.station_id)  # for those that stood behind it
        except StoreUnavailable:
            self._alarm.set(self._clock.now() + _RETRY_S, command)

    async def _move(self, command: Command, step: Step, answer: Payload | OcppError | None = None) -> bool:
        """Take a step, on disk and then in memory; whether it was one. Raises StoreUnavailable."""
        with trio.move_on_after(_KEEPING_S, shield=True):
            async with command.lock:
                state = after(command.state, step, command.sent)
                if state is None:
                    return False
                history = [*command.history, self._entry(state)]
                outcome = command.outcome if answer is None else outcome_of(answer, command.payload)
                payload = redact(command.payload) if state.is_final else command.payload
                row = {
                    "command": command.command_id,
                    "new_state": state.value,
                    "new_history": orjson.dumps(history).decode(),
                    "kept_payload": orjson.dumps(payload).decode(),
                    "outcome": None if outcome is None else orjson.dumps(outcome).decode(),
                }
                await self._store.commit(Change(self._update, [row]), self._event(command, state))
                command.state, command.history, command.outcome = state, history, outcome
                if state.is_final:
                    self._forget(command)
                log.info("%s %s %s: %s", command.station_id, command.action, command.command_id, state)
                return True
        raise StoreUnavailable("the database did not answer in time")

    # --- how they are kept --------------------------------------------------------------------------------------------

    def _new_command(self, new: NewCommand) -> Command:
        """No two are of the same moment, so that they keep their order."""
        self._last_created_ms = max(to_ms(self._clock.now()), self._last_created_ms + 1)
        return Command(
            command_id=self._new_id(),
            station_id=new.station_id,
            action=new.action,
            payload=new.payload,
            created_at=from_ms(self._last_created_ms),
            expires_at=new.expires_at,
            deduplication_key=new.deduplication_key,
            history=[self._entry(CommandState.QUEUED)],
        )

    def _insert_new(self, connection: Connection, command: Command, event: Change, *, is_full: bool) -> Command | None:
        """In the writer's transaction: what is kept under the key, or None when the new one is now."""
        if command.deduplication_key is not None:
            query = QUERY.where(commands.c.deduplication_key == command.deduplication_key)
            row = connection.execute(query).one_or_none()
            if row is not None:
                return from_row(row)
        if is_full:
            raise TooMany(f"{MAX_WAITING} commands wait for {command.station_id}")
        connection.execute(self._insert, [to_row(command)])
        connection.execute(event.statement, list(event.rows))
        return None

    def _keep(self, command: Command) -> None:
        self._queues.setdefault(command.station_id, []).append(command)
        self._alarm.set(command.expires_at, command)

    def _adopt(self, command: Command) -> None:
        """One that was written although the database had not answered in time is as good as any other."""
        queue = self._queues.get(command.station_id, [])
        if command.state is CommandState.QUEUED and all(one.command_id != command.command_id for one in queue):
            self._keep(command)
            self.ready(command.station_id)

    def _forget(self, command: Command) -> None:
        queue = self._queues.get(command.station_id, [])
        if command in queue:
            queue.remove(command)
            if not queue:
                del self._queues[command.station_id]

    def _entry(self, state: CommandState) -> dict[str, str]:
        return {"state": state.value, "at": to_wire(self._clock.now())}

    def _event(self, command: Command, state: CommandState) -> Change:
        data = {"command_id": command.command_id, "action": command.action, "state": state.value}
        return self._events.change("command.state", command.station_id, data)

    async def _select(self, query: Any) -> list[Command]:
        return await self._store.read(lambda connection: [from_row(row) for row in connection.execute(query)])


class _Attempt:
    """One attempt to send a command."""

    def __init__(self, queue: Commands, command: Command) -> None:
        self._queue = queue
        self._command = command
        self.has_begun = False

    async def begin(self) -> None:
        await self._queue.begin(self._command)
        self.has_begun = True

    def late(self, result: Payload | OcppError) -> None:
        self._queue.settle_late(self._command, result)


def _is_same(command: Command, new: NewCommand) -> bool:
    """Whether a command is what somebody wants; a remoteStartId that they did not give is the CSMS's own affair."""
    made = {} if "remoteStartId" in new.wish else {"remoteStartId": command.remote_start_id}
    wanted = new.wish if command.remote_start_id is None else new.wish | made
    if (command.station_id, command.action) != (new.station_id, new.action):
        return False
    return command.payload in (wanted, redact(wanted))  # of one that is over, secrets are not known any more
