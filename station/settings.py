"""What the user can choose: command line and environment."""

from __future__ import annotations

import argparse
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import urlsplit

from shared.handshake import connection_url

TEST_BENCH_PASSWORD: Final = "station-password"  # noqa: S105  # no secret: the same for every station on a test bench
MAX_EVSES: Final = 100
MAX_CONNECTORS: Final = 10

_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")


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


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    read: Callable[[str], Any]
    default: Any
    help: str
    metavar: str | None  # None: it takes no value on the command line
    repeatable: bool = False  # then its value is a tuple


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings of a command line, and of STATION_<NAME> in the environment for what it leaves open.

    Raises SystemExit with status 2 after one line on stderr that says what is wrong, and 0 after --help.
    """
    parser = _Parser(
        prog="station", description="A charging station that speaks OCPP 2.0.1.", epilog=_EPILOG, allow_abbrev=False
    )
    parser.add_argument("identity", nargs="?", metavar="IDENTITY", help=_IDENTITY_OPTION.help)
    for option in _OPTIONS:
        if option.metavar is None:
            parser.add_argument(f"--{option.name}", action="store_const", const="yes", help=option.help)
        else:
            default = f" (default: {option.default})" if option.default not in {None, ()} else ""
            action = "append" if option.repeatable else "store"
            parser.add_argument(f"--{option.name}", metavar=option.metavar, action=action, help=option.help + default)
    given = vars(parser.parse_args(arguments))
    chosen: dict[str, Any] = {}
    for option in (_IDENTITY_OPTION, *_OPTIONS):
        field = option.name.replace("-", "_")
        variable = f"STATION_{field.upper()}"
        text, source = given[field], option.metavar if option is _IDENTITY_OPTION else f"--{option.name}"
        if text is None:
            text, source = environment.get(variable), variable
        if text is None and option is _IDENTITY_OPTION:
            parser.error("the station needs an identity: python -m station CP_1")
        try:
            if option.repeatable:
                chosen[field] = tuple(map(option.read, [text] if isinstance(text, str) else text or option.default))
            else:
                chosen[field] = option.default if text is None else option.read(text)
        except ValueError as error:
            parser.error(f"{source}: {error}")
    chosen["log_level"] = chosen["log_level"] or ("warning" if chosen["scenario"] else "info")
    settings = Settings(**chosen)
    _check_control(settings, parser)
    _check_scenario(settings, parser)
    return settings


def _check_control(settings: Settings, parser: _Parser) -> None:
    address = settings.control
    if address is not None and settings.control_token is None and not address.is_loopback:
        parser.error(
            f"--control {address} would be open to everybody: give --control-token, or use 127.0.0.1:{address.port}"
        )
    if address is None and settings.test_hooks:
        parser.error("--test-hooks is part of the control interface: give --control as well")


def _check_scenario(settings: Settings, parser: _Parser) -> None:
    if settings.junit is not None and not settings.scenario:
        parser.error("--junit tells how scenarios went: give --scenario as well")
    if settings.csms_api_token is not None and settings.csms_api is None:
        parser.error("--csms-api-token is for the REST interface that --csms-api names: give that as well")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _identity(text: str) -> str:
    if not _IDENTITY.fullmatch(text):
        raise ValueError(f"{text!r} is not an identity: 1 to 48 of letters, digits and * - _ = + | @ .")
    return text


def _csms(text: str) -> str:
    connection_url(text, "identity")
    return text


def _password(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a password has no control characters")
    return text


def _number(least: int, most: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            wanted = f"from {least} to {most}" if most is not None else f"from {least} on"
            raise ValueError(f"{text!r} is not a whole number {wanted}")
        return number

    return read


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        return Address(host or "127.0.0.1", _number(0, 65535)(port))
    except ValueError:
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:7001 (port 0 picks a free one)") from None


def _token(text: str) -> str:
    if not text.isprintable() or not text.isascii() or not text.strip():
        raise ValueError("a token is one or more printable ASCII characters")
    return text


def _switch(text: str) -> bool:
    if text.lower() not in {"yes", "no", "true", "false", "1", "0"}:
        raise ValueError(f"{text!r} is not yes or no")
    return text.lower() in {"yes", "true", "1"}


def _path(text: str) -> Path:
    if not text:
        raise ValueError("this is not a path")
    return Path(text)


def rest_url(text: str) -> str:
    """The URL of a REST interface. Raises ValueError."""
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError(f"{text!r} is not a URL such as http://127.0.0.1:8080")
    return text


def _directory(text: str) -> Path:
    if not text or (Path(text).exists() and not Path(text).is_dir()):
        raise ValueError(f"{text!r} is not a directory")
    return Path(text)


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def _log_level(text: str) -> str:
    if text.lower() not in _LOG_LEVELS:
        raise ValueError(f"{text!r} is not one of {', '.join(_LOG_LEVELS)}")
    return text.lower()


_IDENTITY_OPTION: Final = _Option(
    "identity", _identity, None, "the station's name, as the CSMS knows it, such as CP_1", "IDENTITY"
)
_OPTIONS: Final = (
    _Option("csms", _csms, "ws://127.0.0.1:9000", "the CSMS's URL; /IDENTITY is appended", "URL"),
    _Option("password", _password, TEST_BENCH_PASSWORD, "shown to the CSMS (HTTP Basic)", "TEXT"),
    _Option("evses", _number(1, MAX_EVSES), 1, "number of EVSEs", "N"),
    _Option("connectors", _number(1, MAX_CONNECTORS), 1, "number of connectors of each EVSE", "N"),
    _Option("call-timeout", _number(1), 30, "how long to wait for the answer to a message, in seconds", "S"),
    _Option("state-dir", _directory, None, "what the station remembers when it is started again; else nothing", "DIR"),
    _Option("control", _address, None, "where people and scripts can work the station by HTTP", "HOST:PORT"),
    _Option("control-token", _token, None, "what they must show as 'Authorization: Bearer TOKEN'", "TOKEN"),
    _Option("test-hooks", _switch, False, "let them reach into the station's memory as well, for tests", None),
    _Option("seed", _seed, None, "makes a run repeatable: the same message ids, the same jitter", "N"),
    _Option("scenario", _path, (), "play this file, or those of this directory, and end; again for more", "PATH", True),
    _Option("junit", _path, None, "write how the scenarios went, as JUnit XML", "FILE"),
    _Option("csms-api", rest_url, None, "the CSMS's REST interface, for scenarios that ask it", "URL"),
    _Option("csms-api-token", _token, None, "what to show it as 'Authorization: Bearer TOKEN'", "TOKEN"),
    _Option(
        "log-level", _log_level, None, f"{', '.join(_LOG_LEVELS)} (default: info; warning with --scenario)", "LEVEL"
    ),
)
_EPILOG: Final = (
    "Each option can also be set in the environment, as STATION_<NAME>; the command line wins. A run of scenarios ends "
    "with status 0 when all have passed, 1 when one has not, 2 for a mistake in one: see docs/scenarios.md."
)
