"""Tells that a station has connected and that it has gone."""

from __future__ import annotations

import logging

from csms.blocks.conversation import Conversation
from csms.store import Change, StoreUnavailable
from shared.ocppj.date_time import to_wire

log = logging.getLogger(__name__)


async def tell_connected(conversation: Conversation, subprotocol: str) -> None:
    """A station that was not connected is: station.connected. Without a database the log alone tells."""
    station_id = conversation.station.station_id
    await _tell(conversation, conversation.events.change("station.connected", station_id, {"subprotocol": subprotocol}))


async def tell_disconnected(conversation: Conversation) -> None:
    """A station has no connection any more: station.disconnected; `expected` after a Reset (B11.FR.03)."""
    station = conversation.station
    told = {
        "last_seen": None if station.last_seen is None else to_wire(station.last_seen),
        "expected": station.reset is not None,
    }
    await _tell(conversation, conversation.events.change("station.disconnected", station.station_id, told))


async def _tell(conversation: Conversation, event: Change) -> None:
    try:
        await conversation.store.commit(event)
    except StoreUnavailable as error:
        log.warning("%s: that it came or went could not be stored: %s", conversation.station.station_id, error)
