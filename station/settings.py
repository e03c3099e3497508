"""What the user can choose: command line and environment."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from station.options import EPILOG, LOG_LEVELS, Option, Parser, file, log_level, number, password, seed, switch, url

TEST_BENCH_PASSWORD: Final = "station-password"  # noqa: S105  # no secret: the same for every station on a test bench
MAX_EVSES: Final = 100
MAX_CONNECTORS: Final = 10
MAX_CALL_TIMEOUT_S: Final = 1_000_000

_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")


class Address(NamedTuple):
    """Where to listen. port: 0 for any that is free."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's choices.

    csms: URL without the identity. evses; connectors: of each EVSE. call_timeout: seconds. state_dir: None for one
    that remembers nothing. seed: None for another run every time. control: None for no control interface;
    control_token: None for none on loopback. scenario: files or directories to play, none to run until a signal.
    junit: where to write how they went. csms_api, csms_api_token: the CSMS's REST interface, for scenarios that ask it.
    """

    identity: str
    csms: str
    password: str
    evses: int
    connectors: int
    call_timeout: int
    state_dir: Path | None
    seed: int | None
    log_level: str
    control: Address | None = None
    control_token: str | None = None
    test_hooks: bool = False
    scenario: Sequence[Path] = ()
    junit: Path | None = None
    csms_api: str | None = None
    csms_api_token: str | None = None


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings of a command line, and of STATION_<NAME> in the environment for what it leaves open.

    Raises SystemExit with status 2 after one line on stderr that says what is wrong, and 0 after --help.
    """
    parser = Parser(
        prog="station", description="A charging station that speaks OCPP 2.0.1.", epilog=_EPILOG, allow_abbrev=False
    )
    parser.add_argument("identity", nargs="?", metavar="IDENTITY", help=_IDENTITY_OPTION.help)
    parser.add(_OPTIONS)
    given = vars(parser.parse_args(arguments))
    chosen: dict[str, Any] = {}
    for option in (_IDENTITY_OPTION, *_OPTIONS):
        shown = "IDENTITY" if option is _IDENTITY_OPTION else f"--{option.name}"
        chosen[option.field] = parser.choose(option, given[option.field], environment, shown=shown)
    if chosen["identity"] is None:
        parser.error("the station needs an identity: python -m station CP_1")
    chosen["log_level"] = chosen["log_level"] or ("warning" if chosen["scenario"] else "info")
    settings = Settings(**chosen)
    _check_control(settings, parser)
    _check_scenario(settings, parser)
    return settings


def _check_control(settings: Settings, parser: Parser) -> None:
    address = settings.control
    if address is not None and settings.control_token is None and not address.is_loopback:
        parser.error(
            f"--control {address} would be open to everybody: give --control-token, or use 127.0.0.1:{address.port}"
        )
    if address is None and settings.test_hooks:
        parser.error("--test-hooks is part of the control interface: give --control as well")


def _check_scenario(settings: Settings, parser: Parser) -> None:
    if settings.junit is not None and not settings.scenario:
        parser.error("--junit tells how scenarios went: give --scenario as well")
    if settings.csms_api_token is not None and settings.csms_api is None:
        parser.error("--csms-api-token is for the REST interface that --csms-api names: give that as well")


def identity(text: str) -> str:
    """A station's."""
    if not _IDENTITY.fullmatch(text):
        raise ValueError(f"{text!r} is not an identity: 1 to 48 of letters, digits and * - _ = + | @ .")
    return text


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    host = host or "127.0.0.1"
    try:
        address = Address(host, number(0, 65535)(port))
    except ValueError:
        address = None
    if address is None or not is_host(host):
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:7001 (port 0 picks a free one)")
    return address


def token(text: str) -> str:
    """A bearer token. Raises ValueError, which does not tell it."""
    if not text.isprintable() or not text.isascii() or not text.strip():
        raise ValueError("a token is one or more printable ASCII characters")
    return text


def is_host(text: str) -> bool:
    """It can be looked up, whether there is such a host or not."""
    try:
        return bool(text) and text.isprintable() and bool(text.encode("idna"))
    except UnicodeError:  # a label is empty or too long
        return False


def _path(text: str) -> Path:
    if not text:
        raise ValueError("this is not a path")
    return Path(text)


def rest_url(text: str) -> str:
    """The URL of a REST interface. Raises ValueError."""
    if "@" in text or "?" in text or "#" in text:  # not shown: may be a secret
        raise ValueError("the URL of a REST interface has no user name, no password, no query and no fragment")
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError(f"{text!r} is not a URL such as http://127.0.0.1:8080")
    return text


def _directory(text: str) -> Path:
    if not text or (Path(text).exists() and not Path(text).is_dir()):
        raise ValueError(f"{text!r} is not a directory")
    return Path(text)


_IDENTITY_OPTION: Final = Option(
    "identity", identity, None, "the station's name, as the CSMS knows it, such as CP_1", "IDENTITY"
)
_OPTIONS: Final = (
    Option("csms", url, "ws://127.0.0.1:9000", "the CSMS's URL; /IDENTITY is appended", "URL"),
    Option("password", password, TEST_BENCH_PASSWORD, "shown to the CSMS (HTTP Basic)", "TEXT"),
    Option("evses", number(1, MAX_EVSES), 1, "number of EVSEs", "N"),
    Option("connectors", number(1, MAX_CONNECTORS), 1, "number of connectors of each EVSE", "N"),
    Option(
        "call-timeout",
        number(1, MAX_CALL_TIMEOUT_S),
        30,
        "how long to wait for the answer to a message, in seconds",
        "S",
    ),
    Option("state-dir", _directory, None, "what the station remembers when it is started again; else nothing", "DIR"),
    Option("control", _address, None, "where people and scripts can work the station by HTTP", "HOST:PORT"),
    Option("control-token", token, None, "what they must show as 'Authorization: Bearer TOKEN'", "TOKEN"),
    Option("test-hooks", switch, False, "let them reach into the station's memory as well, for tests", None),
    Option("seed", seed, None, "makes a run repeatable: the same message ids, the same jitter", "N"),
    Option("scenario", _path, (), "play this file, or those of this directory, and end; again for more", "PATH", True),
    Option("junit", file, None, "write how the scenarios went, as JUnit XML", "FILE"),
    Option("csms-api", rest_url, None, "the CSMS's REST interface, for scenarios that ask it", "URL"),
    Option("csms-api-token", token, None, "what to show it as 'Authorization: Bearer TOKEN'", "TOKEN"),
    Option("log-level", log_level, None, f"{', '.join(LOG_LEVELS)} (default: info; warning with --scenario)", "LEVEL"),
)
_EPILOG: Final = (
    f"{EPILOG} A run of scenarios ends with status 0 when all have passed, 1 when one has not, 2 for a mistake in one: "
    "see docs/scenarios.md. Many stations in one process: station fleet --help."
)
