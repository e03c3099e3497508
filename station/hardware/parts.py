"""The small parts of an EVSE: its contactor and its token reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from station.hardware.watchers import Watchers

if TYPE_CHECKING:
    from station.hardware.evse import Evse

Token = Mapping[str, Any]


class Contactor:
    """The switch that lets energy flow to the vehicle.

    It drops by itself when the vehicle goes, when the EVSE or its connector fails, and when there is no power: whoever
    wants it closed has to close it again.
    """

    __slots__ = ("_closed", "_evse")

    def __init__(self, evse: Evse) -> None:
        self._evse = evse
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> bool:
        """Whether it is closed now: it holds only with a vehicle, with power, and when nothing is defective."""
        self._evse.advance()
        if not self._closed and self._evse.can_hold_contactor:
            self._closed = True
            self._evse.part_changed()
        return self._closed

    def open(self) -> None:
        """Let no energy flow."""
        if self._closed:
            self._closed = False
            self._evse.part_changed()

    def drop(self) -> None:
        """Open, because of something else that changes: nobody is told of it here."""
        self._closed = False


class TokenReader:
    """Where a person holds a card. `presented` tells of each token: the fields of OCPP's IdTokenType."""

    __slots__ = ("_evse", "presented")

    def __init__(self, evse: Evse) -> None:
        self._evse = evse
        self.presented: Watchers[[Token]] = Watchers()

    def present(self, token: Token) -> bool:
        """Hold a token to it. False: there is no power, nothing notices."""
        return self._evse.notices(self.presented.tell, token)
