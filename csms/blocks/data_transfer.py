"""P Data transfer: a station's DataTransfer goes to the handler that its user has installed for the vendorId (P02)."""

from __future__ import annotations

import logging
from typing import Any, Final

import orjson
import trio

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.vendors import VendorHandler
from shared.ocppj.errors import InternalError

log = logging.getLogger(__name__)

HANDLER_TIMEOUT_S: Final = 10.0  # below the 30 s that stations usually wait

_STATUSES: Final = frozenset({"Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"})


async def data_transfer(conversation: Conversation, request: Payload) -> Payload:
    """Answer what the vendor's handler says, UnknownVendorId when there is none (P02.FR.06).

    A handler that fails, or takes more than HANDLER_TIMEOUT_S, costs this CALL and nothing else: InternalError.
    """
    handler = conversation.vendors.get(request["vendorId"])
    if handler is None:
        return {"status": "UnknownVendorId"}
    try:
        return await _ask(handler, conversation.station.station_id, request)
    except Exception:  # it is somebody else's code, which may fail in any way
        log.exception("%s DataTransfer: the handler of %r failed", conversation.station.station_id, request["vendorId"])
    raise InternalError("The handler of this vendorId failed")


async def _ask(handler: VendorHandler, station_id: str, request: Payload) -> Payload:
    with trio.fail_after(HANDLER_TIMEOUT_S):
        answer: Any = await handler(station_id, request.get("messageId"), request.get("data"))
    status, data = answer
    if status not in _STATUSES:
        raise ValueError(f"{status!r} is no DataTransferStatusEnumType")
    response: Payload = {"status": status}
    if data is not None:
        response["data"] = orjson.loads(orjson.dumps(data))  # so that what is no JSON fails here
    return response
