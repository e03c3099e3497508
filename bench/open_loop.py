"""The open loop: what is due is sent when it is due, whether or not what was sent before has been answered.

So a server that is slow for a moment has to catch up, as in the field, and whoever asks meanwhile feels it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import percentile
from bench.messages import Action
from bench.rest import Rest
from bench.station import Station
from bench.stations import EVENTS_AT_ONCE, LoadFailed, Stations, without_collector

DRAIN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long answers took, in seconds."""

    samples: int
    p50_s: float
    p99_s: float
    max_s: float

    @classmethod
    def of(cls, took: Sequence[float]) -> Latencies | None:
        """None when there were no answers."""
        if not took:
            return None
        ascending = sorted(took)
        return cls(len(took), percentile(ascending, 0.50), percentile(ascending, 0.99), ascending[-1])


@dataclass(slots=True)
class Duty:
    """Something to do `rate` times a second, the first time after `offset` periods."""

    rate: float
    do: Callable[[], None]
    offset: float = 0.0
    times: int = 0

    def due_at(self, began: float) -> float:
        """When it is to be done next."""
        return began + (self.times + self.offset) / self.rate


class OpenLoop(Stations):
    """Stations that answer what they are asked, and of which some send CALLs when it is their turn.

    rest: asks the same server by REST.   sent: CALLs since `take_up()`.   took: seconds from CALL to CALLRESULT of
    each of them that was answered right.
    """

    def __init__(self, port: int, rest_port: int, *, prefix: str = "BENCH") -> None:
        super().__init__(port, prefix=prefix)
        self.rest = Rest(rest_port, self._epoll)
        self.took: list[float] = []
        self.sent = 0
        self._senders: list[Station] = []
        self._turn = 0

    def __exit__(self, *exc: object) -> None:
        self.rest.close()
        super().__exit__(*exc)

    def take_errors(self) -> Counter[str]:
        """The errors since the last time this was asked, those of `rest` included."""
        errors, self.rest.errors = self.rest.errors, Counter()
        return super().take_errors() + errors

    def take_up(self, action: Action, count: int) -> None:
        """The first `count` stations are to say `action`, one after the other, each time send_next() is called."""
        self._senders = [station for station in self._stations.values() if station.index < count]
        for station in self._senders:
            station.take_up(action)
        self.took, self.sent, self._turn = [], 0, 0

    def send_next(self) -> None:
        """The station whose turn it is sends its next CALL, unless its last has not been answered."""
        station = self._senders[self._turn % len(self._senders)]
        self._turn += 1
        if station.counted or station.closed:
            return
        self.sent += 1
        station.counted = True
        self._outstanding += 1
        self._send_next(station, time.perf_counter())

    def say_once(self, action: Action) -> None:
        """All stations say `action`. Raises LoadFailed when not all were answered right."""
        self.take_up(action, len(self._stations))
        for _ in self._senders:
            self.send_next()
        self._drain()
        if len(self.took) < len(self._senders):
            raise LoadFailed(f"{len(self.took)} of {len(self._senders)} {action.value} were answered right")

    def work(self, seconds: float, duties: Sequence[Duty]) -> float:
        """Do what is due for so long, and wait for the last answers; how many seconds it took until all was sent."""
        with without_collector():
            began = time.perf_counter()
            end = began + seconds
            while (now := time.perf_counter()) < end:
                for duty in duties:
                    if duty.due_at(began) <= now:
                        duty.times += 1
                        duty.do()
                next_at = min((duty.due_at(began) for duty in duties), default=end)
                self._hear(min(next_at, end) - time.perf_counter())
            lasted = time.perf_counter() - began
            self._drain()
        return lasted

    def _drain(self) -> None:
        end = time.perf_counter() + DRAIN_S
        while (self._outstanding or self.rest.waiting) and (left := end - time.perf_counter()) > 0:
            self._hear(left)

    def _hear(self, patience_s: float) -> None:
        for fd, _events in self._epoll.poll(max(patience_s, 0), EVENTS_AT_ONCE):
            station = self._stations.get(fd)
            if station is not None:
                self._advance(station)
            else:
                self.rest.advance(fd)

    def _answered(self, station: Station, now: float) -> None:
        if station.counted:
            self.took.append(now - station.sent_at)
        super()._answered(station, now)
