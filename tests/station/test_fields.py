"""What people write is read with care: the place of a mistake, and what was expected there."""

from __future__ import annotations

from typing import Any

import pytest

from station.fields import Field, Invalid, Read, array, choice, flag, number, record, text, whole

PLAN: Read[dict[str, Any]] = record(
    {
        "name": Field(text(least=1, most=5), required=True),
        "share": Field(number(least=0, most=1), default=0.5),
        "times": Field(array(whole(least=1), most=2), default=()),
        "open": Field(flag),
        "colour": Field(choice(("red", "green"))),
        "a/b~c": Field(number(above=0)),
    }
)


def test_what_is_left_out_has_its_default() -> None:
    assert PLAN({"name": "x"}, "") == {
        "name": "x",
        "share": 0.5,
        "times": (),
        "open": None,
        "colour": None,
        "a/b~c": None,
    }


def test_what_is_written_is_read() -> None:
    written = {"name": "x", "share": 1, "times": [1, 2], "open": True, "colour": "red", "a/b~c": 0.1}
    assert PLAN(written, "") == written


@pytest.mark.parametrize(
    ("written", "pointer", "problem"),
    [
        ([], "", "expected an object, got a list"),
        ({}, "/name", "expected a string of 1 to 5 characters, but it is missing"),
        ({"name": ""}, "/name", "expected a string of 1 to 5 characters, got ''"),
        ({"name": "x", "share": 1.5}, "/share", "expected a number from 0 to 1, got 1.5"),
        ({"name": "x", "share": True}, "/share", "expected a number from 0 to 1, got true"),
        ({"name": "x", "share": float("nan")}, "/share", "expected a number from 0 to 1, got nan"),
        ({"name": "x", "share": None}, "/share", "expected a number from 0 to 1, got null"),
        ({"name": "x", "times": {}}, "/times", "expected a list of at most 2, got an object"),
        ({"name": "x", "times": [1, 2, 3]}, "/times", "expected a list of at most 2, got one of 3"),
        ({"name": "x", "times": [1, 0]}, "/times/1", "expected a whole number from 1 on, got 0"),
        ({"name": "x", "times": [1.5]}, "/times/0", "expected a whole number from 1 on, got 1.5"),
        ({"name": "x", "times": [False]}, "/times/0", "expected a whole number from 1 on, got false"),
        ({"name": "x", "open": 1}, "/open", "expected true or false, got 1"),
        ({"name": "x", "colour": "blue"}, "/colour", "expected one of red, green, got 'blue'"),
        ({"name": "x", "colour": ["red"]}, "/colour", "expected one of red, green, got a list"),
        ({"name": "x", "a/b~c": 0}, "/a~1b~0c", "expected a number above 0, got 0"),
        (
            {"name": "x", "a/b~c": 10**400},
            "/a~1b~0c",
            "expected a number above 0, got 100000000000000000...0000000000000000000",
        ),
        ({"nam": "x"}, "/nam", "there is no such field; there are name, share, times, open, colour, a/b~c"),
    ],
)
def test_a_mistake_is_told_by_its_place_and_what_was_expected(written: Any, pointer: str, problem: str) -> None:
    with pytest.raises(Invalid) as told:
        PLAN(written, "")
    assert (told.value.pointer, told.value.problem) == (pointer, problem)
    assert str(told.value) == f"{pointer or 'the document'}: {problem}"


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (number(), "a number"),
        (number(above=0, most=1), "a number above 0 and up to 1"),
        (number(most=1_000_000), "a number up to 1000000"),
        (whole(least=1, most=3), "a whole number from 1 to 3"),
        (text(most=3), "a string of at most 3 characters"),
        (choice(("a",), "a letter"), "a letter"),
    ],
)
def test_what_is_expected_reads_well(read: Read[Any], expected: str) -> None:
    with pytest.raises(Invalid) as told:
        read(None, "/x")
    assert told.value.problem == f"expected {expected}, got null"
