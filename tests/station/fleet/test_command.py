"""What a fleet needs of the machine, and its log."""

from __future__ import annotations

import logging
import resource
from pathlib import Path

import pytest

from station.fleet import command
from station.fleet.log_lines import LINES, SECONDS, Calm
from station.fleet.settings import FleetSettings
from station.user_mistake import UserMistake

Limits = tuple[int, int]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """The limits of open files, the last being in force: 1,000, and 5,000 where one asks."""
    limits = [(1000, 5000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    return limits


def test_the_limit_of_open_files_is_left_alone_where_it_is_enough(limits: list[Limits]) -> None:
    command.make_room(900)
    assert limits == [(1000, 5000)]


def test_the_limit_of_open_files_is_raised_where_it_is_not(limits: list[Limits]) -> None:
    command.make_room(2000)
    assert limits[-1] == (2064, 5000)


def test_more_stations_than_open_files_are_allowed_are_a_users_mistake(limits: list[Limits]) -> None:
    with pytest.raises(UserMistake, match=r"10000 stations need 10064 open files .* 5000: .*ulimit.*--count 4936"):
        command.make_room(10_000)
    assert limits == [(1000, 5000)]


def record(level: int, number: int) -> logging.LogRecord:
    return logging.LogRecord("root", level, "x.py", 1, "%s: connecting again", (f"CP_{number}",), None)


def test_thousands_of_stations_that_say_the_same_are_heard_a_few_times() -> None:
    now = 0.0
    calm = Calm(lambda: now)
    records = [record(logging.WARNING, number) for number in range(100)]
    assert [calm.filter(entry) for entry in records] == [True] * LINES + [False] * (100 - LINES)
    now = SECONDS
    later = record(logging.WARNING, 100)
    assert calm.filter(later)
    assert later.getMessage() == "CP_100: connecting again (and 95 more like this)"


def test_errors_are_always_heard() -> None:
    calm = Calm(lambda: 0.0)
    assert all(calm.filter(record(logging.ERROR, number)) for number in range(100))


def test_a_summary_that_cannot_be_written_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserMistake, match=r"^--summary /dev/full cannot be written: No space left on device; it is on"):
        command.write_summary(FleetSettings(summary=Path("/dev/full")), "{}")
    assert capsys.readouterr().out == "{}\n"


def test_a_summary_is_a_text_file(tmp_path: Path) -> None:
    command.write_summary(FleetSettings(summary=tmp_path / "s.json"), "{}")
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == "{}\n"
