"""Names in a scenario that stand for something: ${now+60}, ${identity}, and what was kept of a message."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from shared.ocppj import date_time
from station.fields import Invalid, Read, below

GIVEN: Final = frozenset({"now", "identity"})
"""Names that there are from the start."""
_REFERENCE: Final = re.compile(r"\$\{(\w+)(?:([+-])(\d{1,9}(?:\.\d{1,3})?))?\}")
_NAME: Final = re.compile(r"[A-Za-z_]\w{0,49}")
_LONGEST_POINTER: Final = 500
_MOST_DEPTH: Final = 50


def read_kept(value: Any, pointer: str) -> dict[str, str]:
    """What to keep: names, and the JSON pointer of what each stands for from then on. Raises Invalid."""
    if not isinstance(value, dict):
        raise Invalid.unexpected(pointer, "an object of names and JSON pointers", value)
    for name, where in value.items():
        if not _NAME.fullmatch(name) or name in GIVEN:
            raise Invalid(
                below(pointer, name), "this cannot be a name: letters, digits and _, and neither now nor identity"
            )
        if not isinstance(where, str) or not where.startswith("/") or len(where) > _LONGEST_POINTER:
            raise Invalid.unexpected(
                below(pointer, name), "a JSON pointer such as /transactionInfo/transactionId", where
            )
    return dict(value)


def check_names(value: Any, pointer: str, known: Collection[str]) -> None:
    """Raises Invalid where a name is used that stands for nothing."""

    def check(text: str, where: str) -> None:
        if "${" in _REFERENCE.sub("", text):
            raise Invalid(
                where, "after ${ comes the name of something that was kept, or now, now+60, now-60, and then }"
            )
        for name, sign, _ in _REFERENCE.findall(text):
            if name not in known:
                raise Invalid(where, f"nothing was kept as {name} before; known are {', '.join(sorted(known))}")
            if sign and name != "now":
                raise Invalid(where, f"only now can be moved in time, not {name}")

    _each_text(value, pointer, check)


def filled(value: Any, names: Mapping[str, Any], now: Callable[[], datetime]) -> Any:
    """The value with what the names stand for. A text that is a name alone becomes whatever that is, else a text."""

    def meaning(reference: re.Match[str]) -> Any:
        name, sign, seconds = reference.groups()
        if name == "now":
            offset = timedelta(seconds=float(seconds or 0))
            return date_time.to_wire(now() - offset if sign == "-" else now() + offset)
        return names[name]

    def fill(text: str, _: str) -> Any:
        whole = _REFERENCE.fullmatch(text)
        return meaning(whole) if whole else _REFERENCE.sub(lambda reference: str(meaning(reference)), text)

    return _each_text(value, "", fill)


def _each_text(value: Any, pointer: str, change: Callable[[str, str], Any]) -> Any:
    match value:
        case str():
            return change(value, pointer)
        case dict():
            return {name: _each_text(item, below(pointer, name), change) for name, item in value.items()}
        case list():
            return [_each_text(item, below(pointer, str(index)), change) for index, item in enumerate(value)]
        case _:
            return value


def json_value(*, only_object: bool = False) -> Read[Any]:
    """Any JSON but null, which TOML cannot say; dates are texts, in quotes."""

    def read(value: Any, pointer: str, depth: int = 0) -> Any:
        if depth > _MOST_DEPTH:
            raise Invalid(pointer, f"expected no more than {_MOST_DEPTH} lists and objects one within the other")
        match value:
            case dict():
                for name, item in value.items():
                    read(item, below(pointer, name), depth + 1)
            case _ if only_object and not depth:
                raise Invalid.unexpected(pointer, "an object", value)
            case list():
                for index, item in enumerate(value):
                    read(item, below(pointer, str(index)), depth + 1)
            case bool() | str():
                pass
            case int() | float() if abs(value) < 1e15:  # nor NaN
                pass
            case _:
                raise Invalid(pointer, "expected what JSON has: a text, a number, true, false, a list or an object")
        return value

    return read
