"""An EVSE as a session sees and drives it: what the session has noticed of it, contactor and lock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from station.blocks.transactions.points import Facts
from station.device_model import SAMPLED_DATA_SIGN_READINGS, DeviceModel
from station.hardware import ConnectedVehicle, Evse, Transfer

_CHARGING_STATES: Final[Mapping[Transfer, str]] = {
    Transfer.IDLE: "Idle",
    Transfer.CONNECTED: "EVConnected",
    Transfer.CHARGING: "Charging",
    Transfer.SUSPENDED_EV: "SuspendedEV",
    Transfer.SUSPENDED_EVSE: "SuspendedEVSE",
}


class Outlet:
    """One EVSE, in the terms of transactions.

    Where several things happen at once they are noticed one after the other: when the vehicle at one connector leaves
    while another waits at the next, that is a vehicle that goes and then one that comes (E01.FR.14).
    """

    __slots__ = ("_bay_occupied", "_met", "_variables", "evse")

    def __init__(self, evse: Evse, variables: DeviceModel) -> None:
        self.evse = evse
        self._variables = variables
        self._bay_occupied = False
        self._met: ConnectedVehicle | None = None

    def facts(self, *, authorized: bool) -> Facts:
        """How things are, as far as they have been noticed. authorized: somebody may charge."""
        vehicle = self.vehicle
        return Facts(
            bay_occupied=self._bay_occupied,
            ev_connected=vehicle is not None,
            authorized=authorized,
            signs=self._variables[SAMPLED_DATA_SIGN_READINGS],
            energy_flows=vehicle is not None and self.evse.transfer is Transfer.CHARGING,
        )

    @property
    def vehicle(self) -> ConnectedVehicle | None:
        """The vehicle that is connected, unless it is another one than the one that was met."""
        vehicle = self.evse.vehicle
        return vehicle if self._met is None or vehicle is self._met else None

    @property
    def bay_has_changed(self) -> bool:
        """Something has come into the parking bay, or left it, which is yet to be noticed."""
        return self._bay_occupied != self.evse.bay_occupied

    def notice_bay(self) -> None:
        """See whether something stands in the parking bay."""
        self._bay_occupied = self.evse.bay_occupied

    def meet(self) -> None:
        """The vehicle that is connected is the one that the transaction is about, until it parts."""
        self._met = self.evse.vehicle

    def part(self) -> None:
        """The vehicle is gone; another may come."""
        self._met = None

    def recall(self, before: Facts) -> None:
        """Go on with what had been noticed before a power cycle."""
        self._bay_occupied = before.bay_occupied
        if before.ev_connected:
            self.meet()

    def forget(self) -> None:
        """What is here is to be noticed once more."""
        self._bay_occupied = False
        self._met = None

    @property
    def charging_state(self) -> str:
        """A value of ChargingStateEnumType."""
        return _CHARGING_STATES[Transfer.IDLE if self.vehicle is None else self.evse.transfer]

    @property
    def connector_id(self) -> int | None:
        """The connector that a vehicle is connected to."""
        return None if self.vehicle is None or self.evse.plugged is None else self.evse.plugged.connector_id

    @property
    def cable_max_a(self) -> int | None:
        """What the driver's own cable can carry, in ampere; None where there is none."""
        connector = self.evse.plugged
        return None if connector is None or math.isinf(connector.cable_max_a) else int(connector.cable_max_a)

    @property
    def phases_used(self) -> int | None:
        """By how many phases energy flows; None when it does not, and for direct current."""
        vehicle, offer = self.vehicle, self.evse.offer
        if vehicle is None or offer is None or self.evse.transfer is not Transfer.CHARGING:
            return None
        return min(offer.phases, vehicle.spec.phases) or None

    @property
    def energy_wh(self) -> float:
        """The meter's register."""
        return self.evse.meter.energy_wh

    @property
    def power_w(self) -> float:
        """What flows now."""
        return self.evse.meter.power_w

    @property
    def fault(self) -> str | None:
        """The defect that forbids charging here."""
        connector = self.evse.plugged
        return self.evse.fault_code or (connector.fault_code if connector is not None else None)

    def let_flow(self, *, flow: bool) -> bool:
        """Have the contactor closed, and the cable locked, or the contactor open. Returns whether that was a change.

        Where the cable cannot be locked the contactor stays open (G05.FR.01).
        """
        contactor, connector, before = self.evse.contactor, self.evse.plugged, self.evse.contactor.closed
        if flow and not before:
            if connector is None or connector.fixed_cable or connector.lock():
                contactor.close()
        elif before and not flow:
            contactor.open()
        return contactor.closed != before

    def unlock(self) -> None:
        """Give the cables free (E06.FR.10); a lock that is jammed stays as it is."""
        for connector in self.evse.connectors:
            if connector.locked:
                connector.unlock()

    @property
    def locked(self) -> bool:
        """A driver's cable is locked in."""
        return any(connector.locked and not connector.fixed_cable for connector in self.evse.connectors)
