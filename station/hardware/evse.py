"""One EVSE: the part of a station that charges one vehicle at a time, through one of its connectors."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final, ParamSpec

from station.hardware.connected import ConnectedVehicle
from station.hardware.connector import Connector
from station.hardware.flow import Flow
from station.hardware.meter import Meter
from station.hardware.parts import Contactor, TokenReader
from station.hardware.power import Offer, least_offer
from station.hardware.specs import UNLIMITED, EvseSpec, Limits
from station.hardware.stretch import Circuit
from station.hardware.watchers import Watchers
from station.hardware.world import World

BREAKER_CODE: Final = "OverCurrentFailure"
"""What is wrong when the breaker has tripped."""
P = ParamSpec("P")


class Transfer(enum.Enum):
    """What an EVSE does for a vehicle: OCPP's ChargingStateEnumType."""

    IDLE = "Idle"  # no vehicle is connected
    CONNECTED = "EVConnected"  # the contactor is open
    CHARGING = "Charging"  # energy flows
    SUSPENDED_EV = "SuspendedEV"  # the vehicle takes nothing of what is offered
    SUSPENDED_EVSE = "SuspendedEVSE"  # nothing is offered


class Evse:
    """An EVSE and its parts. Whoever watches the hardware is told of each change.

    display: lines of text. stop_pressed: who is told that somebody presses the stop button.
    """

    __slots__ = (
        "_bay_occupied",
        "_breaker_tripped",
        "_fault_code",
        "_limits",
        "_offer",
        "_operative",
        "_plugged",
        "_served",
        "connectors",
        "contactor",
        "display",
        "evse_id",
        "flow",
        "meter",
        "reader",
        "spec",
        "stop_pressed",
        "world",
    )

    def __init__(self, evse_id: int, spec: EvseSpec, world: World) -> None:
        """evse_id: from 1."""
        self.evse_id = evse_id
        self.spec = spec
        self.world = world
        self.flow = Flow(world, spec.max_power_w)
        self.connectors = tuple(
            Connector(number, connector, self) for number, connector in enumerate(spec.connectors, start=1)
        )
        self.contactor = Contactor(self)
        self.meter = Meter(self)
        self.reader = TokenReader(self)
        self.stop_pressed: Watchers[[]] = Watchers()
        self.display: tuple[str, ...] = ()
        self._plugged: Connector | None = None
        self._served: ConnectedVehicle | None = None  # for which the contactor may have been closed
        self._offer: Offer | None = None
        self._limits = UNLIMITED
        self._fault_code: str | None = None
        self._breaker_tripped = False
        self._bay_occupied = False
        self._operative = True

    @property
    def operative(self) -> bool:
        """It is switched on itself; the whole station may be switched off all the same."""
        return self._operative

    @property
    def plugged_in(self) -> bool:
        """One of its connectors has a vehicle, or the cable of one."""
        return self._plugged is not None

    @property
    def plugged(self) -> Connector | None:
        """The connector that it serves: whose vehicle came first, or else which has a cable."""
        return self._plugged

    @property
    def vehicle(self) -> ConnectedVehicle | None:
        """The vehicle that it serves."""
        return None if self._plugged is None else self._plugged.vehicle

    @property
    def phases(self) -> int:
        """Of AC that the meter sees: those of the connector it serves, or else of the first; 0 is DC."""
        return (self._plugged or self.connectors[0]).phases

    @property
    def offer(self) -> Offer | None:
        """The most that the vehicle may take; None: the contactor is open."""
        return self._offer

    @property
    def supply_phases(self) -> int:
        """Of AC, at most; 0: it gives DC alone (SupplyPhases)."""
        return max(connector.phases for connector in self.connectors)

    @property
    def max_power_w(self) -> float:
        """The most that it gives to any vehicle."""
        return self.spec.max_power_w

    @property
    def transfer(self) -> Transfer:
        """What it does for the vehicle now."""
        if self.vehicle is None:
            return Transfer.IDLE
        if self._offer is None:
            return Transfer.CONNECTED
        if self.flow.flows:
            return Transfer.CHARGING
        return Transfer.SUSPENDED_EV if self._offer.current_a > 0 else Transfer.SUSPENDED_EVSE

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self._limits

    @property
    def fault_code(self) -> str | None:
        """What is wrong with it; None: nothing."""
        return BREAKER_CODE if self._breaker_tripped and self._fault_code is None else self._fault_code

    @property
    def faulted(self) -> bool:
        """It is defective as a whole, or its breaker has tripped; a connector may be so by itself."""
        return self._fault_code is not None or self._breaker_tripped

    @property
    def breaker_tripped(self) -> bool:
        """It has no mains."""
        return self._breaker_tripped

    @property
    def bay_occupied(self) -> bool:
        """Something stands in the parking bay."""
        return self._bay_occupied

    def connector(self, connector_id: int) -> Connector | None:
        """The connector with this id, None when there is none."""
        return next((connector for connector in self.connectors if connector.connector_id == connector_id), None)

    def switch(self, *, operative: bool) -> None:
        """Take it into or out of use; each connector keeps a switch of its own."""
        if self._operative != operative:
            self._operative = operative
            self.world.changed.tell()

    def set_limits(self, limits: Limits) -> None:
        """Have no more flow than these allow."""
        if self._limits != limits:
            self._limits = limits
            self.part_changed()

    def occupy(self, occupied: bool = True) -> None:
        """Have something stand in the parking bay, or nothing."""
        if self._bay_occupied != occupied:
            self._bay_occupied = occupied
            self.world.changed.tell()

    def fault(self, code: str) -> None:
        """Become defective. code: what is wrong, such as GroundFailure."""
        if self._fault_code != code:
            self._fault_code = code
            self.part_changed()

    def clear_fault(self) -> None:
        """Be repaired; the breaker stays as it is, and so does what is wrong with a connector."""
        if self._fault_code is not None:
            self._fault_code = None
            self.part_changed()

    def trip_breaker(self) -> None:
        """Cut it off the mains."""
        self._set_breaker(tripped=True)

    def reset_breaker(self) -> None:
        """Connect it to the mains again."""
        self._set_breaker(tripped=False)

    def press_stop(self) -> bool:
        """Press the stop button. False: there is no power, nothing notices."""
        return self.notices(self.stop_pressed.tell)

    def next_change_at(self) -> float:
        """Nothing of it changes by itself before this moment; inf: nothing does at all."""
        changes_at = self.flow.changes_at()
        for connector in self.connectors:
            if connector.vehicle is not None:
                changes_at = min(changes_at, connector.vehicle.departs_at)
        return changes_at

    def advance(self) -> None:
        """Let happen what has changed by itself, and tell of it: a vehicle takes no more, or leaves."""
        now = self.world.now()
        if self.next_change_at() > now:
            return
        leaving = [place for place in self.connectors if place.vehicle is not None and place.vehicle.departs_at <= now]
        for connector in leaving:
            connector.leave()
        if leaving:
            self._bay_occupied = False
        if leaving or self.flow.stopped:
            self.part_changed()

    @property
    def live(self) -> bool:
        """It has mains."""
        return self.world.powered and not self._breaker_tripped

    @property
    def can_hold_contactor(self) -> bool:
        """The contactor can be closed: a vehicle is connected, nothing is defective, power is on."""
        plugged = self._plugged
        return plugged is not None and plugged.vehicle is not None and not plugged.faulted and self.world.powered

    def notices(self, tell: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Tell of what a person does at it. False: there is no power."""
        if not self.world.powered:
            return False
        self.advance()
        tell(*args, **kwargs)
        return True

    def part_changed(self) -> None:
        """Something of it has changed that energy may depend on."""
        self.settle()
        self.world.changed.tell()

    def settle(self) -> None:
        """Have energy flow as things are now. Nobody is told."""
        self._plugged = self._to_serve()
        connector, vehicle = self._plugged, self.vehicle
        if vehicle is not self._served or not self.can_hold_contactor:
            self._served = vehicle
            self.contactor.drop()
        self._offer = None
        if connector is not None and self.contactor.closed:
            self._offer = least_offer(connector.spec, self.spec, connector.cable_max_a, self._limits)
        circuit = None
        if vehicle is not None and vehicle.ready and self._offer is not None:
            circuit = Circuit(self._offer, vehicle.spec, vehicle.departs_at)
        self.flow.settle(circuit, None if vehicle is None else vehicle.battery)

    def power_changed(self) -> None:
        """Power has come or gone, and with it what is not remembered without. Nobody is told."""
        self.display = ()
        self._limits = UNLIMITED
        self.settle()

    def snapshot(self) -> dict[str, Any]:
        """What of it lasts when power and memory are gone, as JSON."""
        flow = self.flow.at(self.world.now())
        return {
            "energy_wh": flow.energy_wh,
            "reactive_varh": flow.reactive_varh,
            "bay_occupied": self._bay_occupied,
            "fault_code": self._fault_code,
            "breaker_tripped": self._breaker_tripped,
            "plugged": None if self._plugged is None else self._plugged.connector_id,
            "connectors": [connector.snapshot() for connector in self.connectors],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as `snapshot` tells. Nobody is told. ValueError, KeyError, TypeError: it does not."""
        for connector, kept in zip(self.connectors, state["connectors"], strict=True):
            connector.restore(kept)
        self.flow.restore(state["energy_wh"], state["reactive_varh"])
        self._bay_occupied, self._breaker_tripped = state["bay_occupied"], state["breaker_tripped"]
        self._fault_code = state["fault_code"]
        self._plugged = None if state["plugged"] is None else self.connector(state["plugged"])
        self.settle()

    def _to_serve(self) -> Connector | None:
        if self.vehicle is not None:
            return self._plugged
        plugged = [connector for connector in self.connectors if connector.plugged_in]
        with_vehicle = [connector for connector in plugged if connector.vehicle is not None]
        if not with_vehicle and self._plugged in plugged:
            return self._plugged
        return next(iter(with_vehicle or plugged), None)

    def _set_breaker(self, *, tripped: bool) -> None:
        if self._breaker_tripped != tripped:
            self._breaker_tripped = tripped
            self.part_changed()
