"""The extensions of vendors that users have installed: who serves their DataTransfer (P02)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import metadata
from typing import Any, Final

from csms.user_mistake import UserMistake

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
    handlers: dict[str, VendorHandler] = {}
    for entry_point in metadata.entry_points(group=ENTRY_POINTS):
        where = f"the entry point {entry_point.name} = {entry_point.value} of {ENTRY_POINTS}"
        if entry_point.name in handlers:
            raise UserMistake(f"{where}: that vendorId is served by another one already, uninstall one of them")
        try:
            handler = entry_point.load()
        except Exception as error:  # it is somebody else's code, which may fail in any way
            raise UserMistake(f"{where} does not load: {type(error).__name__}: {error}") from error
        if not callable(handler):
            raise UserMistake(f"{where} is not a function")
        handlers[entry_point.name] = handler
    return handlers
