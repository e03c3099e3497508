"""What the user can choose for a fleet: command line and environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from station.options import (
    EPILOG,
    LOG_LEVELS,
    Option,
    Parser,
    amount,
    file,
    log_level,
    number,
    password,
    seed,
    switch,
    url,
)
from station.settings import MAX_CALL_TIMEOUT_S, MAX_CONNECTORS, MAX_EVSES, TEST_BENCH_PASSWORD, identity

MAX_STATIONS: Final = 100_000
IDENTITY_PLACE: Final = "{identity}"
_MAX_TOKENS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """One run's choices.

    rate: stations that connect per second. csms: URL without the identity. password: with {identity} in it, another one
    for each station. evses: of each station; connectors: of each EVSE. arrivals: drivers for each EVSE and hour, on
    average over a day. dc_share: of the stations. tokens: cards there are, 0: nobody is asked for one; strangers: of
    the drivers with a card, the share of those whose card the CSMS does not know. duration: seconds; None: until a
    signal. call_timeout: seconds. seed: None for another run every time. progress: show it, where there is a terminal.
    summary: where to write it; None: stdout.
    """

    count: int = 100
    prefix: str = "CP_"
    rate: float = 50.0
    csms: str = "ws://127.0.0.1:9000"
    password: str = TEST_BENCH_PASSWORD
    evses: int = 1
    connectors: int = 1
    arrivals: float = 0.5
    dc_share: float = 0.2
    tokens: int = 0
    strangers: float = 0.02
    duration: float | None = None
    call_timeout: int = 30
    seed: int | None = None
    progress: bool = True
    summary: Path | None = None
    log_level: str = "warning"

    def identity(self, index: int) -> str:
        """Of the station with this number, from 1."""
        return f"{self.prefix}{index}"

    def password_of(self, identity: str) -> str:
        """What this station shows."""
        return self.password.replace(IDENTITY_PLACE, identity)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> FleetSettings:
    """The settings of a command line behind `fleet`, and of STATION_<NAME> in the environment for what it leaves open.

    Raises SystemExit with status 2 after one line on stderr that says what is wrong, and 0 after --help.
    """
    parser = Parser(
        prog="station fleet",
        description="Many charging stations in one process, with drivers who come, charge and go.",
        epilog=EPILOG,
        allow_abbrev=False,
    )
    parser.add(_OPTIONS)
    given = vars(parser.parse_args(arguments))
    chosen: dict[str, Any] = {
        option.field: parser.choose(option, given[option.field], environment, shown=f"--{option.name}")
        for option in _OPTIONS
    }
    chosen["progress"] = not chosen.pop("no_progress")
    settings = FleetSettings(**chosen)
    try:
        identity(settings.identity(settings.count))
    except ValueError as error:
        parser.error(f"--prefix: {error}")
    return settings


def _rate(text: str) -> float:
    return amount(above=0)(text.removesuffix("/s"))


_USUAL: Final = FleetSettings()
_SHARE: Final = amount(least=0, most=1)
_OPTIONS: Final = (
    Option("count", number(1, MAX_STATIONS), _USUAL.count, "number of stations", "N"),
    Option("prefix", str, _USUAL.prefix, "of their identities: CP_1, CP_2 and so on", "TEXT"),
    Option("rate", _rate, _USUAL.rate, "how many of them connect per second", "N/s"),
    Option("csms", url, _USUAL.csms, "the CSMS's URL; /IDENTITY is appended", "URL"),
    Option(
        "password",
        password,
        _USUAL.password,
        f"shown to the CSMS (HTTP Basic); {IDENTITY_PLACE} in it stands for the station's identity",
        "TEXT",
    ),
    Option("evses", number(1, MAX_EVSES), _USUAL.evses, "number of EVSEs of each station", "N"),
    Option("connectors", number(1, MAX_CONNECTORS), _USUAL.connectors, "number of connectors of each EVSE", "N"),
    Option(
        "arrivals",
        amount(least=0, most=100_000),
        _USUAL.arrivals,
        "drivers for each EVSE and hour, on average: fewer at night, by the clock in UTC",
        "N",
    ),
    Option("dc-share", _SHARE, _USUAL.dc_share, "share of the stations that charge with DC, 0 to 1", "X"),
    Option(
        "tokens",
        number(0, _MAX_TOKENS),
        _USUAL.tokens,
        "number of drivers' cards: FLEET000001 and so on, of type ISO14443; 0: nobody is asked for one",
        "N",
    ),
    Option(
        "strangers",
        _SHARE,
        _USUAL.strangers,
        "with --tokens: share of the drivers whose card the CSMS does not know",
        "X",
    ),
    Option("duration", amount(above=0), _USUAL.duration, "how long, in seconds; else until SIGINT or SIGTERM", "S"),
    Option(
        "call-timeout",
        number(1, MAX_CALL_TIMEOUT_S),
        _USUAL.call_timeout,
        "how long to wait for the answer to a message, in seconds",
        "S",
    ),
    Option("seed", seed, _USUAL.seed, "makes stations, drivers and vehicles the same again", "N"),
    Option("no-progress", switch, False, "no live display, but a line on stderr every 10 s", None),
    Option("summary", file, _USUAL.summary, "where to write the summary at the end, as JSON; else on stdout", "FILE"),
    Option("log-level", log_level, _USUAL.log_level, ", ".join(LOG_LEVELS), "LEVEL"),
)
