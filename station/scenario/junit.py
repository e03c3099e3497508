"""How scenarios went, as JUnit XML: a suite for each scenario, a case for each step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from station.scenario.outcome import Outcome, Verdict
from station.user_mistake import UserMistake

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the file. Raises UserMistake: it cannot be written."""
    try:
        path.write_bytes(junit(outcomes))
    except OSError as error:
        raise UserMistake(f"{path} cannot be written: {error.strerror}; give another --junit FILE") from None


def junit(outcomes: Sequence[Outcome]) -> bytes:
    """The document."""
    suites = ET.Element("testsuites", _totals(outcomes))
    for outcome in outcomes:
        suite = ET.SubElement(suites, "testsuite", {"name": _text(outcome.scenario.name), **_totals([outcome])})
        for over in outcome.steps:
            case = ET.SubElement(
                suite,
                "testcase",
                {
                    "classname": _text(outcome.scenario.path.stem),
                    "name": _text(f"{over.step.number} {over.step.title}"),
                    "time": f"{over.took_s:.3f}",
                },
            )
            if over.verdict is Verdict.FAILED:
                ET.SubElement(case, "failure", {"message": _text(over.seen)})
            elif over.verdict is Verdict.SKIPPED:
                ET.SubElement(case, "skipped")
    ET.indent(suites)
    document: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _totals(outcomes: Sequence[Outcome]) -> dict[str, str]:
    verdicts = [step.verdict for outcome in outcomes for step in outcome.steps]
    return {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.FAILED)),
        "errors": "0",
        "skipped": str(verdicts.count(Verdict.SKIPPED)),
        "time": f"{sum(outcome.took_s for outcome in outcomes):.3f}",
    }


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
