"""Every option: from the command line, else CSMS_<NAME>, else the TOML file, else its default."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from csms.settings import Settings
from csms.user_mistake import UserMistake

DEFAULTS = {
    "host": "0.0.0.0",  # noqa: S104 - told, not listened on
    "port": 9000,
    "api_host": "127.0.0.1",
    "api_port": 8080,
    "database": "sqlite:///csms.db",
    "api_token": None,
    "registration": "open",
    "max_stations": 100_000,
    "new_stations": "accepted",
    "accept_pending": "operator",
    "heartbeat_interval": 10,
    "boot_retry_interval": 30,
    "call_timeout": 30.0,
    "ping_interval": 30.0,
    "message_log_days": 30,
    "message_log_count": 1_000_000,
    "event_days": 30,
    "event_count": 1_000_000,
    "log_level": "info",
    "log_format": "text",
}
# Of each option: a value as it is typed, another, and what the first means.
SAMPLES = {
    "host": ("127.0.0.1", "::1", "127.0.0.1"),
    "port": ("9100", "9200", 9100),
    "api_host": ("::1", "localhost", "::1"),
    "api_port": ("0", "8081", 0),
    "api_token": ("s3cret", "other", "s3cret"),
    "registration": ("closed", "open", "closed"),
    "max_stations": ("500", "600", 500),
    "new_stations": ("pending", "rejected", "pending"),
    "accept_pending": ("report", "operator", "report"),
    "message_log_days": ("7", "8", 7),
    "message_log_count": ("1000", "2000", 1000),
    "event_days": ("3", "4", 3),
    "event_count": ("500", "600", 500),
    "heartbeat_interval": ("300", "60", 300),
    "boot_retry_interval": ("5", "6", 5),
    "call_timeout": ("2.5", "3", 2.5),
    "ping_interval": ("0", "15", 0.0),
    "log_level": ("warning", "debug", "warning"),
    "log_format": ("json", "text", "json"),
}


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    return f"CSMS_{name.upper()}"


def mistake(arguments: list[str], environment: dict[str, str] | None = None) -> str:
    """What the user is told."""
    with pytest.raises(UserMistake) as caught:
        Settings.load(arguments, environment or {})
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "csms.toml"


def test_without_anything_the_defaults_hold() -> None:
    settings = Settings.load([], {})
    assert {option.name: getattr(settings, option.name) for option in fields(settings)} == DEFAULTS


@pytest.mark.parametrize("name", SAMPLES)
class TestEachOption:
    def test_is_there(self, name: str) -> None:
        assert name in DEFAULTS

    def test_can_be_a_flag(self, name: str) -> None:
        typed, _, value = SAMPLES[name]
        assert getattr(Settings.load([flag(name), typed], {}), name) == value

    def test_can_be_a_variable(self, name: str) -> None:
        typed, _, value = SAMPLES[name]
        assert getattr(Settings.load([], {variable(name): typed}), name) == value

    def test_can_be_in_the_file_as_text_or_as_its_own_type(self, name: str, file: Path) -> None:
        typed, _, value = SAMPLES[name]
        for written in {f'"{typed}"', f'"{typed}"' if isinstance(value, str) else typed}:
            file.write_text(f"{name} = {written}\n")
            assert getattr(Settings.load(["--config", str(file)], {}), name) == value

    def test_is_read_from_the_flag_first_then_the_variable_then_the_file(self, name: str, file: Path) -> None:
        typed, other, value = SAMPLES[name]
        file.write_text(f'{name} = "{other}"\n')
        environment = {variable(name): typed, "CSMS_CONFIG": str(file)}
        assert getattr(Settings.load([], environment), name) == value
        environment[variable(name)] = other
        assert getattr(Settings.load([flag(name), typed], environment), name) == value


class TestTheFile:
    def test_is_named_by_flag_or_by_variable_and_the_flag_wins(self, tmp_path: Path) -> None:
        first, second = tmp_path / "1.toml", tmp_path / "2.toml"
        first.write_text("port = 1001")
        second.write_text("port = 1002")
        assert Settings.load([], {"CSMS_CONFIG": str(first)}).port == 1001
        assert Settings.load(["--config", str(second)], {"CSMS_CONFIG": str(first)}).port == 1002

    def test_may_write_names_as_flags_have_them(self, file: Path) -> None:
        file.write_text("api-port = 8081")
        assert Settings.load(["--config", str(file)], {}).api_port == 8081

    def test_that_is_not_there_is_told(self, file: Path) -> None:
        assert mistake(["--config", str(file)]) == f"configuration file {file}: No such file or directory"

    def test_that_is_a_directory_is_told(self, tmp_path: Path) -> None:
        assert mistake(["--config", str(tmp_path)]) == f"configuration file {tmp_path}: Is a directory"

    def test_that_is_no_toml_is_told_with_the_line(self, file: Path) -> None:
        file.write_text("port = 9000\nport 9001\n")
        text = mistake(["--config", str(file)])
        assert text.startswith(f"configuration file {file}: ")
        assert "line 2" in text

    def test_that_is_no_text_is_told(self, file: Path) -> None:
        file.write_bytes(b"\xff\xfe")
        assert mistake(["--config", str(file)]).startswith(f"configuration file {file}: ")

    def test_with_an_unknown_option_is_told_which(self, file: Path) -> None:
        file.write_text("port = 9000\nprot = 1\n[section]\nx = 1\n")
        assert mistake(["--config", str(file)]) == f"configuration file {file}: there is no option prot, section"


@pytest.mark.parametrize(
    ("name", "typed", "reason"),
    [
        ("port", "many", "must be a number"),
        ("port", "", "must be a number"),
        ("port", "-1", "must be from 0 to 65535 (0: any free port)"),
        ("port", "65536", "must be from 0 to 65535 (0: any free port)"),
        ("api_port", "80.5", "must be a number"),
        ("registration", "Open", "must be one of open, closed"),
        ("new_stations", "Pending", "must be one of accepted, pending, rejected"),
        ("accept_pending", "never", "must be one of operator, report"),
        ("heartbeat_interval", "0", "must be a whole number of at least 1"),
        ("boot_retry_interval", "-3", "must be a whole number of at least 1"),
        ("call_timeout", "0", "must be a number of seconds above 0 and below a day"),
        ("call_timeout", "nan", "must be a number of seconds above 0 and below a day"),
        ("call_timeout", "inf", "must be a number of seconds above 0 and below a day"),
        ("call_timeout", "soon", "must be a number"),
        ("ping_interval", "-1", "must be a number of seconds above 0 and below a day"),
        ("log_level", "loud", "must be one of debug, info, warning, error"),
        ("log_format", "xml", "must be one of text, json"),
    ],
)
class TestABadValue:
    def test_of_a_flag_is_told_with_the_flag(self, name: str, typed: str, reason: str) -> None:
        assert mistake([f"{flag(name)}={typed}"]) == f"{flag(name)} {typed!r}: {reason}"

    def test_of_a_variable_is_told_with_the_variable(self, name: str, typed: str, reason: str) -> None:
        assert mistake([], {variable(name): typed}) == f"{variable(name)} {typed!r}: {reason}"

    def test_of_the_file_is_told_with_the_file(self, name: str, typed: str, reason: str, file: Path) -> None:
        file.write_text(f'{name} = "{typed}"\n')
        assert mistake(["--config", str(file)]) == f"{name} in the configuration file {typed!r}: {reason}"


class TestTheCommandLine:
    def test_with_an_unknown_flag_is_told_which(self) -> None:
        assert mistake(["--prot", "1"]) == "there is no option --prot (see --help)"

    def test_knows_no_abbreviations(self) -> None:
        """One that is clear today may be two options tomorrow."""
        assert "--heartbeat" in mistake(["--heartbeat", "5"])

    def test_with_a_flag_without_a_value_is_told_which(self) -> None:
        assert mistake(["--port"]) == "argument --port: expected one argument (see --help)"

    def test_explains_itself(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as end:
            Settings.load(["--help"], {})
        assert end.value.code == 0
        text = capsys.readouterr().out
        for name in DEFAULTS:
            assert flag(name) in text

    def test_tells_the_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as end:
            Settings.load(["--version"], {})
        assert end.value.code == 0
        assert capsys.readouterr().out.startswith("csms ")


class TestTheApi:
    @pytest.mark.parametrize(
        "host",
        ["0.0.0.0", "::", "192.168.1.5", "csms.example", ""],  # noqa: S104 - told, not listened on
    )
    def test_beyond_loopback_needs_a_token(self, host: str) -> None:
        text = mistake([f"--api-host={host}"])
        assert "--api-token" in text
        assert Settings.load([f"--api-host={host}", "--api-token=s3cret"], {}).api_host == host

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
    def test_on_loopback_needs_none(self, host: str) -> None:
        assert Settings.load([f"--api-host={host}"], {}).api_token is None

    def test_an_empty_token_is_none_and_a_mistake(self) -> None:
        assert "empty" in mistake(["--api-token="])
        assert "empty" in mistake(["--api-host=0.0.0.0"], {"CSMS_API_TOKEN": ""})


class TestSecrets:
    def test_are_not_echoed_in_mistakes(self) -> None:
        for text in (
            mistake(["--api-token=s3cret", "--port=x"]),
            mistake(["--api-token=s3cret", "--prot=x"]),
            mistake(["--api-tokn", "s3cret"]),
            mistake(["--api-tokn=s3cret"]),
            mistake(["s3cret"]),
            mistake(["--api-token", "--port", "s3cret"]),
            mistake(["--port=x"], {"CSMS_API_TOKEN": "s3cret"}),
        ):
            assert "s3cret" not in text

    def test_are_not_shown_with_the_settings(self) -> None:
        assert "s3cret" not in repr(Settings.load(["--api-token=s3cret"], {}))
