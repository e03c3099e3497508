"""A contender as a running process: started on one core, watched, and ended whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.contenders import ROOT, Contender, Place
from bench.machine import CpuTimes, cpu_times, resident_bytes
from bench.stations import HOST

START_S: Final = 30.0
STOP_S: Final = 10.0

_TRY_AGAIN_S: Final = 0.05
_SHOWN_LINES: Final = 15


class ServerFailed(Exception):
    """The server did not come up, or ended by itself; the text ends with the last it printed."""


class Server:
    """A running contender. port: where stations connect.   rest_port: where its REST listens, if it has that."""

    def __init__(
        self, process: subprocess.Popen[bytes], place: Place, output: Path | None, cores: tuple[int, int]
    ) -> None:
        self.port = place.port
        self.rest_port = place.second_port
        self._cores = cores
        self._process = process
        self._output = output

    def check(self) -> None:
        """Raises ServerFailed if the process is gone."""
        if (code := self._process.poll()) is not None:
            raise ServerFailed(f"the server ended with exit code {code}{self._last_words()}")

    def cpu_times(self) -> CpuTimes:
        """CPU seconds used so far by it and around it. Raises ServerFailed if the process is gone."""
        self.check()
        return cpu_times(server_pid=self._process.pid, server_core=self._cores[0], load_core=self._cores[1])

    def resident_bytes(self) -> int:
        """Resident memory. Raises ServerFailed if the process is gone."""
        self.check()
        return resident_bytes(self._process.pid)

    def wait_until_it_listens(self) -> None:
        """Try to connect until it works. Raises ServerFailed after START_S seconds, or when the process ends."""
        deadline = time.monotonic() + START_S
        while True:
            self.check()
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise ServerFailed(
                        f"nothing listened on its port after {START_S:.0f} s{self._last_words()}"
                    ) from None
                time.sleep(_TRY_AGAIN_S)
            else:
                return

    def end(self) -> None:
        """SIGTERM, and after STOP_S seconds SIGKILL."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)

    def _last_words(self) -> str:
        if self._output is None:
            return ""
        lines = self._output.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
        return "".join(f"\n    | {line}" for line in lines)


@contextmanager
def running(contender: Contender, *, server_core: int, load_core: int) -> Iterator[Server]:
    """The contender, listening, on its core alone; ended and its folder removed when the block is left."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Place(*_free_ports(), Path(folder))
        output = place.folder / "output.txt" if contender.keeps_output else None
        environment = {**os.environ, **contender.environment(place)}
        with (output or Path(os.devnull)).open("wb") as sink, _on_core(server_core):
            process = subprocess.Popen(
                contender.command(place),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        server = Server(process, place, output, (server_core, load_core))
        try:
            server.wait_until_it_listens()
            yield server
        finally:
            server.end()


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """This thread runs on that core; a process started meanwhile inherits it, with all its threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _free_ports() -> tuple[int, int]:
    """Two ports that were free a moment ago; both are held until both are known, so that they differ."""
    with socket.socket() as first, socket.socket() as second:
        for sock in (first, second):
            sock.bind((HOST, 0))
        return first.getsockname()[1], second.getsockname()[1]
