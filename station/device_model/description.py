"""One station's places, and what the device model reads there from the hardware (Part 1 §4.1; Part 2 §2.13)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from station.device_model.communication import DATE_TIME
from station.device_model.infrastructure import (
    CONNECTOR_AVAILABILITY_STATE,
    CONNECTOR_CONNECTOR_TYPE,
    CONNECTOR_PROBLEM,
    EVSE_AVAILABILITY_STATE,
    EVSE_PROBLEM,
    STATION_AVAILABILITY_STATE,
    STATION_PROBLEM,
    AvailabilityState,
)
from station.device_model.model import DeviceModel
from station.device_model.variable import STATION, Place
from station.hardware import Connector, Evse, Hardware

_OF_EVSE: Final[tuple[AvailabilityState, ...]] = ("Occupied", "Reserved", "Available", "Unavailable", "Faulted")
"""An EVSE serves one vehicle at a time: it is what the first of these says that one of its connectors is."""
_OF_STATION: Final[tuple[AvailabilityState, ...]] = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
"""A station is what the first of these says that one of its EVSEs is."""

Status = Callable[[Evse, Connector], AvailabilityState]


def availability_of(
    parts: Collection[AvailabilityState], precedence: tuple[AvailabilityState, ...] = _OF_STATION
) -> AvailabilityState:
    """The state of a whole whose parts are in these states, one part at least."""
    return next(state for state in precedence if state in parts)


def describe(model: DeviceModel, hardware: Hardware, *, status: Status, now: Callable[[], datetime]) -> None:
    """Have the model report this hardware. status: of a connector, as it is told. now: the station's clock."""
    description = _Description(hardware, status)
    model.places = (
        STATION,
        *(Place(evse.evse_id) for evse in hardware.evses),
        *(Place(evse.evse_id, connector.connector_id) for evse, connector in hardware.connectors()),
    )
    model.live(DATE_TIME, lambda _: now())
    model.live(STATION_AVAILABILITY_STATE, description.station_state)
    model.live(STATION_PROBLEM, lambda _: any(description.faults(evse) for evse in hardware.evses))
    model.live(EVSE_AVAILABILITY_STATE, lambda place: description.evse_state(description.evse(place)))
    model.live(EVSE_PROBLEM, lambda place: description.faults(description.evse(place)))
    model.live(CONNECTOR_AVAILABILITY_STATE, description.connector_state)
    model.live(CONNECTOR_CONNECTOR_TYPE, lambda place: description.connector(place).connector_type)
    model.live(CONNECTOR_PROBLEM, lambda place: description.connector(place).faulted)


class _Description:
    __slots__ = ("_hardware", "_status")

    def __init__(self, hardware: Hardware, status: Status) -> None:
        self._hardware = hardware
        self._status = status

    def evse(self, place: Place) -> Evse:
        return self._hardware.evses[(place.evse_id or 0) - 1]

    def connector(self, place: Place) -> Connector:
        return self.evse(place).connectors[(place.connector_id or 0) - 1]

    def connector_state(self, place: Place) -> AvailabilityState:
        return self._status(self.evse(place), self.connector(place))

    def evse_state(self, evse: Evse) -> AvailabilityState:
        return availability_of([self._status(evse, connector) for connector in evse.connectors], _OF_EVSE)

    def station_state(self, _: Place) -> AvailabilityState:
        return availability_of([self.evse_state(evse) for evse in self._hardware.evses])

    def faults(self, evse: Evse) -> bool:
        return any(connector.faulted for connector in evse.connectors)
