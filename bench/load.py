"""The load generator: many stations on raw sockets in one thread, each with one CALL outstanding.

It must cost less than the server it measures. So frames are built before the clock runs, an expected answer is
recognised by its first bytes, and only what is not expected is parsed and judged.
"""

from __future__ import annotations

import base64
import errno
import gc
import math
import os
import select
import socket
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from bench import answers, messages, websocket
from bench.answers import Asked, Refused, Right, Stray
from bench.figures import percentile
from bench.machine import Busy, CpuTimes
from bench.messages import Action
from bench.station import NO_ANSWER_EXPECTED, Phase, Station

HOST: Final = "127.0.0.1"
DRAIN_S: Final = 30.0
LONGEST_WARM_UP_S: Final = 20.0
LONGEST_WINDOW_S: Final = 30.0

_READ_BYTES: Final = 65536
_EVENTS_AT_ONCE: Final = 512
_SLICE_S: Final = 0.05
# Any 16 bytes do: the key proves that the server speaks WebSocket, and is no secret.
_HANDSHAKE_KEY: Final = base64.b64encode(b"benchmark-client").decode()
_TEXT_FRAME: Final = 0x80 | websocket.TEXT


class LoadFailed(Exception):
    """The measurement could not be made; the text says what happened instead."""


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


class Load:
    """Stations that connect to one server, boot, and send CALLs in a closed loop.

    errors: what went wrong, and how often.   asked: CALLs of the server by action, answered with NotImplemented.
    """

    def __init__(self, port: int, *, prefix: str = "BENCH") -> None:
        self.errors: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self._port = port
        self._prefix = prefix
        self._epoll = select.epoll()
        self._stations: dict[int, Station] = {}
        self._begun = 0
        self._handshaking = 0
        self._outstanding = 0
        self._sending = False

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_exc: object) -> None:
        for station in self._stations.values():
            station.close()
        self._epoll.close()

    @property
    def ready(self) -> int:
        """Stations whose boot was accepted and whose connection still stands."""
        return len(self._stations) - self._handshaking

    def take_errors(self) -> Counter[str]:
        """The errors since the last time this was asked."""
        errors, self.errors = self.errors, Counter()
        return errors

    def connect(self, count: int, *, in_flight: int = 200, deadline_s: float) -> float:
        """Connect, authenticate and boot `count` more stations; answers how many seconds that took.

        in_flight: stations between connecting and being accepted, at most.   Raises LoadFailed after deadline_s
        seconds, or when not all of them were accepted.
        """
        wanted = self.ready + count
        end = self._begun + count
        began = time.perf_counter()
        with _without_collector():
            while self._begun < end or self._handshaking:
                left = began + deadline_s - time.perf_counter()
                if left <= 0:
                    break
                while self._begun < end and self._handshaking < in_flight:
                    self._begin()
                for fd, _events in self._epoll.poll(left, _EVENTS_AT_ONCE):
                    self._advance(self._stations[fd])
        took = time.perf_counter() - began
        if self.ready < wanted:
            raise LoadFailed(
                f"{self.ready} of {wanted} stations were accepted within {took:.1f} s; errors: {dict(self.errors)}"
            )
        return took

    def exchange(
        self, action: Action, *, warm_up_s: float, seconds: float, cpu_times: Callable[[], CpuTimes]
    ) -> Window:
        """Have every station send `action` again and again, and measure for `seconds` and to the end of a cycle.

        The warm-up lasts `warm_up_s` seconds and until every station has had an answer; then the window begins.
        A server that works in batches answers nobody for seconds and then everybody, so the window goes on until
        the number of answers is a multiple of the stations. Neither lasts longer than LONGEST_WARM_UP_S and
        LONGEST_WINDOW_S.   cpu_times: as of now.   Raises LoadFailed when no CALL was answered.
        """
        with _without_collector():
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

    def idle(self, seconds: float) -> None:
        """Send nothing for so long; pings are answered."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            for fd, _events in self._epoll.poll(left, _EVENTS_AT_ONCE):
                self._advance(self._stations[fd])

    # Connecting

    def _begin(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        station = Station(sock, self._begun)
        self._begun += 1
        code = sock.connect_ex((HOST, self._port))
        if code not in {0, errno.EINPROGRESS}:
            sock.close()
            self.errors[f"connecting: {os.strerror(code)}"] += 1
            return
        self._stations[sock.fileno()] = station
        self._handshaking += 1
        self._epoll.register(sock, select.EPOLLOUT)

    def _advance(self, station: Station) -> None:
        """Whatever is next for a station that something has happened to, outside of the measured window."""
        if station.phase is Phase.CONNECTING:
            self._upgrade(station)
            return
        if not self._receive(station):
            return
        if station.phase is Phase.UPGRADING:
            try:
                done = websocket.take_handshake_response(
                    station.buffer, key=_HANDSHAKE_KEY, subprotocol=messages.SUBPROTOCOL
                )
            except websocket.HandshakeRefused as refusal:
                self._lose(station, f"handshake refused: {refusal}")
                return
            if not done:
                return
            station.phase = Phase.BOOTING
            station.take_up(Action.BOOT_NOTIFICATION)
            self._send_next(station, time.perf_counter())
        answer = self._judge(station)
        if answer is not None and station.phase is Phase.BOOTING:
            if answer.get("status") != "Accepted":
                self._lose(station, f"boot answered {answer.get('status')}")
                return
            station.phase = Phase.READY
            self._handshaking -= 1

    def _upgrade(self, station: Station) -> None:
        if code := station.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lose(station, f"connecting: {os.strerror(code)}")
            return
        name = messages.identity(station.index, self._prefix)
        station.phase = Phase.UPGRADING
        self._epoll.modify(station.sock, select.EPOLLIN)
        self._send(
            station,
            websocket.handshake_request(
                host=f"{HOST}:{self._port}",
                path=f"/ocpp/{name}",
                subprotocol=messages.SUBPROTOCOL,
                user=name,
                password=messages.PASSWORD,
                key=_HANDSHAKE_KEY,
            ),
        )

    # Exchanging

    def _warm_up(self, action: Action, seconds: float) -> bool:
        stations = list(self._stations.values())
        for station in stations:
            station.take_up(action)
            station.counted = True
        self._sending = True
        self._outstanding = len(stations)
        for station in stations:
            self._send_next(station, time.perf_counter())
        first = {station.index: station.number for station in stations}
        began = time.perf_counter()
        unmeasured = array("d")
        while self._outstanding and (now := time.perf_counter()) < began + LONGEST_WARM_UP_S:
            self._pump(now + _SLICE_S, unmeasured)
            warm = all(station.number > first[station.index] for station in self._stations.values())
            if warm and time.perf_counter() >= began + seconds:
                return True
        return False

    def _pump(self, until: float, took: array[float]) -> None:
        """Read answers, note how many seconds each took, and send the next, until then or until nothing is out."""
        poll, stations, clock = self._epoll.poll, self._stations, time.perf_counter
        while self._outstanding and (now := clock()) < until:
            for fd, _events in poll(until - now, _EVENTS_AT_ONCE):
                station = stations[fd]
                try:
                    data = station.sock.recv(_READ_BYTES)
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
        if self._sending:
            self._send_next(station, now)
        else:
            station.expected = NO_ANSWER_EXPECTED
            station.counted = False
            self._outstanding -= 1

    def _drain(self) -> None:
        """Wait for the last answers, so that the next measurement starts with nothing on its way."""
        self._sending = False
        self._pump(time.perf_counter() + DRAIN_S, array("d"))
        if self._outstanding:
            for station in list(self._stations.values()):
                if station.counted:
                    self._lose(station, f"no answer within {DRAIN_S:.0f} s")

    # One station's socket

    def _send_next(self, station: Station, now: float) -> None:
        self._send(station, station.next_frame(now))

    def _send(self, station: Station, data: bytes) -> None:
        try:
            if station.sock.send(data) == len(data):
                return
            reason = "the socket took only a part"
        except OSError as error:
            reason = f"sending: {error.strerror}"
        self._lose(station, reason)

    def _receive(self, station: Station) -> bool:
        """Move what has arrived into the station's buffer; False when there was nothing, or never will be."""
        try:
            data = station.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            self._lose(station, f"connection lost: {error.strerror}")
            return False
        if not data:
            self._lose(station, f"connection closed by the server while {station.phase.name.lower()}")
            return False
        station.buffer += data
        return True

    def _judge(self, station: Station) -> dict[str, Any] | None:
        """Go through the frames in the buffer; the payload of the awaited CALLRESULT if it is among them."""
        payload: dict[str, Any] | None = None
        try:
            for frame in websocket.take_frames(station.buffer):
                match frame.opcode:
                    case websocket.TEXT:
                        match answers.judge(frame.payload, station.awaited):
                            case Right() as right:
                                payload = right.payload
                                station.expected = NO_ANSWER_EXPECTED  # a second one would be too many
                            case other:
                                self._complain(station, other)
                    case websocket.PING:
                        self._send(station, websocket.client_frame(websocket.PONG, frame.payload))
                    case websocket.CLOSE:
                        code = int.from_bytes(frame.payload[:2], "big")
                        self._lose(station, f"closed by the server with code {code}")
                        break
                    case opcode:
                        self.errors[f"frame with opcode {opcode:#x}"] += 1
        except websocket.ProtocolViolation as violation:
            self._lose(station, str(violation))
        return None if station.closed else payload

    def _complain(self, station: Station, message: Refused | Asked | Stray) -> None:
        match message:
            case Asked(message_id, action):
                self.asked[action] += 1
                refusal = websocket.client_frame(websocket.TEXT, answers.not_implemented(message_id))
                self._send(station, refusal)
            case Stray(error):
                self.errors[error] += 1
            case Refused(error) if station.phase is Phase.READY:
                self.errors[error] += 1
                self._proceed(station, time.perf_counter())
            case Refused(error):
                self._lose(station, f"boot answered with {error}")

    def _lose(self, station: Station, reason: str) -> None:
        if station.closed:
            return
        self.errors[reason] += 1
        if station.phase is not Phase.READY:
            self._handshaking -= 1
        elif station.counted:
            self._outstanding -= 1
        del self._stations[station.sock.fileno()]
        station.close()


@contextmanager
def _without_collector() -> Iterator[None]:
    """No garbage collection in this process: its pauses would be counted as the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
