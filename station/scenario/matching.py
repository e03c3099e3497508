"""Whether JSON is as it is expected to be: what is expected has to be there, and there may be more."""

from __future__ import annotations

import reprlib
from typing import Any, Final

import orjson

from station.fields import below

ABSENT: Final = object()
_SHOWN: Final = 200


def difference(expected: Any, actual: Any, pointer: str = "") -> str | None:
    """The first thing that is not as expected, by its JSON pointer; None: all is.

    Of an object the members that are expected have to be there. Each item that is expected of a list has to have one
    like it there, wherever.
    """
    where = pointer or "it"
    match expected:
        case dict():
            if not isinstance(actual, dict):
                return f"{where} is {shown(actual)}"
            members = (
                difference(item, actual.get(name, ABSENT), below(pointer, name)) for name, item in expected.items()
            )
            return next((found for found in members if found is not None), None)
        case list():
            if not isinstance(actual, list):
                return f"{where} is {shown(actual)}"
            for item in expected:
                if all(difference(item, other) is not None for other in actual):
                    return f"{where} has no {shown(item)}"
            return None
        case _:
            same = (
                actual is not ABSENT and actual == expected and isinstance(actual, bool) == isinstance(expected, bool)
            )
            return None if same else f"{where} is {shown(actual)}"


def at(pointer: str, document: Any) -> Any:
    """What a JSON pointer points to (RFC 6901). Raises LookupError: nothing is there."""
    found = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        match found:
            case dict() if name in found:
                found = found[name]
            case list() if name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            case _:
                raise LookupError(f"there is nothing at {pointer}")
    return found


def shown(value: Any, longest: int = _SHOWN) -> str:
    """A value for people, in one line that is not too long."""
    if value is ABSENT:
        return "missing"
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # numbers too long and lists too deep for it: of others, who send what they like
        text = reprlib.repr(value)
    return text if len(text) <= longest else f"{text[:longest]}…"
