"""`python -m station --scenario` against `python -m csms`: what is told, what is written, how it ends."""

from __future__ import annotations

from pathlib import Path
from signal import Signals
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from tests.processes import ROOT, Csms, Program, Programs

SHIPPED: Final = ROOT / "scenarios"
PASSED_S: Final = 90.0


async def play(programs: Programs, csms: Csms, *options: str) -> Program:
    """The station, started with scenarios to play against that CSMS."""
    return await programs.station("CP_1", csms.url, "--csms-api", str(csms.rest.base_url), *options)


@pytest.mark.parametrize("name", ["plug_in_and_charge", "card_refused", "remote_start_and_stop"])
async def test_a_shipped_scenario_passes(name: str, programs: Programs, tmp_path: Path) -> None:
    csms = await programs.csms()
    report = tmp_path / "junit.xml"
    station = await play(programs, csms, "--scenario", str(SHIPPED / f"{name}.toml"), "--junit", str(report))
    assert await station.ends(within_s=PASSED_S) == 0, station.lines
    assert station.lines[-1].startswith("Passed in ")
    suites = ET.parse(report).getroot()  # noqa: S314  # we wrote it
    assert (suites.get("failures"), suites.get("skipped")) == ("0", "0")
    assert len(suites.findall("testsuite/testcase")) == int(suites.get("tests", "0")) > 5


async def test_several_are_played_one_after_the_other_and_one_that_fails_makes_the_status_1(
    programs: Programs, tmp_path: Path
) -> None:
    csms = await programs.csms()
    (tmp_path / "a.toml").write_text('[[step]]\ndo = "unplug"\n[[step]]\ndo = "stop"\n')
    (tmp_path / "b.toml").write_text('[[step]]\nexpect = "registered"\nwithin = 20\n')
    report = tmp_path / "junit.xml"
    station = await play(programs, csms, "--scenario", str(tmp_path), "--junit", str(report))
    assert await station.ends() == 1
    assert "1 of 2 scenarios passed; not: a" in station.lines
    suites = ET.parse(report).getroot()  # noqa: S314  # we wrote it
    assert [suite.get("name") for suite in suites] == ["a", "b"]
    assert (suites.get("failures"), suites.get("skipped")) == ("1", "1")
    failure = suites.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "nothing is plugged in at connector 1"


async def test_a_signal_ends_it_in_order_with_status_1(programs: Programs, tmp_path: Path) -> None:
    csms = await programs.csms()
    (tmp_path / "long.toml").write_text(
        '[[step]]\nexpect = "registered"\nwithin = 20\n[[step]]\ndo = "wait"\nseconds = 1000\n[[step]]\ndo = "stop"\n'
    )
    station = await play(programs, csms, "--scenario", str(tmp_path / "long.toml"))
    await station.says("expect registered")
    assert await station.stop(Signals.SIGTERM) == 1
    assert station.lines[-1].startswith("Interrupted in ")
    await csms.says("1001")


async def test_a_mistake_is_told_in_one_line_with_status_2_and_nothing_is_played(
    programs: Programs, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('[[step]]\ndo = "jam"\n')
    bad.write_text('[[step]]\ndo = "fly"\n')
    station = await programs.station("CP_1", "ws://127.0.0.1:9", "--scenario", str(good), "--scenario", str(bad))
    assert await station.ends() == 2
    assert len(station.lines) == 1
    assert station.lines[0].startswith(f"station: {bad}: step 1, do: expected one of plug-in, ")
    state = str(tmp_path / "state")
    station = await programs.station(
        "CP_1", "ws://127.0.0.1:9", "--scenario", str(good), "--scenario", str(good), "--state-dir", state
    )
    assert await station.ends() == 2
    assert station.lines[0].startswith("station: with --state-dir a scenario would begin where the one before it has")
    station = await programs.station(
        "CP_1", "ws://127.0.0.1:9", "--scenario", str(good), "--junit", str(tmp_path / "no" / "junit.xml")
    )
    assert await station.ends() == 2
    assert station.lines[-1].endswith("is not a file in a directory that there is")
