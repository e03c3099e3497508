"""Hypothesis strategies for OCPP: valid payloads built from a schema, and payloads with something broken in them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from shared.ocppj.date_time import is_date_time, to_wire

Schema = dict[str, Any]
Path = tuple[str | int, ...]
DrawFn = Callable[[st.SearchStrategy[Any]], Any]

# A plug: one character for JSON Schema, two units in UTF-16, four bytes in UTF-8.
NON_BMP: Final = "\N{ELECTRIC PLUG}"
MAX_LENGTHS: Final = (2, 6, 8, 10, 16, 18, 20, 25, 32, 36, 50, 64, 95, 100, 128, 200, 255, 256, 512, 1000, 2500, 5500)


def json_values(*, max_leaves: int = 10) -> st.SearchStrategy[Any]:
    """JSON of any shape, as orjson reads it: its integers have 64 bits."""
    scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=20)
    return st.recursive(
        scalars | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=max_leaves,
    )


# --- date-times ------------------------------------------------------------------------------------------------------

_OFFSETS: Final = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS: Final = st.datetimes(
    min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=st.just(UTC) | _OFFSETS
)
DATE_TIMES: Final = st.one_of(
    MOMENTS.map(to_wire),
    MOMENTS.map(datetime.isoformat),
    MOMENTS.map(lambda moment: moment.isoformat(timespec="seconds").lower()),
    st.sampled_from(["2019-04-12T23:20:50.52Z", "2019-12-19T16:39:57+01:00", "2016-12-31T23:59:60Z"]),
)


class DateParts(NamedTuple):
    """The parts of a date-time, each of which may be just outside what it may be."""

    year: int
    month: int
    day: int
    between: str
    hour: int
    minute: int
    second: int
    fraction: str
    offset: str

    @property
    def text(self) -> str:
        date = f"{self.year:04}-{self.month:02}-{self.day:02}"
        return f"{date}{self.between}{self.hour:02}:{self.minute:02}:{self.second:02}{self.fraction}{self.offset}"


DATE_PARTS: Final = st.builds(
    DateParts,
    st.integers(2, 10000) | st.sampled_from([0, 1900, 2000, 2023, 2024]),
    st.integers(0, 13) | st.sampled_from([2, 12]),
    st.integers(0, 32) | st.integers(28, 31),
    st.sampled_from("TTTTt _"),
    st.integers(0, 25) | st.sampled_from([22, 23]),
    st.integers(0, 60) | st.just(59),
    st.integers(0, 61) | st.just(60),
    st.sampled_from(["", "", ".9", ".938", ".1234567", ".", ",5"]),
    st.sampled_from(["Z", "Z", "z", "", "+01:00", "-00:00", "+23:59", "+24:00", "+01:60", "+0100", "+1"]),
)


@st.composite
def damaged_dates(draw: DrawFn) -> str:
    """A date-time with one character lost, added or changed."""
    text: str = draw(DATE_TIMES)
    at = draw(st.integers(0, len(text) - 1))
    end = draw(st.sampled_from([at, at + 1]))
    instead: str = draw(st.sampled_from(["", "0", "9", "-", ":", " ", "T", "Z", "\n", "\u0660", NON_BMP]))
    return text[:at] + instead + text[end:]


BAD_DATES: Final = DATE_PARTS.map(lambda parts: parts.text) | damaged_dates()


# --- payloads --------------------------------------------------------------------------------------------------------


def payloads(schema: Schema) -> st.SearchStrategy[Any]:
    """Payloads that are valid by `schema`, with the keywords that the schemas of OCPP 2.0.1 use."""
    return _Builder(schema).instances(schema)


class _Builder:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._definitions: dict[str, st.SearchStrategy[Any]] = {}

    def instances(self, schema: Schema) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return self._definition(schema["$ref"].removeprefix("#/definitions/"))
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "type" not in schema:  # DataTransfer: "Data without specified length or format"
            return json_values()
        return getattr(self, f"_{schema['type']}")(schema)  # type: ignore[no-any-return]  # one method per JSON type

    def _definition(self, name: str) -> st.SearchStrategy[Any]:
        if name not in self._definitions:
            self._definitions[name] = self.instances(self._root["definitions"][name])
        return self._definitions[name]

    def _object(self, schema: Schema) -> st.SearchStrategy[Any]:
        fields = {name: self.instances(field) for name, field in schema.get("properties", {}).items()}
        required = {name: fields.pop(name) for name in schema.get("required", ())}
        known = st.fixed_dictionaries(required, optional=fields)
        if schema.get("additionalProperties", True) is False:
            return known
        more = st.dictionaries(
            st.text(max_size=8).filter(lambda name: name != "vendorId"), json_values(max_leaves=3), max_size=2
        )
        return st.builds(lambda extra, fields: extra | fields, more, known)

    def _array(self, schema: Schema) -> st.SearchStrategy[Any]:
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 1), least + 1)
        return st.lists(self.instances(schema["items"]), min_size=least, max_size=most)

    def _string(self, schema: Schema) -> st.SearchStrategy[Any]:
        if schema.get("format") == "date-time":
            return DATE_TIMES
        longest = schema.get("maxLength", 100)
        return st.text(max_size=min(longest, 10)) | st.sampled_from(["", "x" * longest, NON_BMP * longest])

    def _integer(self, schema: Schema) -> st.SearchStrategy[Any]:
        integers = st.integers(schema.get("minimum", -(2**31)), schema.get("maximum", 2**31 - 1))
        return integers | integers.map(float)  # draft-06 §6.2.1 counts 1.0 among the integers

    def _number(self, schema: Schema) -> st.SearchStrategy[Any]:
        least, most = schema.get("minimum", -1e9), schema.get("maximum", 1e9)
        return st.floats(least, most) | st.integers(int(least), int(most))

    def _boolean(self, _: Schema) -> st.SearchStrategy[Any]:
        return st.booleans()


# --- broken payloads -------------------------------------------------------------------------------------------------

_NUMBERS: Final = st.sampled_from(
    [0, 1, -1, 4, 10, 101, 1.0, 1.5, -0.0, -0.5, 100.5, 1e300, 2**31, 2**53 + 1, 2**64 - 1, 2**64, -(2**63) - 1, 10**30]
)
_LENGTHS: Final = st.builds(
    lambda length, more, character: character * (length + more),
    st.sampled_from(MAX_LENGTHS),
    st.sampled_from([0, 1]),
    st.sampled_from(["x", NON_BMP, "e\u0301"]),
)
_OTHERS: Final[list[Any]] = [
    None,
    True,
    False,
    "",
    "x",
    "1",
    "true",
    "Accepted",
    "accepted",
    [],
    {},
    [None],
    {"": None},
    [[[]]],
]
_JUNK: Final = _NUMBERS | _LENGTHS | st.sampled_from(_OTHERS).map(copy.deepcopy) | DATE_TIMES | BAD_DATES
_NAMES: Final = st.sampled_from(["", "x", "a/b", "m~n", "customData", "vendorId", "id", "status"]) | st.text(max_size=5)


@st.composite
def broken_payloads(draw: DrawFn, valid: st.SearchStrategy[Any]) -> Any:
    """A valid payload in which one to three things were changed; what comes out may be valid still."""
    payload = copy.deepcopy(draw(valid))
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from([_alter, _alter, _replace, _drop, _empty, _add]))
        places = list(_containers(payload) if how is _add else _fields(payload))
        if places:
            how(draw, *draw(st.sampled_from(places)))
    return payload


def _alter(draw: DrawFn, container: Any, key: Any) -> None:
    container[key] = draw(_like(container[key]))


def _replace(draw: DrawFn, container: Any, key: Any) -> None:
    container[key] = draw(_JUNK)


def _drop(_: DrawFn, container: Any, key: Any) -> None:
    del container[key]


def _empty(_: DrawFn, container: Any, key: Any) -> None:
    if isinstance(container[key], dict | list):
        container[key].clear()


def _add(draw: DrawFn, container: Any) -> None:
    if isinstance(container, dict):
        container[draw(_NAMES)] = draw(_JUNK)
    else:
        container.extend(copy.deepcopy(container) * 20)


def _like(value: Any) -> st.SearchStrategy[Any]:
    """Something of the same type, which its field may not hold."""
    if isinstance(value, str):
        return BAD_DATES if value and is_date_time(value) else _LENGTHS
    return _NUMBERS if isinstance(value, int | float) else _JUNK


def _containers(value: Any) -> Iterator[tuple[Any]]:
    if isinstance(value, dict | list):
        yield (value,)
        for child in value.values() if isinstance(value, dict) else value:
            yield from _containers(child)


def _fields(payload: Any) -> Iterator[tuple[Any, Any]]:
    for (container,) in _containers(payload):
        for key in container if isinstance(container, dict) else range(len(container)):
            yield container, key


# --- messages --------------------------------------------------------------------------------------------------------

_ELEMENTS: Final[st.SearchStrategy[Any]] = st.one_of(
    st.sampled_from([2, 3, 4, 5, 0, -1, 2.0, 2.5, "2", True, None, "-1", "", "Heartbeat", {}, [], {"a": 1}]),
    st.text(max_size=40),
    st.text(min_size=34, max_size=38),
    json_values(),
)
_RAW_JSON: Final = [
    "NaN",
    "Infinity",
    "1e400",
    "-1e400",
    "9" * 400,
    r'"\ud800"',
    r'"\udc00\ud800"',
    "\x00",
    '"\t"',
    "[",
    "{",
]


@st.composite
def near_frames(draw: DrawFn) -> str:
    """Texts that look like a message of OCPP-J, and may be one."""
    elements = [json.dumps(draw(_ELEMENTS)) for _ in range(draw(st.integers(0, 6)))]
    if elements and draw(st.booleans()):
        elements[0] = draw(st.sampled_from(["2", "3", "4"]))
    if elements and draw(st.integers(0, 3)) == 0:
        elements[draw(st.integers(0, len(elements) - 1))] = draw(st.sampled_from(_RAW_JSON))
    if elements and draw(st.integers(0, 3)) == 0:
        depth = draw(st.sampled_from([90, 99, 100, 101, 250, 254, 255, 1000, 1023, 1024, 5000]))
        opening, closing = draw(st.sampled_from([("[", "]"), ('{"a":', "}"), ("[", "")]))
        elements[-1] = opening * depth + ("1" if opening != "[" else "") + closing * depth
    return f"[{','.join(elements)}]"
