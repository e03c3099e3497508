"""`python -m station` as a process, on real sockets and by the real clock."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest
import trio
from websockets.http11 import Request

from shared.handshake import accept
from shared.ocppj.frames import Call, CallResult, parse
from shared.websocket import Patience, WebSocket, WebSocketClosed
from station.state import open_state

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "station"]
PATIENCE_S = 30.0


@dataclass
class Csms:
    """Accepts every station, on a port of its own, and writes down what comes.

    deaf: it never says goodbye. reported: a status has come. left: the station has said goodbye.
    """

    deaf: bool = False
    url: str = ""
    actions: list[str] = field(default_factory=list)
    goodbye: WebSocketClosed | None = None
    reported: trio.Event = field(default_factory=trio.Event)
    left: trio.Event = field(default_factory=trio.Event)

    async def serve(self, stream: trio.SocketStream) -> None:
        ws = await accept(stream, _welcome, lambda offered: offered[0], Patience())
        try:
            await self._answer(ws)
        except WebSocketClosed as closed:
            self.goodbye = closed
            self.left.set()

    async def _answer(self, ws: WebSocket) -> None:
        while True:
            call = parse(await ws.receive())
            assert isinstance(call, Call)
            self.actions.append(call.action)
            boot = {"currentTime": "2026-11-22T03:52:53.938Z", "interval": 300, "status": "Accepted"}
            await ws.send(CallResult(call.message_id, boot if call.action == "BootNotification" else {}).to_text())
            if call.action == "StatusNotification":
                self.reported.set()
                if self.deaf:
                    await trio.sleep_forever()


async def _welcome(_: Request) -> None:
    await trio.lowlevel.checkpoint()


@asynccontextmanager
async def running_csms(*, deaf: bool = False) -> AsyncIterator[Csms]:
    csms = Csms(deaf)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    csms.url = f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, csms.serve, listeners)
        with trio.fail_after(PATIENCE_S):
            yield csms
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def running_station(*arguments: str) -> AsyncIterator[trio.Process]:
    """The program, ended in any case."""
    start = partial(trio.run_process, [*COMMAND, *arguments], cwd=ROOT, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(partial(start, check=False))
        try:
            yield process
        finally:
            nursery.cancel_scope.cancel()


async def lines_of(process: trio.Process, until: str | None = None) -> str:
    """What it prints on stderr, up to the line with `until` in it or to the end."""
    assert process.stderr is not None
    text = ""
    with trio.fail_after(PATIENCE_S):
        async for chunk in process.stderr:
            text += bytes(chunk).decode()
            if until is not None and until in text:
                break
    return text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_station_boots_and_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    async with running_csms() as csms, running_station("CP_1", "--csms", csms.url, "--evses", "2") as process:
        shown = await lines_of(process, '"evseId":2')
        await csms.reported.wait()
        process.send_signal(number)
        shown += await lines_of(process)
        assert await process.wait() == 0
        await csms.left.wait()
        assert csms.goodbye is not None
        assert csms.goodbye.code == 1001
        assert csms.actions == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert f'INFO:root:CP_1: connected to {csms.url}/CP_1 (ocpp2.0.1)\nINFO:ocpp:CP_1: send [2,"' in shown
    assert 'INFO:ocpp:CP_1: receive message [3,"' in shown
    assert f"INFO:root:CP_1: {number.name}, stopping\n" in shown
    assert "Traceback" not in shown


async def test_a_second_signal_ends_it_at_once() -> None:
    async with running_csms(deaf=True) as csms, running_station("CP_1", "--csms", csms.url) as process:
        await csms.reported.wait()
        process.send_signal(signal.SIGTERM)
        await lines_of(process, "stopping")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == -signal.SIGTERM


async def test_without_a_csms_it_says_so_and_can_be_stopped() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    async with running_station("CP_1", "--csms", f"ws://127.0.0.1:{port}") as process:
        shown = await lines_of(process, "connecting again")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    assert f"WARNING:root:CP_1: ws://127.0.0.1:{port}/CP_1 cannot be reached: Connection refused;" in shown


async def test_the_first_line_on_stdout_tells_where_the_control_interface_is() -> None:
    async with (
        running_csms() as csms,
        running_station("CP_1", "--csms", csms.url, "--control", "127.0.0.1:0") as process,
    ):
        assert process.stdout is not None
        first = b""
        with trio.fail_after(PATIENCE_S):
            while not first.endswith(b"\n"):
                first += await process.stdout.receive_some()
        assert re.fullmatch(rb"Control on http://127\.0\.0\.1:\d+\n", first)
        port = int(first.rpartition(b":")[2])
        await csms.reported.wait()
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"POST /network/down HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert b"200" in await stream.receive_some()
        await csms.left.wait()
        assert csms.goodbye is not None
        assert csms.goodbye.code == 1006
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_a_control_interface_that_cannot_listen_is_a_mistake() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    assert await complaint("CP_1", "--control", f"127.0.0.1:{port}") == (
        f"station: the control interface cannot listen on 127.0.0.1:{port}: Address already in use; "
        "give another --control HOST:PORT\n"
    )
    await listeners[0].aclose()


async def test_a_station_without_a_control_interface_does_not_load_what_that_takes() -> None:
    program = "import sys, station.__main__; print(sorted({'quart', 'hypercorn', 'werkzeug'} & set(sys.modules)))"
    with trio.fail_after(PATIENCE_S):
        run = await trio.run_process([sys.executable, "-c", program], cwd=ROOT, capture_stdout=True)
    assert run.stdout == b"[]\n"


async def test_a_state_directory_in_use_or_of_another_station_is_told_in_one_line_with_status_2(tmp_path: Path) -> None:
    async with open_state(tmp_path, "CP_1"):
        assert await complaint("CP_1", "--state-dir", str(tmp_path)) == (
            f"station: {tmp_path}/station.sqlite3 is in use by another process\n"
        )
    assert await complaint("CP_2", "--state-dir", str(tmp_path)) == (
        f"station: {tmp_path} is the state of CP_1: CP_2 needs a directory of its own\n"
    )


async def complaint(*arguments: str) -> str:
    """What it prints before it ends with status 2."""
    with trio.fail_after(PATIENCE_S):
        run = await trio.run_process(
            [*COMMAND, *arguments], cwd=ROOT, check=False, capture_stdout=True, capture_stderr=True
        )
    assert (run.returncode, run.stdout) == (2, b"")
    return run.stderr.decode()


@pytest.mark.parametrize("arguments", [["CP:1"], ["CP_1", "--csms", "9000"], ["CP_1", "--evses", "0"], []])
async def test_a_mistake_is_told_in_one_line_with_status_2(arguments: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STATION_")}
    with trio.fail_after(PATIENCE_S):
        run = await trio.run_process(
            [*COMMAND, *arguments], cwd=ROOT, env=environment, check=False, capture_stdout=True, capture_stderr=True
        )
    assert (run.returncode, run.stdout) == (2, b"")
    assert run.stderr.startswith(b"station: ")
    assert run.stderr.count(b"\n") == 1
