"""Who is connected, and the memory channel that reaches each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import trio

from csms.blocks.lifecycle import State
from shared.ocppj.errors import CallFailed, ConnectionLost, OcppError
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import Version

Payload = dict[str, Any]


class NotConnected(CallFailed):
    """The station is not connected."""


class NotCallable(CallFailed):
    """The station is connected, but must not be called now (B03.FR.03)."""


class Busy(CallFailed):
    """As many calls wait for the station as may."""


class DeadlinePassed(CallFailed):
    """The station's answer did not come in time."""


class NotSent(CallFailed):
    """Nothing was sent, for what had to be stored before could not be."""


class NotStored(CallFailed):
    """The station has answered, but what that means could not be stored. answer: what it said."""

    def __init__(self, description: str, answer: Payload | OcppError) -> None:
        super().__init__(description)
        self.answer = answer


class Job(Protocol):
    """Somebody who wants a CALL sent, and more than to wait for what comes of it."""

    async def begin(self) -> None:
        """Its turn has come: it is sent when this returns. Raises CallFailed when it is not to be sent."""
        ...

    def late(self, result: Payload | OcppError) -> None:
        """What came of it, when nobody waits any more. Must not block."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A CALL that somebody wants sent, and the one-shot channel for what comes of it.

    A reply channel that is closed without a reply says that the station has gone.
    """

    action: str
    payload: Payload
    reply: trio.MemorySendChannel[Payload | OcppError]
    job: Job | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for the reply any more."""
        return self.reply.statistics().open_receive_channels == 0


class Seat(Protocol):
    """A connected station as others see it."""

    @property
    def station_id(self) -> str: ...
    @property
    def state(self) -> State: ...
    @property
    def version(self) -> Version: ...
    @property
    def schemas(self) -> Schemas: ...
    @property
    def commands(self) -> trio.MemorySendChannel[Command]: ...
    @property
    def may_be_called(self) -> bool: ...

    async def answers_ping(self) -> bool:
        """Whether the peer answers a ping sent now."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """End the connection, with a goodbye."""
        ...


class Switchboard:
    """The connected stations by identity. Each has one seat; a newer connection of the same identity stands behind it
    until it takes over.
    """

    def __init__(self) -> None:
        self._seats: dict[str, Seat] = {}
        self._standing: dict[str, Seat] = {}

    def station_ids(self) -> list[str]:
        """The identities of all connected stations, in the order they came."""
        return list(self._seats)

    def seats(self) -> list[Seat]:
        """All connections, those included that wait to take over."""
        return [*self._seats.values(), *self._standing.values()]

    def find(self, station_id: str) -> Seat | None:
        """The connection through which the station is reached."""
        return self._seats.get(station_id)

    def join(self, seat: Seat) -> Seat | None:
        """A station has connected. Returns who must go, when another connection of that identity stood waiting."""
        if self._seats.setdefault(seat.station_id, seat) is seat:
            return None
        dismissed = self._standing.get(seat.station_id)
        self._standing[seat.station_id] = seat
        return dismissed

    def is_seated(self, seat: Seat) -> bool:
        """Whether its station is reached through this connection."""
        return self._seats.get(seat.station_id) is seat

    def take_over(self, seat: Seat) -> Seat | None:
        """Seat one that stood behind another. Returns the other, which must go; None when there is nothing to take."""
        if self._standing.get(seat.station_id) is not seat:
            return None
        del self._standing[seat.station_id]
        replaced = self._seats.get(seat.station_id)
        self._seats[seat.station_id] = seat
        return replaced

    def leave(self, seat: Seat) -> None:
        """A connection has ended: only its own entry goes, and who stood behind it takes the seat."""
        station_id = seat.station_id
        if self._standing.get(station_id) is seat:
            del self._standing[station_id]
        if self._seats.get(station_id) is seat:
            del self._seats[station_id]
            if station_id in self._standing:
                self._seats[station_id] = self._standing.pop(station_id)

    async def call(
        self, station_id: str, action: str, payload: Payload, *, patience_s: float, job: Job | None = None
    ) -> Payload:
        """Have a CALL sent to a station, and return the payload of its result.

        It waits for its turn behind others, and for the answer, patience_s in all. Raises a PeerError for a payload
        that does not fit the schema, NotConnected, NotCallable, Busy, DeadlinePassed, or what Endpoint.call raises;
        ConnectionLost as soon as the station goes; and what `job` raises. A job waits for room, and is never Busy.
        """
        seat = self.find(station_id)
        if seat is None:
            raise NotConnected(f"{station_id} is not connected")
        if not seat.may_be_called:
            raise NotCallable(f"{station_id} is {seat.state}")
        seat.schemas.validate_request(action, payload)
        reply, answer = trio.open_memory_channel[Payload | OcppError](1)
        with answer:
            with trio.move_on_after(patience_s):
                try:
                    if job is None:
                        seat.commands.send_nowait(Command(action, payload, reply))
                    else:
                        await seat.commands.send(Command(action, payload, reply, job))
                except trio.WouldBlock:
                    raise Busy(f"too many calls wait for {station_id}") from None
                except trio.BrokenResourceError:
                    raise ConnectionLost(f"{station_id} has gone") from None
                try:
                    result = await answer.receive()
                except trio.EndOfChannel:
                    raise ConnectionLost(f"{station_id} has gone") from None
                if isinstance(result, OcppError):
                    raise result
                return result
        raise DeadlinePassed(f"{station_id} did not answer {action} within {patience_s:g} s")
