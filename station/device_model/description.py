"""One station's places, and what the device model reads there from the hardware (Part 1 §4.1; Part 2 §2.13)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar, Final

from station.device_model.communication import DATE_TIME, UNLOCK_ON_EV_SIDE_DISCONNECT
from station.device_model.infrastructure import (
    CONNECTOR_AVAILABILITY_STATE,
    CONNECTOR_CONNECTOR_TYPE,
    CONNECTOR_LOCK_PROBLEM,
    CONNECTOR_PROBLEM,
    CONNECTOR_SUPPLY_PHASES,
    EVSE_AVAILABILITY_STATE,
    EVSE_POWER,
    EVSE_PROBLEM,
    EVSE_SUPPLY_PHASES,
    STATION_AVAILABILITY_STATE,
    STATION_PROBLEM,
    STATION_SUPPLY_PHASES,
    AvailabilityState,
)
from station.device_model.model import World
from station.device_model.variable import STATION, Place, Variable
from station.hardware import Connector, Evse, Hardware

_OF_EVSE: Final[tuple[AvailabilityState, ...]] = ("Occupied", "Reserved", "Available", "Unavailable", "Faulted")
"""An EVSE serves one vehicle at a time: it is what the first of these says that one of its connectors is."""
_OF_STATION: Final[tuple[AvailabilityState, ...]] = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
"""A station is what the first of these says that one of its EVSEs is."""

_MAINS_PHASES: Final = 3
"""Of the feed of a station that gives DC alone."""
_NOTHING: Final[Mapping[Variable[Any], Any]] = MappingProxyType({})
_FIXED_CABLES: Final[Mapping[Variable[Any], Any]] = MappingProxyType({UNLOCK_ON_EV_SIDE_DISCONNECT: False})
"""Where no cable is the driver's, there is none to unlock (Part 2 §2.1.12)."""

Status = Callable[[Evse, Connector], AvailabilityState]


def evse_availability(connectors: Collection[AvailabilityState]) -> AvailabilityState:
    """The state of an EVSE whose connectors are in these states, one at least."""
    return next(state for state in _OF_EVSE if state in connectors)


def station_availability(evses: Collection[AvailabilityState]) -> AvailabilityState:
    """The state of a station whose EVSEs are in these states, one at least."""
    return next(state for state in _OF_STATION if state in evses)


@lru_cache(maxsize=64)
def _places(connectors: tuple[int, ...]) -> tuple[Place, ...]:
    """The places of a station with so many connectors at each EVSE: a fleet of the same kind shares them."""
    evses = range(1, len(connectors) + 1)
    return (
        STATION,
        *(Place(evse_id) for evse_id in evses),
        *(Place(evse_id, number) for evse_id in evses for number in range(1, connectors[evse_id - 1] + 1)),
    )


class Description(World):
    """What the device model sees of a station."""

    __slots__ = ("_hardware", "_now", "_status", "fixed", "places")

    def __init__(self, hardware: Hardware, *, status: Status, now: Callable[[], datetime]) -> None:
        """status: of a connector, as the CSMS is told it. now: the station's clock."""
        self._hardware = hardware
        self._status = status
        self._now = now
        self.places = _places(tuple(len(evse.connectors) for evse in hardware.evses))
        sockets = any(not connector.fixed_cable for _, connector in hardware.connectors())
        self.fixed = _NOTHING if sockets else _FIXED_CABLES

    def read(self, variable: Variable[Any], place: Place) -> Any:
        return self._readers[variable](self, place)

    def most(self, variable: Variable[Any], place: Place) -> float | None:
        return self._evse(place).max_power_w if variable is EVSE_POWER else None

    def date_time(self, _: Place) -> datetime:
        return self._now()

    def station_state(self, _: Place) -> AvailabilityState:
        return station_availability([self.evse_state(Place(evse.evse_id)) for evse in self._hardware.evses])

    def station_problem(self, _: Place) -> bool:
        return any(self.evse_problem(Place(evse.evse_id)) for evse in self._hardware.evses)

    def station_phases(self, _: Place) -> int:
        return max(evse.supply_phases for evse in self._hardware.evses) or _MAINS_PHASES

    def evse_state(self, place: Place) -> AvailabilityState:
        evse = self._evse(place)
        return evse_availability([self._status(evse, connector) for connector in evse.connectors])

    def evse_problem(self, place: Place) -> bool:
        evse = self._evse(place)
        return evse.faulted or any(connector.faulted for connector in evse.connectors)

    def evse_power(self, place: Place) -> float:
        return self._evse(place).meter.power_w

    def evse_phases(self, place: Place) -> int:
        return self._evse(place).supply_phases

    def connector_state(self, place: Place) -> AvailabilityState:
        return self._status(self._evse(place), self._connector(place))

    def lock_problem(self, place: Place) -> bool:
        return self._connector(place).lock_failed

    def connector_problem(self, place: Place) -> bool:
        return self._connector(place).faulted

    def connector_type(self, place: Place) -> str:
        return self._connector(place).connector_type

    def connector_phases(self, place: Place) -> int:
        return self._connector(place).phases

    def _evse(self, place: Place) -> Evse:
        return self._hardware.evses[(place.evse_id or 0) - 1]

    def _connector(self, place: Place) -> Connector:
        return self._evse(place).connectors[(place.connector_id or 0) - 1]

    _readers: ClassVar[Mapping[Variable[Any], Callable[[Description, Place], Any]]] = MappingProxyType(
        {
            DATE_TIME: date_time,
            STATION_AVAILABILITY_STATE: station_state,
            STATION_PROBLEM: station_problem,
            STATION_SUPPLY_PHASES: station_phases,
            EVSE_AVAILABILITY_STATE: evse_state,
            EVSE_POWER: evse_power,
            EVSE_PROBLEM: evse_problem,
            EVSE_SUPPLY_PHASES: evse_phases,
            CONNECTOR_AVAILABILITY_STATE: connector_state,
            CONNECTOR_CONNECTOR_TYPE: connector_type,
            CONNECTOR_LOCK_PROBLEM: lock_problem,
            CONNECTOR_PROBLEM: connector_problem,
            CONNECTOR_SUPPLY_PHASES: connector_phases,
        }
    )
    read_here = frozenset(_readers)
