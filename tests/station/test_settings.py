"""The command line and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.settings import Address, Settings, parse

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


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:7001", Address("127.0.0.1", 7001)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:7001", Address("::1", 7001)),
        ("7001", Address("127.0.0.1", 7001)),
        (":7001", Address("127.0.0.1", 7001)),
    ],
)
def test_the_control_interface_has_an_address(text: str, address: Address) -> None:
    settings = parse(["CP_1", "--control", text], {})
    assert (settings.control, settings.control_token, settings.test_hooks) == (address, None, False)


def test_with_a_token_the_control_interface_may_be_anywhere() -> None:
    given = {"STATION_CONTROL": "0.0.0.0:7001", "STATION_CONTROL_TOKEN": "secret", "STATION_TEST_HOOKS": "yes"}
    settings = parse(["CP_1"], given)
    assert (settings.control, settings.control_token, settings.test_hooks) == (
        Address("0.0.0.0", 7001),  # noqa: S104  # it is what the token is for
        "secret",
        True,
    )
    assert parse(["CP_1", "--control", "0", "--test-hooks"], {}).test_hooks


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
        ("CP_1 --csms ws://a..b", "--csms: 'ws://a..b' is not a ws:// or wss:// URL"),
        ("CP_1 --csms ws://csms:99999", "--csms: "),
        ("CP_1 --csms ws://u:p@csms", "--csms: the URL of a CSMS has no user name"),
        ("CP_1 --csms http://u:p@csms", "--csms: this is not a ws:// or wss:// URL"),
        ("CP_1 --password a\tb", "--password: a password has no control characters"),
        ("CP_1 --evses 0", "--evses: '0' is not a whole number from 1 to 100"),
        ("CP_1 --evses two", "--evses: 'two' is not a whole number from 1 to 100"),
        ("CP_1 --connectors 11", "--connectors: '11' is not a whole number from 1 to 10"),
        ("CP_1 --call-timeout 0", "--call-timeout: '0' is not a whole number from 1 to 1000000"),
        ("CP_1 --state-dir setup.cfg", "--state-dir: 'setup.cfg' is not a directory"),
        ("CP_1 --control localhost", "--control: 'localhost' is not HOST:PORT, such as 127.0.0.1:7001"),
        ("CP_1 --control a..b:0 --control-token x", "--control: 'a..b:0' is not HOST:PORT"),
        ("CP_1 --control :70000", "--control: ':70000' is not HOST:PORT"),
        (
            "CP_1 --control 0.0.0.0:7001",
            "--control 0.0.0.0:7001 would be open to everybody: give --control-token, or use 127.0.0.1:7001",
        ),
        ("CP_1 --control 0 --control-token ä", "--control-token: a token is one or more printable ASCII characters"),
        ("CP_1 --test-hooks", "--test-hooks is part of the control interface: give --control as well"),
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


def test_a_switch_in_the_environment_is_yes_or_no(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["CP_1"], {"STATION_TEST_HOOKS": "maybe"})
    assert capsys.readouterr().err == "station: STATION_TEST_HOOKS: 'maybe' is not yes or no\n"


def test_a_mistake_in_the_environment_names_the_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["CP_1"], {"STATION_EVSES": "many"})
    assert capsys.readouterr().err == "station: STATION_EVSES: 'many' is not a whole number from 1 to 100\n"


def test_scenarios_can_be_given_again_and_again_and_make_it_quiet() -> None:
    line = "CP_1 --scenario a.toml --scenario b --junit out.xml --csms-api http://127.0.0.1:8080 --csms-api-token x"
    settings = parse(line.split(), {})
    assert settings.scenario == (Path("a.toml"), Path("b"))
    assert (settings.junit, settings.csms_api, settings.csms_api_token) == (
        Path("out.xml"),
        "http://127.0.0.1:8080",
        "x",
    )
    assert settings.log_level == "warning"
    assert parse([*line.split(), "--log-level", "info"], {}).log_level == "info"
    assert parse(["CP_1"], {"STATION_SCENARIO": "a.toml"}).scenario == (Path("a.toml"),)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--junit out.xml", "--junit tells how scenarios went: give --scenario as well"),
        ("--csms-api-token x", "--csms-api-token is for the REST interface that --csms-api names: give that as well"),
        ("--csms-api 127.0.0.1:8080", "--csms-api: '127.0.0.1:8080' is not a URL such as http://127.0.0.1:8080"),
        ("--csms-api http://a..b", "--csms-api: 'http://a..b' is not a URL such as http://127.0.0.1:8080"),
        (
            "--csms-api http://u:secret@x",
            "--csms-api: the URL of a REST interface has no user name, no password, no query and no fragment",
        ),
        (
            "--scenario x --junit nowhere/x.xml",
            "--junit: 'nowhere/x.xml' is not a file in a directory that there is",
        ),
        ("--csms-api http://x:port", "--csms-api: 'http://x:port' is not a URL such as http://127.0.0.1:8080"),
    ],
)
def test_what_scenarios_cannot_be_given_is_told(line: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(["CP_1", *line.split()], {})
    assert capsys.readouterr().err == f"station: {complaint}\n"
