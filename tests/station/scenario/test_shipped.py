"""Every scenario that is shipped passes against our CSMS, in virtual time, and says what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Version
from tests.csms.site import OpenSite
from tests.station.scenario.theatre import play_on_site, read_shipped

SHIPPED: Final = sorted((Path(__file__).parents[3] / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
async def test_a_shipped_scenario_passes(
    path: Path, autojump_clock: MockClock, open_site: OpenSite, compiled: dict[Version, Schemas]
) -> None:
    lines: list[str] = []
    outcome = await play_on_site(read_shipped(path), open_site(), compiled[V201], lines)
    assert outcome.passed, "\n".join(lines)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_scenario_begins_with_what_it_shows(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert read_shipped(path).description == ""
    assert read_shipped(path).name != path.stem
