"""What people are told on stdout, whatever has become of it."""

from __future__ import annotations

import os
from io import TextIOWrapper
from pathlib import Path

import pytest

from station.console import say
from station.user_mistake import UserMistake


def test_a_line_is_written_in_what_the_encoding_has(tmp_path: Path) -> None:
    with (tmp_path / "told").open("w", encoding="ascii") as told:
        say("Ladesäule", told)
    assert (tmp_path / "told").read_bytes() == b"Lades\\xe4ule\n"


def test_where_the_reader_has_gone_the_program_goes_on() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with TextIOWrapper(os.fdopen(writing, "wb")) as told:
        say("one", told)
        say("two", told)


def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("w", encoding="utf-8", buffering=1) as told:
        with pytest.raises(UserMistake, match=r"^/dev/full cannot be written: No space left on device$"):
            say("one", told)
        os.dup2(os.open(os.devnull, os.O_WRONLY), told.fileno())  # or closing it would fail as well
