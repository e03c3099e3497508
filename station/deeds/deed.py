"""One thing that can be done: what can be written of it, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Generic, Self, TypeVar

from station.fields import Field

Target = TypeVar("Target")
Values = Mapping[str, Any]
"""What was written, as the fields read it; there may be others besides."""
Act = Callable[[], object]

NO_FIELDS: Final[Mapping[str, Field]] = MappingProxyType({})


class Impossible(Exception):
    """The world does not let that happen. str: why."""


@dataclass(frozen=True, slots=True)
class Deed(Generic[Target]):
    """Something that is done to a Target.

    prepare(target, values, pointer) raises Invalid when the values do not go together; what it returns does the deed,
    and raises Impossible or HardwareError when the world does not let it happen.
    """

    fields: Mapping[str, Field]
    prepare: Callable[[Target, Values, str], Act]

    @classmethod
    def simple(cls, act: Callable[[Target], object]) -> Self:
        """One of which there is nothing to say."""
        return cls(NO_FIELDS, lambda target, values, pointer: partial(act, target))  # noqa: ARG005  # as all have it

    @classmethod
    def with_values(cls, fields: Mapping[str, Field], act: Callable[[Target, Values], object]) -> Self:
        """One whose values go together as they are."""
        return cls(fields, lambda target, values, pointer: partial(act, target, values))  # noqa: ARG005  # as all have it
