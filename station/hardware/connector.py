"""One connector: what a cable, a vehicle, a lock, a defect and a switch do to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from station.hardware.connected import ConnectedVehicle
from station.hardware.errors import Blocked, DoesNotFit, Locked
from station.hardware.specs import ConnectorSpec, Supply
from station.hardware.vehicle import AC_VEHICLE, DC_VEHICLE, Vehicle

if TYPE_CHECKING:
    from station.hardware.evse import Evse


class Connector:
    """A socket, or a cable that belongs to the station. Whoever watches is told of each change of it."""

    __slots__ = (
        "_blocked",
        "_evse",
        "_fault_code",
        "_is_waited_for",
        "_jammed",
        "_lock_failed",
        "_locked",
        "_operative",
        "_plugged_in",
        "_vehicle",
        "cable_max_a",
        "connector_id",
        "spec",
    )

    def __init__(self, connector_id: int, spec: ConnectorSpec, evse: Evse) -> None:
        """connector_id: from 1 within its EVSE."""
        self.connector_id = connector_id
        self.spec = spec
        self.cable_max_a = math.inf
        self._evse = evse
        self._plugged_in = False
        self._vehicle: ConnectedVehicle | None = None
        self._locked = False
        self._lock_failed = False
        self._is_waited_for = False
        self._jammed = False
        self._blocked = False
        self._fault_code: str | None = None
        self._operative = True

    @property
    def connector_type(self) -> str:
        """A value of OCPP's ConnectorEnumType."""
        return self.spec.connector_type

    @property
    def phases(self) -> int:
        """Of AC; 0 is DC."""
        return self.spec.phases

    @property
    def max_current_a(self) -> float:
        """Of each phase, or of DC."""
        return self.spec.max_current_a

    @property
    def max_power_w(self) -> float:
        return self.spec.max_power_w

    @property
    def fixed_cable(self) -> bool:
        """The cable belongs to the station; there is no socket."""
        return self.spec.fixed_cable

    @property
    def plugged_in(self) -> bool:
        """There is a vehicle, or at least the cable of one in the socket."""
        return self._plugged_in

    @property
    def vehicle(self) -> ConnectedVehicle | None:
        """The vehicle that is connected, at both ends of the cable."""
        return self._vehicle

    @property
    def locked(self) -> bool:
        """What is plugged in is held; only the vehicle's end of the cable can be pulled."""
        return self._locked

    @property
    def lock_failed(self) -> bool:
        """It was to hold what is plugged in, and could not; until the plug is gone, or the lock moves again."""
        return self._lock_failed

    @property
    def jammed(self) -> bool:
        """The lock does not move."""
        return self._jammed

    @property
    def blocked(self) -> bool:
        """Something is in the way: nothing can be plugged in."""
        return self._blocked

    @property
    def faulted(self) -> bool:
        """It or its EVSE is defective."""
        return self._fault_code is not None or self._evse.faulted

    @property
    def fault_code(self) -> str | None:
        """What is wrong with it, or else with its EVSE."""
        return self._fault_code or self._evse.fault_code

    @property
    def own_fault_code(self) -> str | None:
        """What is wrong with it alone."""
        return self._fault_code

    @property
    def operative(self) -> bool:
        """It is switched on itself; its EVSE or the whole station may be switched off all the same."""
        return self._operative

    def plug_in(self, vehicle: Vehicle | None = None, cable_max_a: float | None = None) -> None:
        """Connect a vehicle; without effect where one is connected already.

        vehicle: None for a usual one. cable_max_a: what the driver's cable stands, None for more than the socket gives.
        A cable without a vehicle stays the one it is. Raises Blocked; DoesNotFit: a vehicle for DC at AC or the
        reverse, or a driver's cable where there is no socket.
        """
        self._evse.advance()
        if self._vehicle is not None:
            return
        if self._blocked and not self._plugged_in:
            raise Blocked(f"something is in the way of connector {self.connector_id}")
        if cable_max_a is not None and (self.fixed_cable or self._plugged_in):
            raise DoesNotFit(f"connector {self.connector_id} has a cable")
        if vehicle is None:
            vehicle = DC_VEHICLE if self.spec.supply is Supply.DC else AC_VEHICLE
        if vehicle.supply is not self.spec.supply:
            raise DoesNotFit(f"{self.connector_type} gives {self.spec.supply.value}, not {vehicle.supply.value}")
        if not self._plugged_in:
            self.cable_max_a = math.inf if cable_max_a is None else cable_max_a
        self._plugged_in, self._is_waited_for = True, False
        stays_s = math.inf if vehicle.departure_s is None else vehicle.departure_s
        self._vehicle = ConnectedVehicle(vehicle, self._evse, departs_at=self._evse.world.now() + stays_s)
        self._evse.part_changed()

    def unplug(self) -> None:
        """Take vehicle and cable away, if there are any. Raises Locked: the socket holds the plug.

        A cable of the station is pulled out of the vehicle, which no lock of the station prevents.
        """
        self._evse.advance()
        if self._locked and not self.fixed_cable:
            raise Locked(f"connector {self.connector_id} holds the plug")
        if self._plugged_in:
            self._clear()
            self._evse.part_changed()

    def disconnect_vehicle(self) -> None:
        """Pull the cable out of the vehicle. One that belongs to the driver stays in the socket, as the lock may be."""
        self._evse.advance()
        if self._vehicle is None:
            return
        if self.fixed_cable:
            self._clear()
        self._vehicle = None
        self._evse.part_changed()

    def leave(self) -> None:
        """The driver takes all that can be taken, and a cable that is locked in as soon as it is free.

        Part of a change of the EVSE, which nobody is told of here.
        """
        self._vehicle = None
        if self.fixed_cable or not self._locked:
            self._clear()
        else:
            self._is_waited_for = True

    def lock(self) -> bool:
        """Hold what is plugged in. Whether it is held now: not when the lock is jammed, or nothing is plugged in."""
        if not self._locked and self._plugged_in:
            failed_before = self._lock_failed
            self._lock_failed, self._locked = self._jammed, not self._jammed
            if self._locked or not failed_before:
                self._evse.world.changed.tell()
        return self._locked

    def unlock(self) -> bool:
        """Hold nothing any more. False: the lock is jammed, and stays as it is (F05.FR.05)."""
        if self._jammed:
            return False
        if self._locked and self._is_waited_for:
            self._clear()
            self._evse.part_changed()
        elif self._locked:
            self._locked = False
            self._evse.world.changed.tell()
        return True

    def jam(self) -> None:
        """Keep the lock from moving."""
        self._set_jammed(jammed=True)

    def unjam(self) -> None:
        """Let the lock move again."""
        self._set_jammed(jammed=False)

    def block(self) -> None:
        """Put something in the way of plugs; what is plugged in stays so."""
        self._set_blocked(blocked=True)

    def unblock(self) -> None:
        """Take away what is in the way of plugs."""
        self._set_blocked(blocked=False)

    def fail(self, code: str = "InternalError") -> None:
        """Become defective. code: what is wrong."""
        if self._fault_code != code:
            self._fault_code = code
            self._evse.part_changed()

    def clear_fault(self) -> None:
        """Be repaired; what is wrong with its EVSE stays wrong."""
        if self._fault_code is not None:
            self._fault_code = None
            self._evse.part_changed()

    def switch(self, *, operative: bool) -> None:
        """Take it into or out of use."""
        if self._operative != operative:
            self._operative = operative
            self._evse.world.changed.tell()

    def snapshot(self) -> dict[str, Any]:
        """What of it lasts when power and memory are gone, as JSON."""
        return {
            "plugged_in": self._plugged_in,
            "cable_max_a": None if self.cable_max_a == math.inf else self.cable_max_a,
            "locked": self._locked,
            "is_waited_for": self._is_waited_for,
            "jammed": self._jammed,
            "blocked": self._blocked,
            "fault_code": self._fault_code,
            "vehicle": None if self._vehicle is None else self._vehicle.snapshot(self._evse.world.now()),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as `snapshot` tells. Nobody is told. ValueError, KeyError, TypeError: it does not."""
        vehicle, cable_max_a = state["vehicle"], state["cable_max_a"]
        now = self._evse.world.now()
        self._vehicle = None if vehicle is None else ConnectedVehicle.restored(vehicle, self._evse, now)
        self.cable_max_a = math.inf if cable_max_a is None else cable_max_a
        self._plugged_in, self._locked = state["plugged_in"], state["locked"]
        self._is_waited_for = state["is_waited_for"]
        self._jammed, self._blocked = state["jammed"], state["blocked"]
        self._fault_code = state["fault_code"]

    def _set_jammed(self, *, jammed: bool) -> None:
        if self._jammed != jammed:
            self._jammed = jammed
            self._lock_failed = self._lock_failed and jammed
            self._evse.world.changed.tell()

    def _set_blocked(self, *, blocked: bool) -> None:
        if self._blocked != blocked:
            self._blocked = blocked
            self._evse.world.changed.tell()

    def _clear(self) -> None:
        self._plugged_in = self._locked = self._lock_failed = self._is_waited_for = False
        self._vehicle = None
        self.cable_max_a = math.inf
