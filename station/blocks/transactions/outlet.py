"""An EVSE as a session sees and drives it: facts, charging state, contactor and lock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from station.blocks.transactions.points import Facts
from station.device_model import SAMPLED_DATA_SIGN_READINGS, DeviceModel
from station.hardware import Evse, Transfer

_CHARGING_STATES: Final[Mapping[Transfer, str]] = {
    Transfer.IDLE: "Idle",
    Transfer.CONNECTED: "EVConnected",
    Transfer.CHARGING: "Charging",
    Transfer.SUSPENDED_EV: "SuspendedEV",
    Transfer.SUSPENDED_EVSE: "SuspendedEVSE",
}


class Outlet:
    """One EVSE, in the terms of transactions."""

    __slots__ = ("_variables", "evse")

    def __init__(self, evse: Evse, variables: DeviceModel) -> None:
        self.evse = evse
        self._variables = variables

    def facts(self, *, authorized: bool) -> Facts:
        """How things are. authorized: somebody may charge."""
        return Facts(
            bay_occupied=self.evse.bay_occupied,
            ev_connected=self.evse.vehicle is not None,
            authorized=authorized,
            signs=self._variables[SAMPLED_DATA_SIGN_READINGS],
            energy_flows=self.evse.transfer is Transfer.CHARGING,
        )

    @property
    def charging_state(self) -> str:
        """A value of ChargingStateEnumType."""
        return _CHARGING_STATES[self.evse.transfer]

    @property
    def connector_id(self) -> int | None:
        """The connector that a vehicle is connected to."""
        return None if self.evse.vehicle is None or self.evse.plugged is None else self.evse.plugged.connector_id

    @property
    def cable_max_a(self) -> int | None:
        """What the driver's own cable can carry, in ampere; None where there is none."""
        connector = self.evse.plugged
        return None if connector is None or math.isinf(connector.cable_max_a) else int(connector.cable_max_a)

    @property
    def phases_used(self) -> int | None:
        """By how many phases energy flows; None when it does not, and for direct current."""
        return self.evse.meter.read().phases_used or None

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
        """Have the contactor closed, and the cable locked, or the contactor open. Returns whether that was a change."""
        contactor, before = self.evse.contactor, self.evse.contactor.closed
        if flow and not before:
            if self.evse.plugged is not None:
                self.evse.plugged.lock()
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
        """A cable is locked in."""
        return any(connector.locked for connector in self.evse.connectors)
