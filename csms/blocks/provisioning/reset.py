"""B Provisioning: what comes of Reset (B11, B12)."""

from __future__ import annotations

from typing import Final

from csms.blocks.conversation import Conversation, Payload
from csms.registry import Reset
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import OcppError

_AGREED: Final = frozenset({"Accepted", "Scheduled"})


async def after_reset(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """From now on the station is expected to go, until it boots again (B11.FR.03, B11.FR.07, B12.FR.01, B12.FR.02).

    A Reset of one EVSE (B11.FR.08) ends without a boot, so nothing is expected of it.
    """
    if isinstance(answer, OcppError):
        return
    if "evseId" in request or answer["status"] not in _AGREED:
        return
    reset = Reset(request["type"], answer["status"], to_wire(conversation.clock.now()))
    await conversation.registry.update(conversation.station, reset=reset)
