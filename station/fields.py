"""Reads documents that people write, as JSON or TOML: what is wrong is told by its place and what was expected."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Value = TypeVar("Value")
Read = Callable[[Any, str], Value]
"""Takes what was written, and the JSON pointer of where; returns what it means, or raises Invalid."""

_MISSING: Final = object()
_KINDS: Final[Mapping[type, str]] = {dict: "an object", list: "a list", type(None): "null"}


class Invalid(ValueError):
    """What was written is not what was expected. pointer: JSON pointer of the place (RFC 6901), "" for the whole."""

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"{pointer or 'the document'}: {problem}")
        self.pointer = pointer
        self.problem = problem

    @classmethod
    def unexpected(cls, pointer: str, expected: str, value: object) -> Invalid:
        """There is another value, or none, where `expected` should be."""
        return cls(
            pointer, f"expected {expected}, {'but it is missing' if value is _MISSING else f'got {_shown(value)}'}"
        )


@dataclass(frozen=True, slots=True)
class Field:
    """One member of an object. default: what it is when it is not written, unless it must be."""

    read: Read[Any]
    default: Any = None
    required: bool = False


def record(fields: Mapping[str, Field]) -> Read[dict[str, Any]]:
    """An object with these members and no others; as read it has all of them."""

    def read(value: Any, pointer: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Invalid.unexpected(pointer, "an object", value)
        for name in value:
            if name not in fields:
                known = f"; there are {', '.join(fields)}" if fields else ""
                raise Invalid(below(pointer, name), f"there is no such field{known}")
        return {name: _member(value, pointer, name, field) for name, field in fields.items()}

    return read


def array(read_item: Read[Value], *, least: int = 0, most: int) -> Read[list[Value]]:
    """A list of so many items."""
    size = f"{least}" if least == most else f"{least} to {most}" if least else f"at most {most}"
    expected = f"a list of {size}"

    def read(value: Any, pointer: str) -> list[Value]:
        if not isinstance(value, list):
            raise Invalid.unexpected(pointer, expected, value)
        if not least <= len(value) <= most:
            raise Invalid(pointer, f"expected {expected}, got one of {len(value)}")
        return [read_item(item, below(pointer, str(index))) for index, item in enumerate(value)]

    return read


def number(*, least: float = -math.inf, most: float = math.inf, above: float = -math.inf) -> Read[float]:
    """A number from `least` to `most`, and more than `above`."""
    expected = "a number" + _span(least, most, above)

    def read(value: Any, pointer: str) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            exact = float(value) if abs(value) < 1e300 else math.inf  # a whole number may be too long for a float
            if math.isfinite(exact) and least <= exact <= most and exact > above:
                return exact
        raise Invalid.unexpected(pointer, expected, value)

    return read


def whole(*, least: int, most: int | None = None) -> Read[int]:
    """A whole number from `least` to `most`."""
    expected = "a whole number" + _span(least, math.inf if most is None else most, -math.inf)

    def read(value: Any, pointer: str) -> int:
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and least <= value
            and (most is None or value <= most)
        ):
            return value
        raise Invalid.unexpected(pointer, expected, value)

    return read


def flag(value: Any, pointer: str) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    raise Invalid.unexpected(pointer, "true or false", value)


def text(*, least: int = 0, most: int) -> Read[str]:
    """A string of so many characters."""
    expected = f"a string of {least} to {most} characters" if least else f"a string of at most {most} characters"

    def read(value: Any, pointer: str) -> str:
        if isinstance(value, str) and least <= len(value) <= most:
            return value
        raise Invalid.unexpected(pointer, expected, value)

    return read


def choice(names: Sequence[str], what: str = "") -> Read[str]:
    """One of these names. what: how to call them, where they are too many to be listed."""
    expected = what or f"one of {', '.join(names)}"

    def read(value: Any, pointer: str) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise Invalid.unexpected(pointer, expected, value)

    return read


def below(pointer: str, name: str) -> str:
    """The pointer of a member."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def _member(value: Mapping[str, Any], pointer: str, name: str, field: Field) -> Any:
    if name in value:
        return field.read(value[name], below(pointer, name))
    return field.read(_MISSING, below(pointer, name)) if field.required else field.default


def _span(least: float, most: float, above: float) -> str:
    match least > -math.inf, above > -math.inf, most < math.inf:
        case True, _, True:
            return f" from {least:.12g} to {most:.12g}"
        case True, _, False:
            return f" from {least:.12g} on"
        case False, True, True:
            return f" above {above:.12g} and up to {most:.12g}"
        case False, True, False:
            return f" above {above:.12g}"
        case _:
            return f" up to {most:.12g}" if most < math.inf else ""


def _shown(value: object) -> str:
    for kind, name in _KINDS.items():
        if isinstance(value, kind):
            return name
    if isinstance(value, bool):
        return "true" if value else "false"
    return reprlib.repr(value)
