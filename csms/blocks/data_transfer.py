"""P Data transfer: no vendor's extension is known here."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload


async def data_transfer(_conversation: Conversation, _request: Payload) -> Payload:
    """Answer UnknownVendorId (P02.FR.06)."""
    return {"status": "UnknownVendorId"}
