"""Who is measured: how each server is started, and what has to be there for it. One description per contender."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.messages import PASSWORD, Action

ROOT: Final = Path(__file__).resolve().parent.parent
OCPP_RPC: Final = ROOT / "bench" / "peers" / "ocpp_rpc"
BASELINE: Final = "ocpp-library"
OURS: Final = "csms"

_NPM_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server is to run: its free ports on 127.0.0.1, and an empty folder that goes when it ends."""

    port: int
    second_port: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Contender:
    """One server.

    prepare: makes it ready to start, or answers why it is left out.   command: the whole command line; it runs in
    the project's root.   environment: what is added to ours.   keeps_output: False sends what it prints to
    /dev/null, True to a file whose end is shown when it fails.   measures_connections: also time connecting, and
    weigh idle connections.   reserves: it can be asked by REST to reserve, and keeps what it is told.
    """

    name: str
    what: str
    command: Callable[[Place], list[str]]
    prepare: Callable[[], str | None]
    environment: Callable[[Place], Mapping[str, str]] = field(default=lambda _place: {})
    keeps_output: bool = True
    measures_connections: bool = True
    reserves: bool = False


def _csms(log_level: str, place: Place) -> list[str]:
    return [
        *(sys.executable, "-m", "csms"),
        *("--host", "127.0.0.1", "--port", str(place.port)),
        *("--api-host", "127.0.0.1", "--api-port", str(place.second_port)),
        *("--registration", "open"),
        *("--heartbeat-interval", "3600"),
        *("--log-level", log_level),
    ]


def _csms_environment(place: Place) -> Mapping[str, str]:
    return {"CSMS_DATABASE": f"sqlite:///{place.folder / 'csms.db'}"}


def _csms_is_there() -> str | None:
    return None if (ROOT / "csms" / "__main__.py").exists() else "there is no csms/__main__.py yet"


def _ocpp_library(validate: str, place: Place) -> list[str]:
    return [
        *(sys.executable, "-m", "bench.peers.ocpp_library"),
        *("--port", str(place.port), "--password", PASSWORD, "--validate", validate),
    ]


def _libraries_are_there() -> str | None:
    missing = [name for name in ("ocpp", "websockets", "uvloop") if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)} (pip install -e .[bench])" if missing else None


def _ocpp_rpc(place: Place) -> list[str]:
    node = shutil.which("node")
    assert node is not None
    return [node, str(OCPP_RPC / "server.js"), str(place.port), PASSWORD]


def _install_ocpp_rpc() -> str | None:
    """Install what the lock file names, once, beside server.js."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "node and npm are not installed"
    if (OCPP_RPC / "node_modules" / "ocpp-rpc" / "package.json").exists():
        return None
    try:
        subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=OCPP_RPC,
            check=True,
            capture_output=True,
            timeout=_NPM_S,
        )
    except subprocess.TimeoutExpired:
        return f"npm ci took longer than {_NPM_S:.0f} s"
    except subprocess.CalledProcessError as error:
        return f"npm ci failed with exit code {error.returncode}; run it in bench/peers/ocpp_rpc to see why"
    return None


CONTENDERS: Final[tuple[Contender, ...]] = (
    Contender(
        name=OURS,
        what="python -m csms --log-level warning; what it answers is on disk (SQLite), unlike with the others",
        command=lambda place: _csms("warning", place),
        prepare=_csms_is_there,
        environment=_csms_environment,
        reserves=True,
    ),
    Contender(
        name="csms-info",
        what="python -m csms --log-level info, its log to /dev/null: what logging each message costs",
        command=lambda place: _csms("info", place),
        prepare=_csms_is_there,
        environment=_csms_environment,
        keeps_output=False,
        measures_connections=False,
    ),
    Contender(
        name=BASELINE,
        what="ocpp library, websockets, uvloop; validation as it comes: jsonschema in a worker thread",
        command=lambda place: _ocpp_library("thread", place),
        prepare=_libraries_are_there,
    ),
    Contender(
        name="ocpp-library-inline",
        what="the same with ocpp.messages.ASYNC_VALIDATION = False: jsonschema without the thread",
        command=lambda place: _ocpp_library("inline", place),
        prepare=_libraries_are_there,
    ),
    Contender(
        name="ocpp-rpc",
        what="ocpp-rpc on node, strictMode: every payload validated with ajv",
        command=_ocpp_rpc,
        prepare=_install_ocpp_rpc,
    ),
)

ACTIONS: Final[Mapping[str, Action]] = {
    "heartbeat": Action.HEARTBEAT,
    "transaction-event": Action.TRANSACTION_EVENT,
}
