"""The command line and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.settings import Settings, parse

DEFAULTS = Settings(
    identity="CP_1",
    csms="ws://127.0.0.1:9000",
    password="station-password",
    evses=1,
    connectors=1,
    call_timeout=30,
    state_dir=None,
    seed=None,
    log_level="info",
)


def test_an_identity_is_all_it_takes() -> None:
    assert parse(["CP_1"], {}) == DEFAULTS


def test_every_option_has_a_flag() -> None:
    line = (
        "CP*2 --csms wss://[::1]/ocpp --password p --evses 3 --connectors 2 --call-timeout 5 --state-dir CP_2 --seed -7"
    )
    assert parse([*line.split(), "--log-level", "DEBUG"], {}) == Settings(
        "CP*2", "wss://[::1]/ocpp", "p", 3, 2, 5, Path("CP_2"), -7, "debug"
    )


def test_every_option_has_a_variable() -> None:
    environment = {
        "STATION_IDENTITY": "CP_2",
        "STATION_CSMS": "ws://csms",
        "STATION_PASSWORD": "p",
        "STATION_EVSES": "3",
        "STATION_CONNECTORS": "2",
        "STATION_CALL_TIMEOUT": "5",
        "STATION_STATE_DIR": "/var/lib/station",
        "STATION_SEED": "7",
        "STATION_LOG_LEVEL": "error",
    }
    assert parse([], environment) == Settings("CP_2", "ws://csms", "p", 3, 2, 5, Path("/var/lib/station"), 7, "error")


def test_the_flag_wins() -> None:
    assert parse(["CP_1", "--evses", "3"], {"STATION_IDENTITY": "CP_2", "STATION_EVSES": "wrong"}).evses == 3


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "the station needs an identity"),
        ("CP:1", "IDENTITY: 'CP:1' is not an identity"),
        ("x" * 49, "is not an identity: 1 to 48"),
        ("Ladesäule", "is not an identity"),
        ("CP_1 --csms http://csms", "--csms: 'http://csms' is not a ws:// or wss:// URL"),
        ("CP_1 --csms csms:9000", "--csms: 'csms:9000' is not a ws:// or wss:// URL"),
        ("CP_1 --csms ws://csms:99999", "--csms: "),
        ("CP_1 --csms ws://u:p@csms", "--csms: the URL of a CSMS has no user name"),
        ("CP_1 --password a\tb", "--password: a password has no control characters"),
        ("CP_1 --evses 0", "--evses: '0' is not a whole number from 1 to 100"),
        ("CP_1 --evses two", "--evses: 'two' is not a whole number from 1 to 100"),
        ("CP_1 --connectors 11", "--connectors: '11' is not a whole number from 1 to 10"),
        ("CP_1 --call-timeout 0", "--call-timeout: '0' is not a whole number from 1 on"),
        ("CP_1 --state-dir setup.cfg", "--state-dir: 'setup.cfg' is not a directory"),
        ("CP_1 --seed x", "--seed: 'x' is not a whole number"),
        ("CP_1 --log-level loud", "--log-level: 'loud' is not one of debug, info, warning, error"),
        ("CP_1 --nonsense", "unrecognized arguments: --nonsense"),
        ("CP_1 CP_2", "unrecognized arguments: CP_2"),
    ],
)
def test_a_mistake_is_told_in_one_line(line: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse(line.split(" ") if line else [], {})
    out, err = capsys.readouterr()
    assert (exit_.value.code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("station: ")
    assert complaint in err


def test_a_mistake_in_the_environment_names_the_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["CP_1"], {"STATION_EVSES": "many"})
    assert capsys.readouterr().err == "station: STATION_EVSES: 'many' is not a whole number from 1 to 100\n"
