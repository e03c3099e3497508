"""The simulated physical world: a station's EVSEs and connectors. No OCPP but the names of the connector types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from station.hardware.connector import Connector
from station.hardware.evse import Evse

__all__ = ["Connector", "Evse", "Hardware"]


class Hardware:
    """All of one station that can be touched."""

    def __init__(self, connector_types: Sequence[Sequence[str]]) -> None:
        """connector_types: for each EVSE the types of its connectors, values of OCPP's ConnectorEnumType."""
        self._watchers: list[Callable[[], None]] = []
        self.evses = tuple(Evse(number, types, self._changed) for number, types in enumerate(connector_types, start=1))
        self._operative = True

    @property
    def operative(self) -> bool:
        """The station as a whole is switched on."""
        return self._operative

    def evse(self, evse_id: int) -> Evse | None:
        """The EVSE with this id, None when there is none."""
        return next((evse for evse in self.evses if evse.evse_id == evse_id), None)

    def connectors(self) -> Iterator[tuple[Evse, Connector]]:
        """Every connector with its EVSE, in the order of their ids."""
        for evse in self.evses:
            for connector in evse.connectors:
                yield evse, connector

    def in_use(self, evse: Evse, connector: Connector) -> bool:
        """Neither this connector nor its EVSE nor the station is switched off."""
        return self._operative and evse.operative and connector.operative

    def switch(self, *, operative: bool) -> None:
        """Take the station into or out of use; EVSEs and connectors keep switches of their own."""
        if self._operative != operative:
            self._operative = operative
            self._changed()

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called after each change, before the method that made it returns."""
        self._watchers.append(changed)

    @contextmanager
    def watching(self, changed: Callable[[], None]) -> Iterator[None]:
        """Watch as long as the block lasts."""
        self.watch(changed)
        try:
            yield
        finally:
            self._watchers.remove(changed)

    def _changed(self) -> None:
        for changed in self._watchers:
            changed()
