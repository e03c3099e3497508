"""A foreign station as the tests see it: what they have it say, and where they look whether the CSMS has kept it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
import trio

from tests.interop.peer import Peer
from tests.processes import DEADLINE_S, Csms, Programs

IDENTITY: Final = "FOREIGN"
STATION: Final = f"/api/v1/stations/{IDENTITY}"
CHARGING_STATION: Final = {"model": "Foreign", "vendor_name": "Abroad"}

Payload = dict[str, Any]


def at(seconds: float) -> str:
    """That many seconds into the morning on which the stations of these tests do what they do, by their clocks."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"2026-11-20T{8 + hours:02}:{minutes:02}:{seconds:06.3f}Z"


class ForeignStation(Peer):
    """A station on the `ocpp` library. What it sends and gets has the library's names."""

    async def connect(self, csms: Csms) -> None:
        """Connect, again."""
        self.forget()
        await self.do("connect", url=f"{csms.url}/{IDENTITY}")

    async def boot(self, reason: str = "PowerUp", **more: Any) -> Payload:
        """Send a BootNotification; the response."""
        charging_station = CHARGING_STATION | more
        answer: Payload = await self.call("BootNotification", charging_station=charging_station, reason=reason)
        return answer

    async def report(self, status: str, evse_id: int = 1, *, timestamp: str = at(0)) -> None:
        """Send a StatusNotification."""
        answer = await self.call(
            "StatusNotification", timestamp=timestamp, connector_status=status, evse_id=evse_id, connector_id=1
        )
        assert answer == {}

    async def event(
        self,
        event_type: str,
        transaction_id: str,
        seq_no: int,
        timestamp: str | None = None,
        *,
        info: Mapping[str, Any] | None = None,
        trigger_reason: str = "CablePluggedIn",
        **more: Any,
    ) -> Payload:
        """Send a TransactionEvent; the response. info: more of the transactionInfo."""
        answer: Payload = await self.call(
            "TransactionEvent",
            event_type=event_type,
            timestamp=at(seq_no) if timestamp is None else timestamp,
            trigger_reason=trigger_reason,
            seq_no=seq_no,
            transaction_info={"transaction_id": transaction_id, **(info or {})},
            **more,
        )
        return answer

    async def will_answer(self, action: str, **how: Any) -> None:
        """From now on it answers so; what it got before is forgotten."""
        self.forget()
        await self.do("answer", action=action, **how)


async def csms_and_station(
    programs: Programs, *options: str, environment: Mapping[str, str] | None = None, registration: str | None = None
) -> tuple[Csms, ForeignStation]:
    """Our CSMS, and a foreign station that is connected. registration: what an operator has decided on it before."""
    station = await foreign_station(programs)
    csms = await programs.csms(*options, environment=environment)
    if registration is not None:
        await csms.put(IDENTITY, registration=registration)
    await station.connect(csms)
    return csms, station


async def csms_and_booted_station(
    programs: Programs, *options: str, environment: Mapping[str, str] | None = None, evses: int = 1
) -> tuple[Csms, ForeignStation]:
    """Our CSMS, and a foreign station that was accepted and has reported its connectors Available."""
    csms, station = await csms_and_station(programs, *options, environment=environment)
    assert (await station.boot())["status"] == "Accepted"
    for evse_id in range(1, evses + 1):
        await station.report("Available", evse_id)
    return csms, station


async def foreign_station(programs: Programs) -> ForeignStation:
    """A foreign station that is not connected yet."""
    return await ForeignStation.start(programs, "foreign_station", IDENTITY, "a password")


class Events:
    """What the CSMS tells those who follow its events."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._rest = b""
        self._lines: deque[bytes] = deque()

    async def next(self, event_type: str, **data: Any) -> Payload:
        """The data of the next event of that type, and with those data; others before it are passed over."""
        with trio.move_on_after(DEADLINE_S):
            while True:
                line = await self._line()
                if line.startswith(b"data: "):
                    event = orjson.loads(line.removeprefix(b"data: "))
                    told: Payload = event["data"]
                    if event["type"] == event_type and data.items() <= told.items():
                        return told
        raise AssertionError(f"there was no event {event_type} {data} within {DEADLINE_S:g} s")

    async def _line(self) -> bytes:
        while not self._lines:
            received = await self._stream.receive_some()
            assert received, "the stream has ended"
            *lines, self._rest = (self._rest + received).split(b"\n")
            self._lines.extend(lines)
        return self._lines.popleft()


@asynccontextmanager
async def events(csms: Csms) -> AsyncIterator[Events]:
    """Follow the events, from the first there was."""
    url = csms.rest.base_url
    async with await trio.open_tcp_stream(url.host, url.port or 0) as stream:
        # An answer of HTTP 1.0 is not cut into chunks.
        await stream.send_all(b"GET /api/v1/events?after=0 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        yield Events(stream)
