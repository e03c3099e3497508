"""Peers that keep no rules, and a witness: a well-behaved station that must be served all the while."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Any, Final

import trio

from bench.machine import resident_bytes
from shared.handshake import basic_authorization, connect, connection_url
from shared.websocket import Patience
from tests.processes import DEADLINE_S, HOST, Csms

PASSWORD: Final = "station-password"
SERVED_WITHIN_S: Final = 2.0
"""How long the CSMS may take to answer the witness, whatever others do; generous, for the machine may be busy."""
MEMORY_BYTES: Final = 48 * 2**20
"""How much the CSMS may grow by, whatever others do: the buffers of a few connections, and the allocator's slack."""
_BEAT_S: Final = 0.02

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
HEARTBEAT: Final = '[2,"{}","Heartbeat",{{}}]'


def frame(
    payload: bytes | str, opcode: int = TEXT, *, fin: bool = True, rsv1: bool = False, masked: bool = True
) -> bytes:
    """One WebSocket frame (RFC 6455 §5.2). Its mask is all zeros, which is allowed and leaves the payload readable."""
    data = payload.encode() if isinstance(payload, str) else payload
    first, mask = (0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode, 0x80 if masked else 0
    if len(data) < 126:
        head = struct.pack("!BB", first, mask | len(data))
    elif len(data) < 2**16:
        head = struct.pack("!BBH", first, mask | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, mask | 127, len(data))
    return head + bytes(4 if masked else 0) + data


def deflated(payload: bytes) -> bytes:
    """A payload as permessage-deflate sends it (RFC 7692 §7.2.1)."""
    compress = zlib.compressobj(wbits=-15)
    return (compress.compress(payload) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Peer:
    """A TCP connection to where stations connect."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = b""

    async def send(self, data: bytes) -> None:
        """Send it, whatever it is."""
        await self.stream.send_all(data)

    async def ask_to_upgrade(
        self, identity: str, password: str = PASSWORD, *, extensions: str | None = None, end: str = "\r\n\r\n"
    ) -> None:
        """Send the request of an opening handshake."""
        lines = [
            f"GET /{identity} HTTP/1.1",
            f"Host: {HOST}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: ocpp2.0.1",
            f"Authorization: {basic_authorization(identity, password)}",
        ]
        if extensions is not None:
            lines.append(f"Sec-WebSocket-Extensions: {extensions}")
        await self.send(("\r\n".join(lines) + end).encode())

    async def response(self) -> int:
        """The status of the answer to that request."""
        with trio.fail_after(DEADLINE_S):
            while b"\r\n\r\n" not in self._received:
                await self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return int(head.split()[1])

    async def boot(self) -> None:
        """Send a BootNotification and read the answer."""
        boot = {"reason": "PowerUp", "chargingStation": {"model": "Brick", "vendorName": "Nobody"}}
        await self.send(frame(json.dumps([2, "boot", "BootNotification", boot])))
        assert (await self.message())[2]["status"] == "Accepted"

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame. Raises EOFError when there is none."""
        with trio.fail_after(DEADLINE_S):
            opcode = (await self._take(1))[0] & 0x0F
            length = (await self._take(1))[0]
            if length == 126:
                (length,) = struct.unpack("!H", await self._take(2))
            return opcode, await self._take(length)

    async def message(self) -> list[Any]:
        """The next OCPP-J message."""
        opcode, payload = await self.frame()
        assert opcode == TEXT, (opcode, payload)
        message: list[Any] = json.loads(payload)
        return message

    async def read_a_byte(self) -> None:
        """Read no more than one byte."""
        with trio.fail_after(DEADLINE_S):
            self._received += await self.stream.receive_some(1)

    async def close_code(self) -> int:
        """The code of the CSMS's goodbye; whatever comes before it is passed over."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def is_cut_off(self) -> None:
        """Wait until the CSMS has closed the connection; whatever comes before that is passed over."""
        with trio.fail_after(DEADLINE_S):
            try:
                while await self.stream.receive_some():
                    pass
            except trio.BrokenResourceError:
                pass

    async def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            await self._receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    async def _receive(self) -> None:
        try:
            data = await self.stream.receive_some()
        except trio.BrokenResourceError:
            data = b""
        if not data:
            raise EOFError
        self._received += data


@asynccontextmanager
async def tcp_peer(csms: Csms, *, small_window: bool = False) -> AsyncIterator[Peer]:
    """A connection that has sent nothing yet. small_window: it holds little that was not read."""
    socket = trio.socket.socket()
    if small_window:
        socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
    stream = trio.SocketStream(socket)
    try:
        await socket.connect((HOST, csms.port))
        yield Peer(stream)
    finally:
        await trio.aclose_forcefully(stream)


@asynccontextmanager
async def websocket_peer(
    csms: Csms, identity: str, *, extensions: str | None = None, small_window: bool = False
) -> AsyncIterator[Peer]:
    """A connection whose handshake is done."""
    async with tcp_peer(csms, small_window=small_window) as peer:
        await peer.ask_to_upgrade(identity, extensions=extensions)
        assert await peer.response() == 101
        yield peer


class Witness:
    """A well-behaved station, ours, that looks at its watch and at the memory of the CSMS."""

    def __init__(self, csms: Csms) -> None:
        self._csms = csms
        self._memory_before = resident_bytes(csms.pid)
        self.answered = 0
        self.slowest_s = 0.0
        self.growth_bytes = 0
        self._beats = trio.lowlevel.ParkingLot()

    async def live(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Boot, then send a Heartbeat again and again; AssertionError as soon as one is answered too late."""
        url = connection_url(self._csms.url, "WITNESS")
        headers = {"Authorization": basic_authorization("WITNESS", PASSWORD)}
        stream = await trio.open_tcp_stream(HOST, self._csms.port)
        async with await connect(stream, url, headers, ["ocpp2.0.1"], Patience()) as ws:
            boot = {"reason": "PowerUp", "chargingStation": {"model": "Wallbox", "vendorName": "Anybody"}}
            await ws.send(json.dumps([2, "boot", "BootNotification", boot]))
            assert '"Accepted"' in await ws.receive()
            task_status.started()
            while True:
                sent_at = trio.current_time()
                await ws.send(HEARTBEAT.format(self.answered))
                with trio.move_on_after(SERVED_WITHIN_S) as patience:
                    assert json.loads(await ws.receive())[:2] == [3, str(self.answered)]
                assert not patience.cancelled_caught, f"not served within {SERVED_WITHIN_S} s"
                self.answered += 1
                self.slowest_s = max(self.slowest_s, trio.current_time() - sent_at)
                self.growth_bytes = max(self.growth_bytes, resident_bytes(self._csms.pid) - self._memory_before)
                self._beats.unpark_all()
                await trio.sleep(_BEAT_S)

    async def is_served_again(self) -> None:
        """Wait for two answers to come in: the second one to a Heartbeat that was sent after this was asked."""
        with trio.fail_after(DEADLINE_S):
            for _ in range(2):
                await self._beats.park()


@asynccontextmanager
async def witness(csms: Csms) -> AsyncIterator[Witness]:
    """Throughout the block another station is served, and behind it too; and the CSMS's memory stays bounded."""
    witness = Witness(csms)
    async with trio.open_nursery() as nursery:
        await nursery.start(witness.live)
        yield witness
        await witness.is_served_again()
        nursery.cancel_scope.cancel()
    print(
        f"{witness.answered} heartbeats answered, the slowest in {witness.slowest_s:.3f} s; "
        f"grown by {witness.growth_bytes / 2**20:.1f} MiB"
    )
    assert witness.growth_bytes < MEMORY_BYTES
    assert csms.is_running
