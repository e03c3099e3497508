"""Who watches a station from inside, and is told of what others cannot see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.message_log import MessageLog
from shared.websocket import WebSocketClosed
from station.outgoing import Payload

if TYPE_CHECKING:
    from station.link import NotConnected


class Witness(MessageLog):
    """Told of each message, each event of a transaction when it happens, and what becomes of the connection.

    This one only writes the log.
    """

    __slots__ = ()

    def happened(self, event: Payload) -> None:
        """A TransactionEventRequest was made. It is sent when its turn comes, if the CSMS is there."""

    def not_connected(self, reason: NotConnected) -> None:
        """An attempt to connect has failed."""

    def disconnected(self, closed: WebSocketClosed) -> None:
        """A connection has ended, other than by this station's going away."""
