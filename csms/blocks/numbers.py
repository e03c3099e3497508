"""Numbers that the schema lets through and OCPP does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.ocppj.errors import PropertyConstraintViolation

_MAX: Final = 2**31 - 1


def check_integers(values: Mapping[str, Any], *keys: str) -> None:
    """Raise PropertyConstraintViolation for an integer of more than 32 bits (2.0.1 Part 2 §2.1.4)."""
    for key in keys:
        if not -_MAX - 1 <= values.get(key, 0) <= _MAX:
            raise PropertyConstraintViolation(f"{key}: must be an integer of 32 bits")
