"""C Authorization: what the CSMS says of a token that a driver presents."""

from __future__ import annotations

from csms.blocks.conversation import Conversation, Payload


async def authorize(conversation: Conversation, request: Payload) -> Payload:
    """Tell the truth about a token (C01.FR.06, C01.FR.07, C02 to C06, C09.FR.09).

    A contract certificate that comes with it cannot be verified by a CSMS without Plug & Charge (C07.FR.17).
    """
    info = conversation.tokens.info(request["idToken"], conversation.station.station_id)
    if "certificate" in request or "iso15118CertificateHashData" in request:
        return {"idTokenInfo": info | {"status": "Invalid"}, "certificateStatus": "CertChainError"}
    return {"idTokenInfo": info}
