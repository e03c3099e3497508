"""How large a request about variables may be (B06.FR.16, B06.FR.17, B08.FR.17, B08.FR.18)."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

import orjson

from shared.ocppj.errors import FormatViolation, OccurrenceConstraintViolation
from station.device_model import DeviceModel, Variable


def check_size(
    request: Mapping[str, Any],
    items: Sized,
    variables: DeviceModel,
    *,
    most_items: Variable[int],
    most_bytes: Variable[int],
) -> None:
    """Raise OccurrenceConstraintViolation for too many items, FormatViolation for too many bytes of payload.

    The bytes are those of the shortest way to write the payload down, without what frames it.
    """
    if len(items) > variables[most_items]:
        raise OccurrenceConstraintViolation(f"{len(items)} items are more than {most_items}, {variables[most_items]}")
    length = len(orjson.dumps(request))
    if length > variables[most_bytes]:
        raise FormatViolation(f"{length} bytes are more than {most_bytes}, {variables[most_bytes]}")
