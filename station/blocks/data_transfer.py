"""P Data transfer: the CSMS's DataTransfer goes to the handler that a user has installed for the vendorId (P01).

What the station itself has to transfer (P02), people send through its control interface.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NotRequired, TypedDict

import orjson

from shared.extensions import ExtensionBroken, load_functions
from shared.ocppj.errors import InternalError
from station.blocks.block import Block, Handler
from station.outgoing import Payload
from station.user_mistake import UserMistake

log = logging.getLogger()

ENTRY_POINTS: Final = "station.data_transfer"

VendorHandler = Callable[[str, str | None, Any], tuple[str, Any]]
"""Serves the DataTransfer of one vendorId: a function of the station's identity, message_id (None: absent) and data
(None: absent). Returns (status, data); status: DataTransferStatusEnumType, UnknownMessageId included; data: JSON, or
None for none. The station does nothing else until it returns."""

Vendors = Mapping[str, VendorHandler]
NO_VENDORS: Final[Vendors] = MappingProxyType({})

_STATUSES: Final = frozenset({"Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"})


class DataTransferRequest(TypedDict):
    vendorId: str
    messageId: NotRequired[str]
    data: NotRequired[Any]


def load_vendors() -> Vendors:
    """The handlers of the entry point group station.data_transfer, by the name of each entry point: the vendorId.

    Raises UserMistake for one that cannot be imported, or is there twice.
    """
    try:
        return load_functions(ENTRY_POINTS)
    except ExtensionBroken as broken:
        raise UserMistake(str(broken)) from broken


class DataTransfer(Block):
    """Knows who serves which vendor."""

    def __init__(self, identity: str, vendors: Vendors) -> None:
        self._identity = identity
        self._vendors = vendors

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"DataTransfer": self.data_transfer}

    def data_transfer(self, request: DataTransferRequest) -> Payload:
        """Answer what the vendor's handler says, UnknownVendorId where there is none (P01.FR.05, P01.FR.06).

        Raises InternalError where that handler fails.
        """
        handler = self._vendors.get(request["vendorId"])
        if handler is None:
            return {"status": "UnknownVendorId"}
        try:
            return self._ask(handler, request)
        except Exception:  # it is somebody else's code, which may fail in any way
            log.exception("%s: DataTransfer: the handler of %r failed", self._identity, request["vendorId"])
        raise InternalError("The handler of this vendorId failed")

    def _ask(self, handler: VendorHandler, request: DataTransferRequest) -> Payload:
        status, data = handler(self._identity, request.get("messageId"), request.get("data"))
        if status not in _STATUSES:
            raise ValueError(f"{status!r} is no DataTransferStatusEnumType")
        response: Payload = {"status": status}
        if data is not None:
            response["data"] = orjson.loads(orjson.dumps(data))  # so that what is no JSON fails here
        return response
