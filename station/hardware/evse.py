"""One EVSE: the part of a station that charges one vehicle at a time, through one of its connectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from station.hardware.connector import Connector


class Evse:
    """An EVSE and its connectors. `changed` is called after each change of either."""

    def __init__(self, evse_id: int, connector_types: Sequence[str], changed: Callable[[], None]) -> None:
        """evse_id: from 1. connector_types: one for each connector, values of OCPP's ConnectorEnumType."""
        self.evse_id = evse_id
        self.connectors = tuple(
            Connector(number, connector_type, changed) for number, connector_type in enumerate(connector_types, start=1)
        )
        self._changed = changed
        self._operative = True

    @property
    def operative(self) -> bool:
        """It is switched on itself; the whole station may be switched off all the same."""
        return self._operative

    @property
    def plugged_in(self) -> bool:
        """A vehicle is connected to one of its connectors."""
        return any(connector.plugged_in for connector in self.connectors)

    def connector(self, connector_id: int) -> Connector | None:
        """The connector with this id, None when there is none."""
        return next((connector for connector in self.connectors if connector.connector_id == connector_id), None)

    def switch(self, *, operative: bool) -> None:
        """Take it into or out of use; each connector keeps a switch of its own."""
        if self._operative != operative:
            self._operative = operative
            self._changed()
