"""Reads scenario files: TOML, whose mistakes are told in one line with the number of the step."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from shared.message_log import one_line
from station.fields import Field, Invalid, Read, array, below, number, record, text, whole
from station.hardware import EvseSpec, Hardware
from station.scenario.actions import ACTIONS, IDLE
from station.scenario.expectations import EXPECTATIONS
from station.scenario.happenings import HAPPENINGS
from station.scenario.kinds import Kind, Played, Sketch, Values
from station.scenario.matching import shown
from station.scenario.scenario import WITHIN_S, Action, Api, Expectation, Scenario, Span, Step
from station.scenario.variables import read_variables
from station.settings import rest_url, token
from station.user_mistake import UserMistake

_MOST_STEPS: Final = 1000
_MOST_EVSES: Final = 100
_MOST_CONNECTORS: Final = 10
_MOST_S: Final = 1_000_000
_MOST_BYTES: Final = 2**20
_TITLE_SHOWN: Final = 60
_SECONDS: Final = number(least=0, most=_MOST_S)


def scenario_paths(path: Path) -> list[Path]:
    """The file, or those of the directory, by name. Raises UserMistake: there is none."""
    found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not found:
        raise UserMistake(f"{path} has no scenarios: files that end in .toml")
    return found


def read_scenario(path: Path, connector_types: Sequence[Sequence[str]], api: Api | None = None) -> Scenario:
    """The scenario in a file. connector_types: of the station where the file does not say. api: wins over the file's.

    Raises UserMistake, of one line.
    """
    try:
        data = path.read_bytes()
        if len(data) > _MOST_BYTES:
            raise UserMistake(f"{path}: a scenario has at most {_MOST_BYTES} bytes")
        document = tomllib.loads(data.decode())
    except OSError as error:
        raise UserMistake(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserMistake(f"{path} is no scenario: it is not UTF-8") from None
    except RecursionError:
        raise UserMistake(f"{path} is no scenario: too much in it is one within the other") from None
    except ValueError as error:  # also of a number with thousands of digits
        raise UserMistake(f"{path} is not TOML: {one_line(str(error))}") from None
    try:
        return _scenario(document, path, connector_types, api)
    except Invalid as invalid:
        raise UserMistake(f"{path}: {_place(invalid.pointer)}: {invalid.problem}") from None


def _scenario(document: Any, path: Path, connector_types: Sequence[Sequence[str]], api: Api | None) -> Scenario:
    read = _DOCUMENT(document, "")
    station, csms = read["station"], read["csms"]
    types = connector_types if station["evses"] is None else station["evses"]
    if api is None and csms["api"] is not None:
        api = Api(csms["api"], csms["api_token"])
    hardware = Hardware.of(types, monotonic=lambda: 0.0, random=Random(0))  # noqa: S311  # only to be looked at
    sketch = Sketch(hardware, has_api=api is not None)
    steps: list[Step] = []
    earliest = 0.0
    for index, written in enumerate(read["step"]):
        step = _step(index + 1, written, sketch, f"/step/{index}")
        if step.at is not None:
            if step.at < earliest:
                raise Invalid(f"/step/{index}/at", f"steps come in order, and one before this is at {earliest:g}")
            earliest = step.at
        steps.append(step)
    return Scenario(
        path,
        read["name"] or path.stem,
        read["description"],
        types,
        station["variables"],
        station["seed"],
        api,
        steps,
    )


def _step(step_number: int, written: Mapping[str, Any], sketch: Sketch, pointer: str) -> Step:
    what: Action | Expectation
    match "do" in written, "expect" in written:
        case True, False:
            name, action, values = _read("do", ACTIONS, _COMMON, written, pointer)
            what = Action(action.prepare(values, sketch, pointer), is_idle=name in IDLE)
        case False, True:
            name, expectation, values = _read("expect", EXPECTATIONS, {**_COMMON, **_SPANS}, written, pointer)
            span, seconds = _span(name, values, pointer)
            what = Expectation(expectation.prepare(values, sketch, pointer), span, seconds)
        case _:
            raise Invalid(pointer, "a step has either do or expect")
    return Step(step_number, values["title"] or _title(written), values["at"], what)


def _read(
    word: str,
    kinds: Mapping[str, Kind[Played]],
    common: Mapping[str, Field],
    written: Mapping[str, Any],
    pointer: str,
) -> tuple[str, Kind[Played], Values]:
    name = written[word]
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Invalid.unexpected(below(pointer, word), f"one of {', '.join(kinds)}", name)
    return name, kind, record({word: Field(text(most=50)), **common, **kind.fields})(written, pointer)


def _span(name: str, values: Values, pointer: str) -> tuple[Span, float]:
    given = [span for span in Span if values[span.value] is not None]
    if len(given) > 1:
        raise Invalid(pointer, f"{given[0].value} and {given[1].value} do not go together")
    if not given:
        return Span.WITHIN, WITHIN_S
    if given[0] is Span.ALWAYS_FOR and name in HAPPENINGS:
        raise Invalid(f"{pointer}/always_for", f"{name} is something that happens, and cannot always be so")
    if given[0] is Span.NEVER_FOR and values.get("keep"):
        raise Invalid(f"{pointer}/keep", "there is nothing to keep of what never happens")
    return given[0], values[given[0].value]


def _title(written: Mapping[str, Any]) -> str:
    """What a step says, in short."""
    spans = {span.value for span in Span}
    details = [
        f"{name} {value if isinstance(value, str) else shown(value, _TITLE_SHOWN)}"
        for name, value in written.items()
        if name not in {"do", "expect", "at", "title", "keep", *spans}
    ]
    words = f"expect {written['expect']}" if "expect" in written else written["do"]
    spoken = [f"{name.replace('_', ' ')} {value:g} s" for name, value in written.items() if name in spans]
    return " ".join([words + ":" if details else words, *filter(None, [", ".join(details)]), *spoken])


def _place(pointer: str) -> str:
    """Where something is, for people: step 3, payload/eventType."""
    parts = pointer.split("/")[1:]
    if parts[:1] == ["step"] and len(parts) > 1:
        return ", ".join([f"step {int(parts[1]) + 1}", *filter(None, ["/".join(parts[2:])])])
    return "/".join(parts).replace("~1", "/").replace("~0", "~") or "the scenario"


def _evses(value: Any, pointer: str) -> list[list[str]]:
    evses = _EVSES(value, pointer)
    for index, types in enumerate(evses):
        try:
            EvseSpec.of(types)
        except ValueError as error:
            raise Invalid(f"{pointer}/{index}", str(error)) from None
    return evses


def _api_url(value: Any, pointer: str) -> str:
    try:
        return rest_url(value if isinstance(value, str) else repr(value))
    except ValueError as error:
        raise Invalid(pointer, str(error)) from None


def _api_token(value: Any, pointer: str) -> str:
    try:
        return token(value if isinstance(value, str) else "")
    except ValueError as error:  # what was written is not shown: it may be a secret
        raise Invalid(pointer, str(error)) from None


def _table(value: Any, pointer: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise Invalid.unexpected(pointer, "a table", value)


_EVSES: Final = array(array(text(least=1, most=20), least=1, most=_MOST_CONNECTORS), least=1, most=_MOST_EVSES)
STATION_FIELDS: Final[Mapping[str, Field]] = {
    "evses": Field(_evses),
    "variables": Field(read_variables, default={}),
    "seed": Field(whole(least=0)),
}
CSMS_FIELDS: Final[Mapping[str, Field]] = {
    "api": Field(_api_url),
    "api_token": Field(_api_token),
}


def _or_empty(fields: Mapping[str, Field]) -> Field:
    read: Read[dict[str, Any]] = record(fields)
    return Field(read, default=read({}, ""))


FIELDS: Final[Mapping[str, Field]] = {
    "name": Field(text(least=1, most=200)),
    "description": Field(text(most=10_000), default=""),
    "station": _or_empty(STATION_FIELDS),
    "csms": _or_empty(CSMS_FIELDS),
    "step": Field(array(_table, least=1, most=_MOST_STEPS), required=True),
}
"""What can be written of a scenario."""
_DOCUMENT: Final = record(FIELDS)
_COMMON: Final[Mapping[str, Field]] = {"at": Field(_SECONDS), "title": Field(text(least=1, most=200))}
_SPANS: Final[Mapping[str, Field]] = {span.value: Field(_SECONDS) for span in Span}
COMMON_FIELDS: Final = (*_COMMON, *_SPANS)
"""What can be written of each step; of what is done only the first two."""
