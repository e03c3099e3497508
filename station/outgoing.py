"""What the station has to say to the CSMS, one CALL at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.ocppj.errors import CallFailed

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A CALL that a block wants sent, and whom to tell what became of it.

    answered: takes the response's payload. failed: takes the reason; neither is called when the station stops before.
    asked_for: the CSMS asked for it with a TriggerMessage (B02.FR.02). late: takes what comes after `failed` was told
    that no answer came in time.
    """

    action: str
    payload: Payload
    answered: Callable[[Payload], None]
    failed: Callable[[CallFailed], None]
    asked_for: bool = False
    late: Callable[[Payload | CallFailed], None] | None = None
