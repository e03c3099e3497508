"""Many stations on raw sockets in one thread, as a server sees them: they connect, boot and answer what they are asked.

What they say beside that is for others to decide: see load.py and open_loop.py.
"""

from __future__ import annotations

import base64
import errno
import gc
import os
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from bench import answers, messages, websocket
from bench.answers import Asked, Refused, Right, Stray
from bench.messages import Action
from bench.station import NO_ANSWER_EXPECTED, Phase, Station

HOST: Final = "127.0.0.1"
READ_BYTES: Final = 65536
EVENTS_AT_ONCE: Final = 512

# Any 16 bytes do: the key proves that the server speaks WebSocket, and is no secret.
_HANDSHAKE_KEY: Final = base64.b64encode(b"benchmark-client").decode()


class LoadFailed(Exception):
    """The measurement could not be made; the text says what happened instead."""


class Stations:
    """Connections to one server.

    errors: what went wrong, and how often.   asked: CALLs of the server by action that were answered NotImplemented.
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

    def __enter__(self) -> Self:
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
        with without_collector():
            while self._begun < end or self._handshaking:
                left = began + deadline_s - time.perf_counter()
                if left <= 0:
                    break
                while self._begun < end and self._handshaking < in_flight:
                    self._begin()
                for fd, _events in self._epoll.poll(left, EVENTS_AT_ONCE):
                    self._advance(self._stations[fd])
        took = time.perf_counter() - began
        if self.ready < wanted:
            raise LoadFailed(
                f"{self.ready} of {wanted} stations were accepted within {took:.1f} s; errors: {dict(self.errors)}"
            )
        return took

    def idle(self, seconds: float) -> None:
        """Send nothing for so long; what the server asks is answered."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            for fd, _events in self._epoll.poll(left, EVENTS_AT_ONCE):
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
        elif answer is not None:
            self._answered(station, time.perf_counter())

    def _answered(self, station: Station, now: float) -> None:
        """The CALLRESULT that a station awaited has come."""
        self._proceed(station, now)

    def _proceed(self, station: Station, _now: float) -> None:
        """The CALL of a station is over, answered right or refused."""
        station.expected = NO_ANSWER_EXPECTED
        if station.counted:
            station.counted = False
            self._outstanding -= 1

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

    # One station's socket

    def _send_next(self, station: Station, now: float) -> bool:
        """False when it has nothing left to say."""
        frame = station.next_frame(now)
        if frame is not None:
            self._send(station, frame)
        return frame is not None

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
            data = station.sock.recv(READ_BYTES)
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
                reply = answers.reply(message_id, action)
                if reply is None:
                    self.asked[action] += 1
                    reply = answers.not_implemented(message_id)
                self._send(station, websocket.client_frame(websocket.TEXT, reply))
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
def without_collector() -> Iterator[None]:
    """No garbage collection in this process: its pauses would be counted as the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
