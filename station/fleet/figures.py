"""What happens in a fleet, in numbers that do not grow with it."""

from __future__ import annotations

import enum
from collections import Counter
from typing import Final

from shared.message_log import Exchange
from shared.websocket import WebSocketClosed
from station.fleet.histogram import Histogram
from station.link import NotConnected
from station.witness import Witness

_KINDS_OF_ERRORS: Final = 200
_OTHER_ERRORS: Final = "others"


class Outcome(enum.Enum):
    """How a driver's visit went."""

    CHARGED = "charged"
    GAVE_UP = "gave_up"  # no energy came
    TURNED_AWAY = "turned_away"  # the place was taken, or out of service
    FAILED = "failed"  # of a bug in this program


class Figures:
    """Counts for a whole fleet.

    messages: CALLs that were answered, whichever side sent them. latency: of the answers to the stations' CALLs.
    errors: by what went wrong. arrived: drivers; visits: how those went that are over.
    """

    def __init__(self) -> None:
        self.messages = 0
        self.latency = Histogram()
        self.errors: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.arrived = 0
        self.visits: Counter[Outcome] = Counter()
        self.crashed = 0

    def exchanged(self, exchange: Exchange) -> None:
        """A CALL is over. It counts where it was answered; CALLERRORs are answers and errors."""
        failure = exchange.failure
        if failure is not None:
            whose = exchange.action or "unreadable message"
            self.error(
                f"{whose}: {failure.code}" if exchange.direction == "sent" else f"{whose} answered {failure.code}"
            )
        if failure is None or failure.code not in _UNANSWERED:
            self.messages += 1
            if exchange.action is not None:
                self.actions[exchange.action] += 1
            if exchange.direction == "sent":
                self.latency.add(exchange.latency_s)

    def error(self, what: str) -> None:
        """Something went wrong. Of many kinds of errors the later ones are counted together."""
        known = what in self.errors or len(self.errors) < _KINDS_OF_ERRORS
        self.errors[what if known else _OTHER_ERRORS] += 1


_UNANSWERED: Final = frozenset({"CallTimedOut", "ConnectionLost"})


class FleetWitness(Witness):
    """Counts what one of the stations goes through."""

    __slots__ = ("_figures",)

    def __init__(self, identity: str, figures: Figures) -> None:
        super().__init__(identity, figures.exchanged)
        self._figures = figures

    def not_connected(self, reason: NotConnected) -> None:
        self._figures.error(f"not connected: {reason.kind}")

    def disconnected(self, closed: WebSocketClosed) -> None:
        self._figures.error(f"disconnected: {closed}")
