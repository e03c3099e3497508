"""What a scenario plays on, and what its steps may ask of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from station.app import Station
from station.firmware import Firmware
from station.hardware import Connector, Evse
from station.scenario.matching import at
from station.scenario.names import filled
from station.scenario.observer import Observer

Ask = Callable[[str, str, Any], Awaitable[tuple[int, Any]]]
"""Sends method, path and JSON body (None: no body) to the CSMS's REST interface: status and body of the answer.

Raises StepFailed when there is none.
"""


class StepFailed(Exception):
    """A step did not go as it says. str: what was the case instead."""


@dataclass(slots=True)
class Stage:
    """One station under a scenario. names: what the names in it stand for. began_wh: each EVSE's register at first."""

    station: Station
    observer: Observer
    ask: Ask | None = None
    names: dict[str, Any] = field(default_factory=dict)
    began_wh: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names["identity"] = self.station.identity
        self.began_wh = {evse.evse_id: evse.meter.energy_wh for evse in self.station.hardware.evses}

    @property
    def firmware(self) -> Firmware:
        """Raises StepFailed while the station is off."""
        if self.station.firmware is None:
            raise StepFailed("the station is off")
        return self.station.firmware

    def evse(self, evse_id: int) -> Evse:
        """An EVSE that there is."""
        evse = self.station.hardware.evse(evse_id)
        assert evse is not None  # noqa: S101  # the reader has seen to it
        return evse

    def connector(self, evse_id: int, connector_id: int) -> Connector:
        """A connector that there is."""
        connector = self.evse(evse_id).connector(connector_id)
        assert connector is not None  # noqa: S101  # the reader has seen to it
        return connector

    def filled(self, value: Any) -> Any:
        """The value with what the names in it stand for."""
        return filled(value, self.names, self.station.now)

    def keep(self, kept: Mapping[str, str], document: Any) -> None:
        """Have names stand for parts of a document. Raises StepFailed when they are not there."""
        try:
            self.names |= {name: at(pointer, document) for name, pointer in kept.items()}
        except LookupError as error:
            raise StepFailed(str(error)) from None
