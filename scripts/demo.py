"""The main job, once: a CSMS, a station that boots, a driver who reserves it; then everything stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

STATION: Final = "CP_1"
DEADLINE_S: Final = 20.0
OPTIONS: Final = ("--host", "127.0.0.1", "--port", "0", "--api-port", "0", "--database", "sqlite://")


def main() -> int:
    with program("csms", *OPTIONS) as csms:
        port = csms.wait_for("WebSocket Server Started").rpartition(":")[2]
        api = csms.wait_for("Running on").split()[3]
        with program("station", STATION, "--csms", f"ws://127.0.0.1:{port}"):
            csms.wait_for("StatusNotification -> Ready")
            ask("GET", f"{api}/list")
            ask("POST", f"{api}/reserve/{STATION}")
            csms.wait_for('"connectorStatus":"Reserved"')
            ask("POST", f"{api}/reserve/{STATION}")
            ask("POST", f"{api}/reserve/CP_9")
    print("\nThat was the main job. The README says how to run the parts yourself.")
    return 0


class Program:
    """A program whose lines are shown as they come, and can be waited for."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.process = process
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            threading.Thread(target=self._follow, args=(stream,), daemon=True).start()

    def wait_for(self, text: str) -> str:
        """The first line with `text` in it; SystemExit when it does not come."""
        end = time.monotonic() + DEADLINE_S
        with self._changed:
            while True:
                for line in self._lines:
                    if text in line:
                        return line
                if not self._changed.wait(end - time.monotonic()):
                    raise SystemExit(f"{self._name} did not say {text!r} within {DEADLINE_S:g} s")

    def _follow(self, stream: IO[str]) -> None:
        for line in stream:
            print(f"{self._name:8}| {line}", end="", flush=True)
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()


@contextmanager
def program(name: str, *arguments: str) -> Iterator[Program]:
    command = [sys.executable, "-m", name, *arguments]
    print(f"$ python -m {' '.join(command[2:])}", flush=True)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Program(name, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(method: str, url: str) -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - the URL is our own CSMS's
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:  # noqa: S310
            status, body = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read().decode()
    print(f"$ curl -X {method} {url}\n{status} {body}", end="", flush=True)
    return json.loads(body)


if __name__ == "__main__":
    sys.exit(main())
