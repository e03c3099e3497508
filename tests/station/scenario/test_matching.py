"""JSON is as expected when what is expected is there; there may be more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.scenario.matching import at, difference

JSON = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        ({}, {"a": 1}, None),
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": 1.0}, {"a": 1}, None),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "/a/b is 2"),
        ({"a": 1}, {}, "/a is missing"),
        ({"a": {"b": 1}}, {"a": 3}, "/a is 3"),
        ({"a": {"b": 1}}, {}, "/a is missing"),
        ({"a": 1}, {"a": True}, "/a is true"),
        ({"a": [{"n": 2}]}, {"a": [{"n": 1}, {"n": 2, "m": 3}]}, None),
        ({"a": [{"n": 3}]}, {"a": [{"n": 1}]}, '/a has no {"n":3}'),
        ({"a": [1]}, {"a": 1}, "/a is 1"),
        (1, 2, "it is 2"),
        ({"a/b": 1}, {"a/b": 2}, "/a~1b is 2"),
    ],
)
def test_the_first_difference_is_told_by_its_place(expected: Any, actual: Any, told: str | None) -> None:
    assert difference(expected, actual) == told


@given(JSON)
def test_everything_is_as_it_is(document: Any) -> None:
    assert difference(document, document) is None


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.text(max_size=3), JSON)
def test_more_than_is_expected_does_no_harm(document: dict[str, Any], name: str, value: Any) -> None:
    assert difference(document, {name: value} | document) is None


def test_a_json_pointer_finds_its_place() -> None:
    document = {"a": [{"b/c": 1}, {"~": 2}]}
    assert at("/a/0/b~1c", document) == 1
    assert at("/a/1/~0", document) == 2
    for pointer in ("/a/2", "/a/x", "/b", "/a/0/b~1c/d"):
        with pytest.raises(LookupError, match=f"^there is nothing at {pointer}$"):
            at(pointer, document)
