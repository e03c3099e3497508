"""The closed loop: every station has one CALL outstanding, and sends the next when it is answered.

It must cost less than the server it measures. So frames are built before the clock runs, an expected answer is
recognised by its first bytes, and only what is not expected is parsed and judged.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench import websocket
from bench.figures import percentile
from bench.machine import Busy, CpuTimes
from bench.messages import Action
from bench.station import Said, Station
from bench.stations import EVENTS_AT_ONCE, READ_BYTES, LoadFailed, Stations, without_collector

DRAIN_S: Final = 30.0
LONGEST_WARM_UP_S: Final = 20.0
LONGEST_WINDOW_S: Final = 30.0

_SLICE_S: Final = 0.05
_TEXT_FRAME: Final = 0x80 | websocket.TEXT


@dataclass(frozen=True, slots=True)
class Window:
    """What was measured between the warm-up and the end.

    answers: correct ones, in so many seconds.   rate: answers per second.
    p50_s, p99_s: seconds from sending a CALL to reading its answer.
    busy: who used the two cores meanwhile.   warm: whether every station had had an answer before it began.
    """

    answers: int
    seconds: float
    rate: float
    p50_s: float
    p99_s: float
    busy: Busy
    warm: bool

    @property
    def per_cpu_s(self) -> float:
        """Answers for each CPU second that the server used; 0 if too few to be counted."""
        return self.rate / self.busy.server if self.busy.server else 0.0


@dataclass(frozen=True, slots=True)
class Played:
    """What was said. answered: how many CALLs, right.   bytes: of their text."""

    answered: int
    bytes: int


class Load(Stations):
    """Stations that send CALLs in a closed loop."""

    def __init__(self, port: int, *, prefix: str = "BENCH") -> None:
        super().__init__(port, prefix=prefix)
        self._sending = False

    def exchange(
        self, action: Action, *, warm_up_s: float, seconds: float, cpu_times: Callable[[], CpuTimes]
    ) -> Window:
        """Have every station send `action` again and again, and measure for `seconds` and to the end of a cycle.

        The warm-up lasts `warm_up_s` seconds and until every station has had an answer; then the window begins.
        A server that works in batches answers nobody for seconds and then everybody, so the window goes on until
        the number of answers is a multiple of the stations. Neither lasts longer than LONGEST_WARM_UP_S and
        LONGEST_WINDOW_S.   cpu_times: as of now.   Raises LoadFailed when no CALL was answered.
        """
        with without_collector():
            warm = self._warm_up(action, warm_up_s)
            took = array("d")
            before = cpu_times()
            began = time.perf_counter()
            self._pump(began + seconds, took)
            whole_cycles = max(math.ceil(len(took) / max(self.ready, 1)), 1) * self.ready
            while self._outstanding and len(took) < whole_cycles:
                if (now := time.perf_counter()) > began + max(seconds, LONGEST_WINDOW_S):
                    break
                self._pump(now + _SLICE_S, took)
            lasted = time.perf_counter() - began
            busy = cpu_times().since(before, lasted)
            self._drain()
        if not took:
            raise LoadFailed(f"no {action.value} was answered; errors: {dict(self.errors)}")
        ascending = sorted(took)
        return Window(
            answers=len(took),
            seconds=lasted,
            rate=len(took) / lasted,
            p50_s=percentile(ascending, 0.50),
            p99_s=percentile(ascending, 0.99),
            busy=busy,
            warm=warm,
        )

    def play(self, script: Callable[[int], Iterator[Said]], *, deadline_s: float) -> Played:
        """Have station number n say script(n) to its end.

        Raises LoadFailed when not all have come to their end after deadline_s seconds.
        """
        stations = list(self._stations.values())
        weight = 0

        def weighed(calls: Iterator[Said]) -> Iterator[Said]:
            nonlocal weight
            for message_id, text in calls:
                weight += len(text)
                yield message_id, text

        for station in stations:
            station.play(weighed(script(station.index)))
        took = array("d")
        with without_collector():
            self._begin_sending(stations)
            self._pump(time.perf_counter() + deadline_s, took)
        if self._outstanding:
            raise LoadFailed(f"{self._outstanding} stations had not said all after {deadline_s:.0f} s")
        self._sending = False
        return Played(len(took), weight)

    # Exchanging

    def _warm_up(self, action: Action, seconds: float) -> bool:
        stations = list(self._stations.values())
        for station in stations:
            station.take_up(action)
        self._begin_sending(stations)
        first = {station.index: station.number for station in stations}
        began = time.perf_counter()
        unmeasured = array("d")
        while self._outstanding and (now := time.perf_counter()) < began + LONGEST_WARM_UP_S:
            self._pump(now + _SLICE_S, unmeasured)
            warm = all(station.number > first[station.index] for station in self._stations.values())
            if warm and time.perf_counter() >= began + seconds:
                return True
        return False

    def _begin_sending(self, stations: Sequence[Station]) -> None:
        self._sending = True
        self._outstanding = len(stations)
        for station in stations:
            station.counted = True
            self._proceed(station, time.perf_counter())

    def _pump(self, until: float, took: array[float]) -> None:
        """Read answers, note how many seconds each took, and send the next, until then or until nothing is out."""
        poll, stations, clock = self._epoll.poll, self._stations, time.perf_counter
        while self._outstanding and (now := clock()) < until:
            for fd, _events in poll(until - now, EVENTS_AT_ONCE):
                station = stations[fd]
                try:
                    data = station.sock.recv(READ_BYTES)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self._lose(station, f"connection lost: {error.strerror}")
                    continue
                now = clock()
                if not (
                    data.startswith(station.expected, 2)
                    and data[0] == _TEXT_FRAME
                    and data[1] == len(data) - 2
                    and not station.buffer
                ):
                    if not data:
                        self._lose(station, "connection closed by the server")
                        continue
                    station.buffer += data
                    if self._judge(station) is None:
                        continue
                took.append(now - station.sent_at)
                self._proceed(station, now)

    def _proceed(self, station: Station, now: float) -> None:
        if not (self._sending and self._send_next(station, now)):
            super()._proceed(station, now)

    def _drain(self) -> None:
        """Wait for the last answers, so that the next measurement starts with nothing on its way."""
        self._sending = False
        self._pump(time.perf_counter() + DRAIN_S, array("d"))
        if self._outstanding:
            for station in list(self._stations.values()):
                if station.counted:
                    self._lose(station, f"no answer within {DRAIN_S:.0f} s")
