"""F Remote control: RequestStartTransaction, and the transaction that it starts (F01, F02)."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload
from csms.ids import check
from shared.ocppj.errors import OcppError


async def before_request_start_transaction(conversation: Conversation, request: Payload) -> None:
    """A transaction may begin from when it is sent, whether the answer arrives or not."""
    check(request["remoteStartId"], "/remoteStartId")
    await conversation.remote_starts.requested(conversation.station.station_id, request)


async def after_request_start_transaction(
    conversation: Conversation, request: Payload, answer: Payload | OcppError
) -> None:
    """The answer names the transaction where it had begun before, cable first (F01.FR.13)."""
    if not isinstance(answer, OcppError):
        await conversation.remote_starts.answered(conversation.station.station_id, request, answer)
