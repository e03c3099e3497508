"""Splits what is asked of variables into messages that the station can take (B05.FR.11, B05.FR.13, B06.FR.05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from csms.device_model import key_of
from shared.ocppj.frames import Call

DEFAULT_ITEMS: Final = 10  # of a station that has not told; one that cannot take so many says so, and gets fewer
_LONGEST_ID: Final = "0" * 36

Variable = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold: so many variables, and so many bytes from bracket to bracket; None: any number."""

    items: int = DEFAULT_ITEMS
    size: int | None = None


def split(action: str, key: str, variables: Sequence[Variable], limits: Limits) -> list[range]:
    """Which of `variables` go together, in order. key: the field of the request that holds them.

    An attribute that is there twice goes in two messages (B05.FR.13); one that alone is too long has its own message,
    and the station decides.
    """
    empty = len(Call(_LONGEST_ID, action, {key: []}).to_text().encode())
    parts: list[range] = []
    start, size, held = 0, empty, set[Any]()
    for index, variable in enumerate(variables):
        identity, length = key_of(variable), len(orjson.dumps(variable)) + 1
        is_too_long = limits.size is not None and size + length - 1 > limits.size  # no comma before the first
        if held and (len(held) == limits.items or identity in held or is_too_long):
            parts.append(range(start, index))
            start, size, held = index, empty, set()
        held.add(identity)
        size += length
    parts.append(range(start, len(variables)))
    return parts
