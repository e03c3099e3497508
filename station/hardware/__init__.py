"""The simulated physical world: a station's EVSEs and all that can be touched of them. No OCPP but its names.

Time and chance come from outside, nothing here waits and there is no task: who looks is given the state of that moment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

from station.hardware.connected import ConnectedVehicle
from station.hardware.connector import Connector
from station.hardware.errors import Blocked, DoesNotFit, HardwareError, Locked
from station.hardware.evse import Evse, Transfer
from station.hardware.meter import Meter, Reading
from station.hardware.parts import Contactor, Token, TokenReader
from station.hardware.specs import UNLIMITED, ConnectorSpec, EvseSpec, Limits, Supply
from station.hardware.vehicle import AC_VEHICLE, DC_VEHICLE, Vehicle
from station.hardware.world import World

__all__ = [
    "AC_VEHICLE",
    "DC_VEHICLE",
    "UNLIMITED",
    "Blocked",
    "ConnectedVehicle",
    "Connector",
    "ConnectorSpec",
    "Contactor",
    "DoesNotFit",
    "Evse",
    "EvseSpec",
    "Hardware",
    "HardwareError",
    "Limits",
    "Locked",
    "Meter",
    "Reading",
    "Supply",
    "Token",
    "TokenReader",
    "Transfer",
    "Vehicle",
]


class Hardware:
    """All of one station that can be touched."""

    __slots__ = ("_operative", "_world", "evses")

    def __init__(self, specs: Sequence[EvseSpec], *, monotonic: Callable[[], float], random: Random) -> None:
        """specs: of each EVSE; their ids are their places, from 1. monotonic: seconds that only go forward.

        random: gives the seed of the mains' noise, one draw.
        """
        self._world = World(monotonic, random.getrandbits(64))
        self._operative = True
        self.evses = tuple(Evse(number, spec, self._world) for number, spec in enumerate(specs, start=1))

    @classmethod
    def of(
        cls, connector_types: Sequence[Sequence[str]], *, monotonic: Callable[[], float], random: Random
    ) -> Hardware:
        """A usual station. connector_types: for each EVSE those of its connectors, values of OCPP's ConnectorEnumType.

        ValueError: no such type.
        """
        return cls([EvseSpec.of(types) for types in connector_types], monotonic=monotonic, random=random)

    @property
    def operative(self) -> bool:
        """The station as a whole is switched on."""
        return self._operative

    @property
    def powered(self) -> bool:
        """There is power; without it nothing of the station works but what can be done by hand."""
        return self._world.powered

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
            self._world.changed.tell()

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called after each change, before the method that made it returns."""
        self._world.changed.watch(changed)

    @contextmanager
    def watching(
        self,
        changed: Callable[[], None],
        *,
        token: Callable[[Evse, Token], None] | None = None,
        stop: Callable[[Evse], None] | None = None,
    ) -> Iterator[None]:
        """As `watch`, as long as the block lasts; token: a token is presented, stop: the stop button is pressed."""
        tokens = [] if token is None else [(evse.reader.presented, partial(token, evse)) for evse in self.evses]
        stops = [] if stop is None else [(evse.stop_pressed, partial(stop, evse)) for evse in self.evses]
        self._world.changed.watch(changed)
        for presented, call in tokens:
            presented.watch(call)
        for pressed, tell in stops:
            pressed.watch(tell)
        try:
            yield
        finally:
            self._world.changed.unwatch(changed)
            for presented, call in tokens:
                presented.unwatch(call)
            for pressed, tell in stops:
                pressed.unwatch(tell)

    def next_change_at(self) -> float:
        """When to call `advance` although nobody has touched anything, by the monotonic clock; inf: never."""
        return min((evse.next_change_at() for evse in self.evses), default=math.inf)

    def advance(self) -> None:
        """Let happen what has changed by itself up to now, and tell the watchers: a vehicle takes no more, or leaves.

        What can be read needs no advance: energy and state of charge are always those of the moment.
        """
        for evse in self.evses:
            evse.advance()

    def lose_power(self) -> None:
        """Cut the power: contactors drop; limits and displays are forgotten; registers, locks and vehicles stay."""
        self._set_powered(powered=False)

    def restore_power(self) -> None:
        """Give it power again; contactors stay open."""
        self._set_powered(powered=True)

    def snapshot(self) -> dict[str, Any]:
        """What lasts when power and memory are gone, as JSON: registers, defects, bays, cables, locks and vehicles.

        Switches are not among it: whether something is in use is what the firmware remembers.
        """
        return {"evses": [evse.snapshot() for evse in self.evses]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as `snapshot` of a station that is built as this one tells; it has not been touched yet.

        No time has passed meanwhile. ValueError: the state is none, or that of another station.
        """
        try:
            for evse, kept in zip(self.evses, state["evses"], strict=True):
                evse.restore(kept)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is not the state of this station's hardware: {error}") from error
        self._world.changed.tell()

    def _set_powered(self, *, powered: bool) -> None:
        if self._world.powered == powered:
            return
        self._world.powered = powered
        for evse in self.evses:
            evse.power_changed()
        self._world.changed.tell()
