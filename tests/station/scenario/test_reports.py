"""What is written of how scenarios went."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from station.scenario import Outcome, Report, StepOutcome, Verdict, junit
from tests.station.scenario.theatre import written

TEXT = '[[step]]\ndo = "stop"\n[[step]]\ntitle = "a\\u0001<b>"\ndo = "stop"\n[[step]]\ndo = "stop"\n'


def outcome(folder: Path, *, is_failed: bool) -> Outcome:
    scenario = written(folder, TEXT)
    verdicts = [Verdict.PASSED, Verdict.FAILED if is_failed else Verdict.PASSED]
    steps = [
        StepOutcome(step, verdict, at=2.0 * step.number, took_s=0.5, seen='"\x1b[31m & so' if is_failed else "")
        for step, verdict in zip(scenario.steps, verdicts, strict=False)
    ]
    rest = Verdict.SKIPPED if is_failed else Verdict.PASSED
    return Outcome(scenario, [*steps, StepOutcome(scenario.steps[2], rest, 4.0, 0.0)], 4.0)


def test_junit_has_a_suite_for_each_scenario_and_a_case_for_each_step(tmp_path: Path) -> None:
    suites = ET.fromstring(junit([outcome(tmp_path, is_failed=True), outcome(tmp_path, is_failed=False)]))  # noqa: S314  # we wrote it
    assert suites.attrib == {"tests": "6", "failures": "1", "errors": "0", "skipped": "1", "time": "8.000"}
    bad, good = suites
    assert bad.attrib == {
        "name": "scenario",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "4.000",
    }
    assert [case.attrib for case in bad] == [
        {"classname": "scenario", "name": "1 stop", "time": "0.500"},
        {"classname": "scenario", "name": "2 a\ufffd<b>", "time": "0.500"},
        {"classname": "scenario", "name": "3 stop", "time": "0.000"},
    ]
    assert [[result.tag for result in case] for case in bad] == [[], ["failure"], ["skipped"]]
    failure = bad.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == '"\ufffd[31m & so'
    assert [list(case) for case in good] == [[], [], []]


def test_a_terminal_is_not_steered_by_what_was_seen(tmp_path: Path) -> None:
    lines: list[str] = []
    report = Report(lines.append)
    for over in outcome(tmp_path, is_failed=True).steps[:2]:
        report.step(over)
    assert lines[1:] == ["      4.0 s  ✗   2  a\\x01<b>", '                   but: "\\x1b[31m & so']


def test_marks_are_such_that_the_terminal_has_them(tmp_path: Path) -> None:
    lines: list[str] = []
    report = Report(lines.append, "ascii")
    report.step(outcome(tmp_path, is_failed=False).steps[0])
    assert lines == ["      2.0 s  ok   1  stop"]


def test_in_a_terminal_long_lines_go_on_below_what_they_tell(tmp_path: Path) -> None:
    lines: list[str] = []
    report = Report(lines.append, columns=80)
    (step, *_) = written(tmp_path, f'[[step]]\ndo = "stop"\ntitle = "{"stop it " * 12}"\n').steps
    report.step(StepOutcome(step, Verdict.PASSED, at=2.0, took_s=0.5))
    assert lines == [
        "      2.0 s  ✓   1  " + "stop it " * 7 + "stop",
        " " * 21 + "it " + "stop it " * 3 + "stop it",
    ]


def test_several_are_summed_up(tmp_path: Path) -> None:
    lines: list[str] = []
    Report(lines.append).all_over([outcome(tmp_path, is_failed=True), outcome(tmp_path, is_failed=False)])
    assert lines == ["1 of 2 scenarios passed; not: scenario"]
