"""Who watches a station from inside, and is told of what others cannot see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.message_log import MessageLog
from shared.websocket import WebSocketClosed

if TYPE_CHECKING:
    from station.link import NotConnected


class Witness(MessageLog):
    """Told of each message, and of what becomes of the connection; this one only writes the log."""

    __slots__ = ()

    def not_connected(self, reason: NotConnected) -> None:
        """An attempt to connect has failed."""

    def disconnected(self, closed: WebSocketClosed) -> None:
        """A connection has ended, other than by this station's going away."""
