"""B Provisioning: what comes of GetVariables and SetVariables (B05, B06), whoever asked for it."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.security import password_answered
from shared.ocppj.errors import OcppError


async def after_get_variables(conversation: Conversation, _request: Payload, answer: Payload | OcppError) -> None:
    """Keep the values that were read (B06.FR.10)."""
    if isinstance(answer, OcppError):
        return
    await conversation.device_models.values_received(conversation.station, answer["getVariableResult"])


async def after_set_variables(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """Keep the values that were set (B05.FR.10), now or with the next reboot; a password is the registry's (A01)."""
    await password_answered(conversation, request, answer)
    if isinstance(answer, OcppError):
        return
    await conversation.device_models.values_set(
        conversation.station, request["setVariableData"], answer["setVariableResult"]
    )
