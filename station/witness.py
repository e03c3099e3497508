"""Who watches a station from inside, and is told of what others cannot see."""

from __future__ import annotations

from shared.message_log import MessageLog
from station.outgoing import Payload


class Witness(MessageLog):
    """Told of each message, and of each event of a transaction when it happens; this one only writes the log."""

    __slots__ = ()

    def happened(self, event: Payload) -> None:
        """A TransactionEventRequest was made. It is sent when its turn comes, if the CSMS is there."""
