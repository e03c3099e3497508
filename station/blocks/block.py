"""What the firmware asks of every functional block."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from station.outgoing import Outgoing, Payload

Handler = Callable[[Any], Payload]
"""Answers a request of the CSMS: takes its payload, returns the response's, raises PeerError for a CALLERROR."""


class Block:
    """A block answers, speaks and works; it overrides what it has a use for.

    All of these are plain functions, so between two of them nothing else happens. Times are seconds of the monotonic
    clock.
    """

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What answers which action of the CSMS."""
        return {}

    def view(self) -> Mapping[str, Any]:
        """What of it people want to see, by names that no other block uses, as JSON."""
        return {}

    def next_call(self) -> Outgoing | None:
        """The most urgent CALL it wants sent, None when there is nothing. Asked again after every change."""
        return None

    def due_at(self) -> float:
        """When it will have something to say although nothing has changed meanwhile; infinity for never."""
        return math.inf

    def tick(self) -> bool:
        """Do what is due by now, connected or not. Called after every change, and at `tick_at()`.

        Returns whether that has changed anything that a block may want to speak of, or work on.
        """
        return False

    def tick_at(self) -> float:
        """When time itself brings the next work: after now, infinity for never."""
        return math.inf

    def hardware_changed(self) -> None:
        """The hardware has just changed; called before the method that changed it returns."""

    def connected(self, offline_s: float | None) -> None:
        """There is a new connection. offline_s: how long there was none, None for the first one after a boot."""

    def disconnected(self) -> None:
        """The connection is gone."""
