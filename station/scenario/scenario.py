"""A scenario as it was read: the station it is for, and what is played on it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from station.device_model import Variable
from station.scenario.actions import Act
from station.scenario.seen import Look

WITHIN_S: Final = 10.0
"""How long an expectation has where it does not say."""


class Span(enum.Enum):
    """What `seconds` of an expectation mean."""

    WITHIN = "within"
    NEVER_FOR = "never_for"
    ALWAYS_FOR = "always_for"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done. is_idle: it does nothing, so that what has happened before still counts."""

    act: Act
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that comes to be so within `seconds`, is never so for them, or always."""

    look: Look
    span: Span
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step. number: from 1. title: what people read. at: seconds since the start, None: after the one before."""

    number: int
    title: str
    at: float | None
    what: Action | Expectation


@dataclass(frozen=True, slots=True)
class Api:
    """The CSMS's REST interface. token: shown as Bearer token; None: none."""

    url: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What one file says. connector_types: of each EVSE. seed: None for another run every time."""

    path: Path
    name: str
    description: str
    connector_types: Sequence[Sequence[str]]
    variables: Mapping[Variable[Any], Any]
    seed: int | None
    api: Api | None
    steps: Sequence[Step]
