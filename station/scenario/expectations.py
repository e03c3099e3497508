"""What a scenario can expect: how things are, and what happens."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from station.scenario.happenings import HAPPENINGS
from station.scenario.kinds import Kind
from station.scenario.seen import Look
from station.scenario.states import STATES

EXPECTATIONS: Final[Mapping[str, Kind[Look]]] = MappingProxyType({**STATES, **HAPPENINGS})
"""By the name that `expect` has."""
