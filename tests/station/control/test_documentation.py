"""docs/control.md says what there is, and no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, get_args

from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.control import create_control
from station.faults.rules import Kind
from station.vehicles import VEHICLE_FIELDS
from tests.station.fake_csms import station_on_fake_csms

TEXT: Final = (Path(__file__).parents[3] / "docs" / "control.md").read_text(encoding="utf-8")
PLACES: Final = {"<evse_id>": "{e}", "<connector_id>": "{c}", "<action>": "{Action}"}


async def test_every_route_is_documented(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, _):
        control = create_control(station, host="127.0.0.1", token=None, call_patience_s=60, test_hooks=True)
    routes = set()
    for rule in control.url_map.iter_rules():
        path = re.sub(r"<\w+>", lambda name: PLACES.get(name[0], f"{{{name[0][1:-1]}}}"), rule.rule)
        routes |= {f"{method} {path}" for method in (rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"}}
    told = {
        f"{method} {path}"
        for methods, path in re.findall(r"^\| `([A-Z`, ]+) (/\S+)` \|", TEXT, re.MULTILINE)
        for method in re.findall("[A-Z]+", methods)
    }
    assert routes == told


def test_every_kind_of_fault_is_documented() -> None:
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \|", TEXT, re.MULTILINE)
    assert {kind for row in rows for kind in re.findall("[a-z-]+", row)} == set(get_args(Kind))


def test_every_field_of_a_vehicle_is_documented() -> None:
    (told,) = re.findall(r"^A vehicle has: (.*?)\n\n", TEXT, re.MULTILINE | re.DOTALL)
    assert re.findall(r"`(\w+)`", told) == list(VEHICLE_FIELDS)
