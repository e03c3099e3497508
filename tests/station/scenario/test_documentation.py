"""docs/scenarios.md says what there is, and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from station.fields import Field
from station.scenario import read_scenario
from station.scenario.actions import ACTIONS
from station.scenario.expectations import EXPECTATIONS
from station.scenario.happenings import HAPPENINGS
from station.scenario.kinds import Kind
from station.scenario.reader import COMMON_FIELDS, CSMS_FIELDS, FIELDS, STATION_FIELDS
from station.scenario.scenario import WITHIN_S
from station.vehicles import VEHICLE_FIELDS

TEXT: Final = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the rows of the table that begins so, each as the names in it."""
    (rows,) = re.findall(rf"^\| {heading} \|.*\n\| --- .*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    return [row.strip("| ").split(" | ") for row in rows.splitlines()]


def names(cell: str) -> list[str]:
    """What is written as code in a cell."""
    return re.findall(r"`([\w.-]+)`", cell)


@pytest.mark.parametrize(("heading", "kinds"), [("do", ACTIONS), ("expect", EXPECTATIONS)])
def test_every_kind_of_step_is_documented_with_its_fields(heading: str, kinds: Mapping[str, Kind[Any]]) -> None:
    told = {}
    for what, *_, fields in ([*row, ""] if len(row) == 2 else row for row in table(heading)):
        for name in names(what):
            told[name] = set(names(fields)) | (VEHICLE_FIELDS.keys() if "those of a vehicle" in fields else set())
    assert told == {name: set(kind.fields) for name, kind in kinds.items()}


def test_every_field_of_a_file_is_documented() -> None:
    told = [name for row in table("field") for name in names(row[0])]

    def below(table_name: str, fields: Mapping[str, Field]) -> list[str]:
        return [f"{table_name}.{name}" for name in fields]

    tables = {"station": below("station", STATION_FIELDS), "csms": below("csms", CSMS_FIELDS)}
    assert set(told) == {name for field in FIELDS for name in tables.get(field, [field])}


def test_what_each_step_may_have_is_documented() -> None:
    for name in COMMON_FIELDS:
        assert f"`{name}`" in TEXT
    assert f"{WITHIN_S:g} seconds to come true" in TEXT


def test_the_happenings_are_the_last_rows() -> None:
    rows = [name for row in table("expect") for name in names(row[0])]
    assert set(rows[-len(HAPPENINGS) :]) == HAPPENINGS.keys()


def test_the_example_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"^    name = .*?(?=^\| field)", TEXT, re.MULTILINE | re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(re.sub("^    ", "", example, flags=re.MULTILINE), encoding="utf-8")
    assert len(read_scenario(path, [["cType2"]]).steps) == 4
