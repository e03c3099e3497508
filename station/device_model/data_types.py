"""The types of values: text on the wire, Python values inside (Part 2 §3, DataEnumType; B05.FR.07, B05.FR.08)."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from shared.ocppj import date_time

Value = TypeVar("Value")
DataTypeName = Literal[
    "string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"
]
INTEGER_MAX: Final = 2**31 - 1
"""OCPP's integers have 32 bits."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")
_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]{1,6})?")


class Unacceptable(ValueError):
    """A text is no value of a variable. reason_code: of OCPP's list of reason codes; the text is for a person."""

    def __init__(self, reason_code: str, text: str) -> None:
        super().__init__(text)
        self.reason_code = reason_code


class DataType(ABC, Generic[Value]):
    """What the values of a variable look like."""

    name: ClassVar[DataTypeName]

    @abstractmethod
    def parse(self, text: str) -> Value:
        """The value that this text stands for; raises Unacceptable."""

    @abstractmethod
    def to_text(self, value: Value) -> str:
        """How a value is written on the wire."""

    def characteristics(self) -> dict[str, Any]:
        """minLimit, maxLimit and valuesList as far as there are any, with the names of VariableCharacteristicsType."""
        return {}


@dataclass(frozen=True, slots=True)
class Boolean(DataType[bool]):
    """`true` or `false`, and nothing else (Part 2 §2.1.4)."""

    name: ClassVar[DataTypeName] = "boolean"

    def parse(self, text: str) -> bool:
        match text:
            case "true":
                return True
            case "false":
                return False
        raise Unacceptable("InvalidValue", f"{text!r} is neither true nor false")

    def to_text(self, value: bool) -> str:
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class Integer(DataType[int]):
    """A whole number from `least` to `most`."""

    name: ClassVar[DataTypeName] = "integer"
    least: int = 0
    most: int | None = None

    def parse(self, text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise Unacceptable("InvalidValue", f"{text!r} is not a whole number")
        if len(text) > len(str(INTEGER_MAX)) + 1:
            raise Unacceptable("ValueOutOfRange", f"{text[:20]}… has more than 32 bits")
        number = int(text)
        _check_range(number, self.least, INTEGER_MAX if self.most is None else self.most)
        return number

    def to_text(self, value: int) -> str:
        return str(value)

    def characteristics(self) -> dict[str, Any]:
        return _limits(self.least, self.most)


@dataclass(frozen=True, slots=True)
class Decimal(DataType[float]):
    """A number from `least` to `most`, with at most six decimal places."""

    name: ClassVar[DataTypeName] = "decimal"
    least: float | None = None
    most: float | None = None

    def parse(self, text: str) -> float:
        if not _DECIMAL.fullmatch(text):
            raise Unacceptable("InvalidValue", f"{text!r} is not a number with at most six decimal places")
        number = float(text)
        if math.isinf(number):
            raise Unacceptable("ValueOutOfRange", f"{text[:20]}… is too large")
        _check_range(
            number, -math.inf if self.least is None else self.least, math.inf if self.most is None else self.most
        )
        return number

    def to_text(self, value: float) -> str:
        text = f"{value:.6f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    def characteristics(self) -> dict[str, Any]:
        return _limits(self.least, self.most)


@dataclass(frozen=True, slots=True)
class String(DataType[str]):
    """A text of `shortest` to `longest` characters, all of them in `characters`, a regular expression of one."""

    name: ClassVar[DataTypeName] = "string"
    longest: int | None = None
    shortest: int = 0
    characters: str | None = None

    def parse(self, text: str) -> str:
        if self.characters is not None and not re.fullmatch(f"(?:{self.characters})*", text):
            raise Unacceptable("InvalidValue", f"there are characters beyond {self.characters}")
        longest = math.inf if self.longest is None else self.longest
        if not self.shortest <= len(text) <= longest:
            raise Unacceptable("ValueOutOfRange", f"{len(text)} characters, not {self.shortest} to {longest}")
        return text

    def to_text(self, value: str) -> str:
        return value

    def characteristics(self) -> dict[str, Any]:
        return {} if self.longest is None else {"maxLimit": self.longest}


@dataclass(frozen=True, slots=True)
class DateTime(DataType[datetime]):
    """A moment, aware."""

    name: ClassVar[DataTypeName] = "dateTime"

    def parse(self, text: str) -> datetime:
        if not date_time.is_date_time(text):
            raise Unacceptable("InvalidValue", f"{text!r} is not a date-time as RFC 3339 has it")
        return date_time.from_wire(text)

    def to_text(self, value: datetime) -> str:
        return date_time.to_wire(value)


@dataclass(frozen=True, slots=True)
class OptionList(DataType[str]):
    """One of `values`."""

    name: ClassVar[DataTypeName] = "OptionList"
    values: tuple[str, ...]

    def parse(self, text: str) -> str:
        return _one_of(self.values, text)

    def to_text(self, value: str) -> str:
        return value

    def characteristics(self) -> dict[str, Any]:
        return {"valuesList": ",".join(self.values)}


class _List(DataType[tuple[str, ...]]):
    """Some of `values`, `least` of them or more, none of them twice, separated by commas."""

    values: tuple[str, ...]
    least: int

    def parse(self, text: str) -> tuple[str, ...]:
        members = tuple(_one_of(self.values, member.strip()) for member in text.split(",")) if text.strip() else ()
        if len(set(members)) < len(members):
            raise Unacceptable("InvalidValue", f"{text!r} has something twice")
        if len(members) < self.least:
            raise Unacceptable("InvalidValue", f"at least {self.least} of {', '.join(self.values)} must be there")
        return members

    def to_text(self, value: tuple[str, ...]) -> str:
        return ",".join(value)

    def characteristics(self) -> dict[str, Any]:
        values_list = ",".join(self.values)
        return {"maxLimit": len(values_list), "valuesList": values_list}


@dataclass(frozen=True, slots=True)
class MemberList(_List):
    """A set, some of `values`."""

    name: ClassVar[DataTypeName] = "MemberList"
    values: tuple[str, ...]
    least: int = 0


@dataclass(frozen=True, slots=True)
class SequenceList(_List):
    """Some of `values` in an order that means something."""

    name: ClassVar[DataTypeName] = "SequenceList"
    values: tuple[str, ...]
    least: int = 0


def _check_range(number: float, least: float, most: float) -> None:
    if number < least:
        raise Unacceptable("ValueTooLow", f"{number:g} is below {least:g}")
    if number > most:
        raise Unacceptable("ValueTooHigh", f"{number:g} is above {most:g}")


def _limits(least: float | None, most: float | None) -> dict[str, Any]:
    limits = {"minLimit": least, "maxLimit": most}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _one_of(values: tuple[str, ...], text: str) -> str:
    if text not in values:
        raise Unacceptable("InvalidValue", f"{text!r} is none of {', '.join(values)}")
    return text
