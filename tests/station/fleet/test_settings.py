"""The command line of a fleet and its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.fleet.settings import FleetSettings, parse


def test_nothing_has_to_be_given() -> None:
    assert parse([], {}) == FleetSettings()


def test_every_option_has_a_flag(tmp_path: Path) -> None:
    line = (
        "--count 2000 --prefix X* --rate 50/s --csms wss://csms/ocpp --password p-{identity} --evses 3 --connectors 2 "
        "--arrivals 1.5 --dc-share 1 --tokens 50 --strangers 0.25 --duration 60 --call-timeout 5 --seed -7 "
        f"--no-progress --summary {tmp_path / 'summary.json'} --log-level error"
    )
    wanted = FleetSettings(
        2000,
        "X*",
        50.0,
        "wss://csms/ocpp",
        "p-{identity}",
        3,
        2,
        1.5,
        1.0,
        50,
        0.25,
        60.0,
        5,
        -7,
        progress=False,
        summary=tmp_path / "summary.json",
        log_level="error",
    )
    assert parse(line.split(), {}) == wanted
    assert wanted.password_of("X*12") == "p-X*12"
    assert wanted.identity(12) == "X*12"


def test_the_environment_counts_where_there_is_no_flag() -> None:
    environment = {"STATION_COUNT": "5", "STATION_RATE": "2", "STATION_NO_PROGRESS": "yes", "STATION_DC_SHARE": "0.5"}
    assert parse(["--count", "7"], environment) == FleetSettings(7, rate=2.0, progress=False, dc_share=0.5)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--count 0", "--count: '0' is not a whole number from 1 to 100000"),
        ("--rate 0", "--rate: '0' is not a number above 0"),
        ("--rate fast", "--rate: 'fast' is not a number above 0"),
        ("--dc-share 1.1", "--dc-share: '1.1' is not a number from 0 on, up to 1"),
        ("--strangers nan", "--strangers: 'nan' is not a number from 0 on, up to 1"),
        ("--duration inf", "--duration: 'inf' is not a number above 0"),
        ("--csms http://csms", "--csms: 'http://csms' is not a ws:// or wss:// URL"),
        ("--prefix a:b", "--prefix: 'a:b100' is not an identity: 1 to 48 of letters, digits and * - _ = + | @ ."),
        (
            "--summary /no/such/place/x.json",
            "--summary: '/no/such/place/x.json' is not a file in a directory that there is",
        ),
        ("CP_1", "unrecognized arguments: CP_1"),
        ("--state-dir x", "unrecognized arguments: --state-dir x"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(line: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(line.split(), {})
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"station fleet: {complaint}\n"


def test_help_tells_of_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"], {})
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for option in ("--count", "--rate", "--summary", "--no-progress", "--arrivals", "STATION_<NAME>"):
        assert option in text
