"""Stations that have TransactionEvents to tell: one after the other, each until it is answered, as E13 has it.

What they remember of it is what the CSMS has promised to keep.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import trio

from shared.handshake import HandshakeRefused, basic_authorization, connect, connection_url
from shared.ocppj.date_time import to_wire
from shared.websocket import Patience, WebSocket, WebSocketClosed
from tests.processes import DEADLINE_S, HOST

PASSWORD: Final = "station-password"
_PAUSE_S: Final = 0.05  # before a station dials again, or sends again what was refused
_ANSWER_LOST: Final = 0.05  # how often a station misses an answer
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)

Payload = dict[str, Any]
Key = tuple[str, str, int]
"""What a TransactionEvent is known by: station, transactionId and seqNo."""


class Senders:
    """Stations that send without a pause. Where the CSMS is may change; "" is nowhere.

    sent: every event that went out. answers: what those were answered that the CSMS has acknowledged. refusals: the
    codes of the CALLERRORs that came instead. tries: how many were sent, those that were sent again included.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.url = ""
        self.sent: dict[Key, Payload] = {}
        self.answers: dict[Key, Payload] = {}
        self.refusals: Counter[str] = Counter()
        self.tries = 0
        self.is_ending = False
        self._finished = trio.Event()
        self._changed = trio.lowlevel.ParkingLot()
        self._stations = [
            _Station(self, f"CP_{number}", Random(seed * 1000 + number))  # noqa: S311 - to be the same every time
            for number in range(count)
        ]

    async def run(self) -> None:
        """Send until `finish()`, and then what is left."""
        async with trio.open_nursery() as nursery:
            for station in self._stations:
                nursery.start_soon(station.live)
        self._finished.set()

    async def acknowledged(self, count: int, *, within_s: float = DEADLINE_S) -> None:
        """Wait until so many more events have been acknowledged."""
        await self._grows(lambda: len(self.answers), count, "acknowledged", within_s)

    async def refused(self, count: int, *, within_s: float = DEADLINE_S) -> None:
        """Wait until so many more CALLs have been refused."""
        await self._grows(self.refusals.total, count, "refused", within_s)

    async def tried(self, count: int, *, within_s: float = DEADLINE_S) -> None:
        """Wait until so many more have been sent, however often each of them."""
        await self._grows(lambda: self.tries, count, "sent", within_s)

    async def hang_up(self) -> None:
        """Have each station lose its connection, and come back at once."""
        for station in self._stations:
            await station.hang_up()

    async def finish(self) -> None:
        """Have each station bring the transaction it is at to its end, and then stop."""
        self.is_ending = True
        with trio.fail_after(DEADLINE_S):
            await self._finished.wait()

    def try_to_tell(self, key: Key, request: Payload) -> None:
        """An event is being sent."""
        self.tries += 1
        self.sent[key] = request
        self._changed.unpark_all()

    def note(self, key: Key, request: Payload, frame: list[Any]) -> bool:
        """What a TransactionEvent was answered; whether that was an acknowledgement."""
        self._changed.unpark_all()
        if frame[0] == 4:
            self.refusals[frame[2]] += 1
            return False
        assert self.answers.setdefault(key, frame[2]) == frame[2], f"{key} was answered differently when it came again"
        assert ("idTokenInfo" in frame[2]) == ("idToken" in request)
        return True

    async def _grows(self, size: Any, by: int, what: str, within_s: float) -> None:
        enough = size() + by
        with trio.move_on_after(within_s) as patience:
            while size() < enough:
                await self._changed.park()
        missing = enough - size()
        assert not patience.cancelled_caught, f"{missing} of {by} were not {what} within {within_s:g} s"


class _Station:
    """One station with one EVSE, which charges one vehicle after the other."""

    def __init__(self, senders: Senders, identity: str, chance: Random) -> None:
        self._senders = senders
        self._identity = identity
        self._chance = chance
        self._is_booted = False
        self._calls = 0
        self._transactions = 0
        self._seconds = 0
        self._register_wh = 1000.0 * chance.randint(1, 999)
        self._events: Iterator[Payload] = iter(())
        self._waiting: Payload | None = None
        self._stream: trio.SocketStream | None = None

    async def hang_up(self) -> None:
        """Lose the connection."""
        if self._stream is not None:
            await trio.aclose_forcefully(self._stream)

    async def live(self) -> None:
        """Connect and send, again and again, until all has been told."""
        while True:
            with suppress(OSError, WebSocketClosed, HandshakeRefused):
                if self._senders.url:
                    await self._connection(self._senders.url)
                    return
            await trio.sleep(_PAUSE_S)

    async def _connection(self, url: str) -> None:
        self._stream = stream = await trio.open_tcp_stream(HOST, int(url.rpartition(":")[2]))
        headers = {"Authorization": basic_authorization(self._identity, PASSWORD)}
        async with stream:
            with trio.fail_after(DEADLINE_S):
                ws = await connect(stream, connection_url(url, self._identity), headers, ["ocpp2.0.1"], Patience())
            async with ws:
                while not self._is_booted:
                    await self._boot(ws)
                while (request := self._next_event()) is not None:
                    await self._tell(ws, request)
                await ws.close()

    async def _boot(self, ws: WebSocket) -> None:
        boot = {"reason": "PowerUp", "chargingStation": {"model": "Wallbox", "vendorName": "Anybody"}}
        frame = await self._call(ws, "BootNotification", boot)
        self._is_booted = frame[0] == 3
        if not self._is_booted:
            await trio.sleep(_PAUSE_S)

    def _next_event(self) -> Payload | None:
        """What waits for its acknowledgement; or what has happened since."""
        if self._waiting is None:
            self._waiting = next(self._events, None)
        if self._waiting is None and not self._senders.is_ending:
            self._events = self._transaction()
            self._waiting = next(self._events)
        return self._waiting

    async def _tell(self, ws: WebSocket, request: Payload) -> None:
        key = (self._identity, request["transactionInfo"]["transactionId"], request["seqNo"])
        self._senders.try_to_tell(key, request)
        frame = await self._call(ws, "TransactionEvent", request)
        if not self._senders.note(key, request, frame):
            await trio.sleep(_PAUSE_S)
        elif self._chance.random() >= _ANSWER_LOST:
            self._waiting = None

    async def _call(self, ws: WebSocket, action: str, payload: Payload) -> list[Any]:
        """The frame that answers a CALL."""
        self._calls += 1
        message_id = f"{self._identity}-{self._calls}"
        await ws.send(json.dumps([2, message_id, action, payload]))
        with trio.fail_after(DEADLINE_S):
            while True:
                frame: list[Any] = json.loads(await ws.receive())
                if frame[0] == 2:
                    await ws.send(json.dumps([4, frame[1], "NotImplemented", "This station only tells", {}]))
                elif frame[1] == message_id:
                    return frame

    def _transaction(self) -> Iterator[Payload]:
        self._transactions += 1
        transaction_id = f"{self._identity}-T{self._transactions}"
        token = {"idToken": f"token-{self._identity}", "type": "ISO14443"}
        evse = {"id": 1, "connectorId": 1}
        last = self._chance.randint(2, 15)
        for seq_no in range(last + 1):
            kind, reason, context = "Updated", "MeterValuePeriodic", "Sample.Periodic"
            info = {"transactionId": transaction_id, "chargingState": "Charging"}
            more: Payload = {}
            if seq_no == 0:
                kind, reason, context = "Started", "Authorized", "Transaction.Begin"
                more = {"idToken": token, "evse": evse}
            elif seq_no == last:
                kind, reason, context = "Ended", "EVDeparted", "Transaction.End"
                info |= {"chargingState": "Idle", "stoppedReason": "EVDisconnected"}
            self._seconds += self._chance.randint(1, 60)
            self._register_wh += self._chance.randint(0, 4000) / 4
            at = to_wire(_START + timedelta(seconds=self._seconds))
            sampled = [
                {"value": self._register_wh, "context": context},
                {"value": self._chance.randint(0, 22_000), "context": context, "measurand": "Power.Active.Import"},
            ]
            yield {
                "eventType": kind,
                "timestamp": at,
                "triggerReason": reason,
                "seqNo": seq_no,
                "transactionInfo": info,
                "meterValue": [{"timestamp": at, "sampledValue": sampled}],
                **more,
            }
