"""How long a driver waits for a reservation: REST, CSMS, station and back, while many other stations are charging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench import messages
from bench.machine import Busy
from bench.messages import Action
from bench.open_loop import Duty, Latencies, OpenLoop
from bench.rest import Request
from bench.server import Server
from bench.stations import LoadFailed

STATIONS: Final = 2_000
CHARGING: Final = 1_000
EVENTS_PER_S: Final = 500.0
REQUESTS_PER_S: Final = 25.0
SECONDS: Final = 15.0
WARM_UP_S: Final = 2.0

_SETTLE_S: Final = 2.0
_DEADLINE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Reservations at one rate of TransactionEvents, and beside them the smallest request there is.

    events_per_s: how many were sent; 0 for none.   reserve, healthz, events: how long each took.
    busy: who used the two cores.
    """

    contender: str
    round: int
    stations: int
    events_per_s: float
    reserve: Latencies
    healthz: Latencies
    events: Latencies | None
    busy: Busy


def measure(server: Server, loop: OpenLoop, contender: str, number: int) -> Iterator[RoundTrips]:
    """First while the stations are idle, then while some of them are charging.

    server, loop: fresh ones.   number: of the round.   Raises LoadFailed and ServerFailed.
    """
    loop.connect(STATIONS, deadline_s=_DEADLINE_S)
    loop.say_once(Action.STATUS_NOTIFICATION)
    loop.idle(_SETTLE_S)
    free = iter(range(CHARGING, STATIONS))  # each is reserved once, so that all can accept
    for events_per_s in (0.0, EVENTS_PER_S):
        _work(loop, WARM_UP_S, events_per_s, free)
        before = server.cpu_times()
        asked = _work(loop, SECONDS, events_per_s, free)
        busy = server.cpu_times().since(before, asked.lasted_s)
        reserve, healthz = Latencies.of(asked.reserve), Latencies.of(asked.healthz)
        if reserve is None or healthz is None:
            raise LoadFailed(f"nothing was answered right; errors: {dict(loop.take_errors())}")
        achieved = loop.sent / asked.lasted_s
        yield RoundTrips(contender, number, STATIONS, achieved, reserve, healthz, Latencies.of(loop.took), busy)


@dataclass(frozen=True, slots=True)
class _Asked:
    lasted_s: float
    reserve: list[float]
    healthz: list[float]


def _work(loop: OpenLoop, seconds: float, events_per_s: float, free: Iterator[int]) -> _Asked:
    reserve: list[float] = []
    healthz: list[float] = []
    duties = [
        Duty(REQUESTS_PER_S, lambda: loop.rest.ask(_reservation(next(free)), reserve.append)),
        Duty(REQUESTS_PER_S, lambda: loop.rest.ask(Request("GET", "/healthz"), healthz.append), offset=0.5),
    ]
    loop.take_up(Action.TRANSACTION_EVENT, CHARGING)
    if events_per_s:
        duties.append(Duty(events_per_s, loop.send_next))
    return _Asked(loop.work(seconds, duties), reserve, healthz)


def _reservation(index: int) -> Request:
    return Request("POST", f"/reserve/{messages.identity(index)}", b'"Accepted"')
