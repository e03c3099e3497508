"""The extensions of vendors that users have installed: who serves their DataTransfer (P02)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from csms.user_mistake import UserMistake
from shared.extensions import ExtensionBroken, load_functions

ENTRY_POINTS: Final = "csms.data_transfer"

VendorHandler = Callable[[str, str | None, Any], Awaitable[tuple[str, Any]]]
"""Serves the DataTransfer of one vendorId: an async function of station_id, message_id (None: absent) and data (None:
absent). Returns (status, data); status: DataTransferStatusEnumType, UnknownMessageId included; data: JSON, or None for
none. It runs on Trio."""

Vendors = Mapping[str, VendorHandler]


def load_vendors() -> Vendors:
    """The handlers of the entry point group csms.data_transfer, by the name of each entry point: the vendorId.

    Raises UserMistake for one that cannot be imported, or is there twice.
    """
    try:
        return load_functions(ENTRY_POINTS)
    except ExtensionBroken as broken:
        raise UserMistake(str(broken)) from broken
