"""Every option of the CSMS: from the command line, else CSMS_<NAME>, else the TOML file, else its default."""

from __future__ import annotations

import argparse
import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from csms import __version__
from csms.user_mistake import UserMistake

_PREFIX: Final = "CSMS_"
_MOST_DAYS: Final = 36_500


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError("must be from 0 to 65535 (0: any free port)")
    return port


def _positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be a whole number of at least 1")
    return number


def _days(text: str) -> int:
    days = _positive_int(text)
    if days > _MOST_DAYS:
        raise ValueError(f"must be a whole number from 1 to {_MOST_DAYS}")
    return days


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 86_400:
        raise ValueError("must be a number of seconds above 0 and below a day")
    return seconds


def _seconds_or_never(text: str) -> float:
    return 0.0 if float(text) == 0 else _seconds(text)


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return parse


def _option(
    default: Any, parse: Callable[[str], Any], metavar: str, explanation: str, *, is_secret: bool = False
) -> Any:
    metadata = {"parse": parse, "metavar": metavar, "help": explanation, "is_secret": is_secret}
    return field(default=default, repr=not is_secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asked for; times in seconds."""

    host: str = _option("0.0.0.0", str, "ADDRESS", "where stations connect")  # noqa: S104 - they come from outside
    port: int = _option(9000, _port, "PORT", "the port stations connect to; 0 picks a free one")
    api_host: str = _option("127.0.0.1", str, "ADDRESS", "where REST listens; beyond loopback only with --api-token")
    api_port: int = _option(8080, _port, "PORT", "the port of REST; 0 picks a free one")
    api_token: str | None = _option(
        None, str, "TOKEN", "what REST callers must show as 'Authorization: Bearer TOKEN'", is_secret=True
    )
    database: str = _option(
        "sqlite:///csms.db",
        str,
        "URL",
        "where all is kept: sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME",
        is_secret=True,
    )
    registration: str = _option(
        "open",
        _one_of("open", "closed"),
        "open|closed",
        "who may connect: any station, or only those made through REST",
    )
    max_stations: int = _option(
        100_000, _positive_int, "N", "with open registration: how many stations may be known before no more are let in"
    )
    new_stations: str = _option(
        "accepted",
        _one_of("accepted", "pending", "rejected"),
        "accepted|pending|rejected",
        "how a station that comes by itself is registered: its first boot is answered so",
    )
    accept_pending: str = _option(
        "operator",
        _one_of("operator", "report"),
        "operator|report",
        "when a Pending station is accepted: by an operator through REST, or also once its base report is complete",
    )
    heartbeat_interval: int = _option(10, _positive_int, "S", "seconds between Heartbeats, told to stations at boot")
    boot_retry_interval: int = _option(
        30, _positive_int, "S", "seconds until a station that is Pending or Rejected may boot again"
    )
    call_timeout: float = _option(30.0, _seconds, "S", "seconds a station may take to answer")
    ping_interval: float = _option(
        30.0, _seconds_or_never, "S", "seconds of silence until a station is pinged; gone after as many again; 0: never"
    )
    message_log_days: int = _option(30, _days, "DAYS", "how long it is kept what was said with stations")
    message_log_count: int = _option(
        1_000_000, _positive_int, "N", "how many messages of all stations are kept at most"
    )
    event_days: int = _option(30, _days, "DAYS", "how long events are kept for who follows /api/v1/events")
    event_count: int = _option(1_000_000, _positive_int, "N", "how many events are kept at most")
    log_level: str = _option(
        "info", _one_of("debug", "info", "warning", "error"), "LEVEL", "info shows every message, warning none"
    )
    log_format: str = _option("text", _one_of("text", "json"), "text|json", "for people, or one JSON object a line")

    def __post_init__(self) -> None:
        if self.api_token is None and not _is_loopback(self.api_host):
            raise UserMistake(
                f"REST on {self.api_host} would be open to everybody: give --api-token, or use --api-host 127.0.0.1"
            )
        if self.api_token == "":
            raise UserMistake("--api-token is empty: give a token, or leave it out and stay on loopback")

    @classmethod
    def load(cls, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Self:
        """Read the command line, the environment and the file they name. Raises UserMistake; exits for --help."""
        namespace, unknown = _parser().parse_known_args(arguments)
        if unknown:
            raise UserMistake(_unknown(unknown))
        flags = vars(namespace)
        file = _read_file(flags.pop("config") or environment.get(_PREFIX + "CONFIG"))
        values: dict[str, Any] = {}
        for option in fields(cls):
            name = option.name
            if flags[name] is not None:
                source, text = "--" + name.replace("_", "-"), flags[name]
            elif _PREFIX + name.upper() in environment:
                source, text = _PREFIX + name.upper(), environment[_PREFIX + name.upper()]
            elif name in file:
                source, text = f"{name} in the configuration file", str(file[name])
            else:
                continue
            try:
                values[name] = option.metadata["parse"](text)
            except ValueError as error:
                shown = "" if option.metadata["is_secret"] else f" {text!r}"
                raise UserMistake(f"{source}{shown}: {_reason(error)}") from None
        return cls(**values)


def _unknown(arguments: Sequence[str]) -> str:
    """What stands behind an option is not shown: with one that is misspelt, it may be the token."""
    names = [argument.partition("=")[0] for argument in arguments if argument.startswith("-")]
    if names:
        return f"there is no option {', '.join(names)} (see --help)"
    return "an option's value comes right behind it, and here is something without an option (see --help)"


def _reason(error: ValueError) -> str:
    return "must be a number" if "invalid literal" in str(error) or "could not convert" in str(error) else str(error)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_file(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    try:
        options = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserMistake(f"configuration file {name}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserMistake(f"configuration file {name}: {error}") from None
    options = {key.replace("-", "_"): value for key, value in options.items()}
    unknown = sorted(options.keys() - {option.name for option in fields(Settings)})
    if unknown:
        raise UserMistake(f"configuration file {name}: there is no option {', '.join(unknown)}")
    return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UserMistake(f"{message} (see --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="csms",
        description="A Charging Station Management System: stations connect by WebSocket, people by REST.",
        epilog="Every option can also be given as CSMS_<NAME> in the environment, or in the TOML file of --config.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"csms {__version__}")
    parser.add_argument("--config", metavar="FILE", help="a TOML file with options: port = 9000")
    for option in fields(Settings):
        assert option.default is not MISSING  # noqa: S101 - every option has a default
        default = (
            ""
            if option.default is None
            else f" (default: {option.default:g})"
            if isinstance(option.default, float)
            else f" (default: {option.default})"
        )
        parser.add_argument(
            "--" + option.name.replace("_", "-"),
            metavar=option.metadata["metavar"],
            help=option.metadata["help"] + default,
        )
    return parser
