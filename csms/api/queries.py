"""Query parameters: what a list is narrowed down to. Each raises Problem (422) for a value that cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

from quart import request

from csms.api.problems import Problem
from csms.store.moments import to_ms
from shared.ocppj.date_time import from_wire, is_date_time

_TRUTHS: Final = {"true": True, "false": False}
_LARGEST: Final = 2**63 - 1
_SHOWN: Final = 50  # characters of what is no parameter


def check_names(known: Sequence[str]) -> None:
    """A parameter of the current request that nobody reads is a misspelt one, and without it a list has everything."""
    for name in request.args:
        if name not in known:
            hint = f"there are {', '.join(known)}" if known else "this call takes none"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name[:_SHOWN]}: no such parameter, {hint}")


def moment(name: str) -> int | None:
    """An RFC 3339 moment, as the database has it."""
    text = request.args.get(name)
    if text is None:
        return None
    if not is_date_time(text):
        hint = ", and + must be written %2B" if " " in text else ""
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be a moment of RFC 3339{hint}")
    return to_ms(from_wire(text))


def whole_number(name: str) -> int | None:
    """A number from 0 on."""
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be a whole number")
    return int(text)


def truth(name: str) -> bool | None:
    """True or false."""
    given = choice(name, _TRUTHS)
    return None if given is None else _TRUTHS[given]


def text(name: str) -> str | None:
    """What is to equal something printable."""
    given = request.args.get(name)
    if given is not None and not given.isprintable():
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be printable")
    return given


def choice(name: str, choices: Iterable[str]) -> str | None:
    """One of `choices`."""
    given = request.args.get(name)
    if given is not None and given not in list(choices):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be one of {', '.join(choices)}")
    return given
