"""C Authorization: this CSMS keeps no tokens, so there is none that it knows."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload


async def authorize(_conversation: Conversation, _request: Payload) -> Payload:
    """Every token is Unknown: the answer has to say why it is not accepted (C01.FR.07)."""
    return {"idTokenInfo": {"status": "Unknown"}}
