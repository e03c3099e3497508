"""Options that the command line and the environment give, and what their values may be."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from shared.handshake import connection_url

EPILOG: Final = "Each option can also be set in the environment, as STATION_<NAME>; the command line wins."
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    read: its value from a text, ValueError for another. metavar: None where it takes no value on the command line.
    repeatable: it may be given several times, and its value is a tuple.
    """

    name: str
    read: Callable[[str], Any]
    default: Any
    help: str
    metavar: str | None
    repeatable: bool = False

    @property
    def field(self) -> str:
        """Its name as an identifier."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"STATION_{self.field.upper()}"


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")

    def add(self, options: Sequence[Option]) -> None:
        """Have these as --flags."""
        for option in options:
            if option.metavar is None:
                self.add_argument(f"--{option.name}", action="store_const", const="yes", help=option.help)
            else:
                default = f" (default: {option.default})" if option.default not in {None, ()} else ""
                action = "append" if option.repeatable else "store"
                self.add_argument(f"--{option.name}", metavar=option.metavar, action=action, help=option.help + default)

    def choose(
        self, option: Option, given: str | list[str] | None, environment: Mapping[str, str], *, shown: str
    ) -> Any:
        """The value of an option; None: nobody has given one and there is no default. shown: its name in messages."""
        text, source = given, shown
        if text is None:
            text, source = environment.get(option.variable), option.variable
            if option.repeatable and text is not None:
                text = [text]
        try:
            if text is None:
                return option.default
            return option.read(text) if isinstance(text, str) else tuple(map(option.read, text))
        except ValueError as error:
            self.error(f"{source}: {error}")


def url(text: str) -> str:
    """Of a CSMS, without an identity."""
    connection_url(text, "identity")
    return text


def password(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a password has no control characters")
    return text


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number within these limits."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            wanted = f"from {least} to {most}" if most is not None else f"from {least} on"
            raise ValueError(f"{text!r} is not a whole number {wanted}")
        return number

    return read


def amount(*, above: float | None = None, least: float = -math.inf, most: float = math.inf) -> Callable[[str], float]:
    """A number within these limits, infinity being none."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most and (above is None or value > above)):
            bounds = [f"above {above:g}"] if above is not None else [f"from {least:g} on"] if least > -math.inf else []
            bounds += [f"up to {most:g}"] if most < math.inf else []
            raise ValueError(f"{text!r} is not a number {', '.join(bounds)}".rstrip())
        return value

    return read


def file(text: str) -> Path:
    """A file to be written at the end, where it can be."""
    if not text or Path(text).is_dir() or not Path(text).absolute().parent.is_dir():
        raise ValueError(f"{text!r} is not a file in a directory that there is")
    return Path(text)


def switch(text: str) -> bool:
    if text.lower() not in {"yes", "no", "true", "false", "1", "0"}:
        raise ValueError(f"{text!r} is not yes or no")
    return text.lower() in {"yes", "true", "1"}


def seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def log_level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"{text!r} is not one of {', '.join(LOG_LEVELS)}")
    return text.lower()
