"""A connection on which messages are struck by faults."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

import trio

from shared.endpoint import Wire
from shared.ocppj.frames import CallError
from shared.websocket import WebSocketClosed
from station.faults.faults import Faults
from station.faults.lane import Lane
from station.faults.rules import Direction, Reader, Rule
from station.pulse import Pulse

_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))


class FaultyWire:
    """What an Endpoint gets in place of its WebSocket.

    While there are no faults and nothing waits, messages go straight through.
    """

    __slots__ = ("_faults", "_nursery", "_traffic", "_ws")

    def __init__(self, ws: Wire, faults: Faults, nursery: trio.Nursery) -> None:
        """nursery: in it what waits is sent when it is due, until the connection ends."""
        self._ws = ws
        self._faults = faults
        self._nursery = nursery
        self._traffic: _Traffic | None = None  # nothing to carry about while there are no faults

    async def receive(self) -> str:
        """As WebSocket.receive, of what the faults leave. What waits when the connection ends is lost."""
        while True:
            if self._traffic is not None:
                text = await self._traffic.receive()
                if text is not None:
                    return text
                continue
            text = await self._ws.receive()
            if not self._faults.is_active:
                return text
            text = self._begin().received(text)
            if text is not None:
                return text

    async def send(self, text: str) -> None:
        """As WebSocket.send, of what the faults leave; what waits may be sent after this returns."""
        if self._traffic is None and not self._faults.is_active:
            await self._ws.send(text)
        else:
            await self._begin().send(text)

    def _begin(self) -> _Traffic:
        if self._traffic is None:
            self._traffic = _Traffic(self._ws, self._faults, self._nursery)
        return self._traffic


class _Traffic:
    """The messages of a connection from when there were faults first."""

    def __init__(self, ws: Wire, faults: Faults, nursery: trio.Nursery) -> None:
        self._ws = ws
        self._faults = faults
        self._nursery = nursery
        self._reader = Reader()
        self._incoming = Lane()
        self._outgoing = Lane()
        self._changed = Pulse()
        self._is_sending = False

    async def receive(self) -> str | None:
        """The next message that is passed on; None: look again."""
        if not self._incoming.is_idle:
            waiting = self._incoming.take(trio.current_time())
            if waiting is not None:
                return waiting
        arrived = await self._arrival()
        return None if arrived is None else self.received(arrived)

    def received(self, text: str) -> str | None:
        """What is passed on at once of a message that has arrived."""
        passing, then = self._strike("received", text, self._incoming)
        if then is not None:
            then()
        if self._incoming.is_blocked:
            for passes in passing:
                self._incoming.queue(passes)
            return None
        if not passing:
            return None
        self._incoming.passed()
        for passes in passing[1:]:
            self._incoming.postpone(passes, trio.current_time())
        return passing[0]

    async def send(self, text: str) -> None:
        """Send what is passed on at once; the rest is sent when it is due."""
        while self._outgoing.is_full:
            await self._changed.wait()
        passing, then = self._strike("sent", text, self._outgoing)
        for passes in passing:
            if self._outgoing.is_blocked:
                self._outgoing.queue(passes)
            else:
                await self._ws.send(passes)
                self._outgoing.passed()
        self._send_when_due()
        if then is not None:
            while self._outgoing.is_blocked:  # what is delayed goes before, and this message may be behind it
                await self._changed.wait()
            then()

    async def _arrival(self) -> str | None:
        """The next message from the connection; None where something that waits is due before."""
        if self._incoming.is_idle and self._outgoing.is_idle:
            return await self._ws.receive()
        with trio.move_on_at(self._incoming.next_at):
            while self._incoming.is_full or self._outgoing.is_full:
                await self._changed.wait()
            return await self._ws.receive()
        return None

    def _strike(self, direction: Direction, text: str, lane: Lane) -> tuple[tuple[str, ...], Callable[[], None] | None]:
        """What of a message goes on now, and what is to be done when it has gone."""
        if not self._faults.is_active:
            return (text,), None
        message = self._reader.read(direction, text)
        match self._faults.strike(message):
            case None:
                return (text,), None
            case Rule(kind="duplicate"):
                return (text, text), None
            case Rule(kind="corrupt"):
                return (damaged(text, self._faults.random),), None
            case Rule(kind="power-cut"):  # of what was sent nobody knows afterwards that it was, what came is not read
                return (text,) if direction == "sent" else (), self._faults.power_cut
            case Rule(kind="half-open"):
                return (), self._faults.half_open
            case Rule(kind="call-error" | "refuse", code=str(code), description=str(description)):
                refusal = CallError(message.message_id or "", code, description)
                self._outgoing.postpone(refusal.to_text(), trio.current_time())
                self._send_when_due()
            case Rule(seconds=float(seconds)) as rule:
                _put_aside(text, lane, rule, trio.current_time() + seconds)
            case _:
                pass  # dropped
        return (), None

    def _send_when_due(self) -> None:
        if not self._outgoing.is_idle:
            self._changed.beat()
            if not self._is_sending:
                self._is_sending = True
                self._nursery.start_soon(self._send_waiting)

    async def _send_waiting(self) -> None:
        try:
            while not self._outgoing.is_idle:
                text = self._outgoing.take(trio.current_time())
                if text is not None:
                    await self._ws.send(text)
                    self._changed.beat()
                else:
                    with trio.move_on_at(self._outgoing.next_at):
                        await self._changed.wait()
        except WebSocketClosed:
            pass  # whoever receives is told
        finally:
            self._is_sending = False


def _put_aside(text: str, lane: Lane, rule: Rule, until: float) -> None:
    match rule.kind:
        case "delay":
            lane.delay(text, until)
        case "reorder":
            lane.hold(text, until)
        case _:
            lane.postpone(text, until)


def damaged(text: str, random: Random) -> str:
    """A text that is not `text`: cut short, or with another character somewhere in it."""
    if not text:
        return random.choice(_PRINTABLE)
    where = random.randrange(len(text))
    if where > 0 and random.random() < 0.5:
        return text[:where]
    other = random.choice([character for character in _PRINTABLE if character != text[where]])
    return text[:where] + other + text[where + 1 :]
