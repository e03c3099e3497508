"""A driver at an EVSE: arrives, plugs in, presents a card, charges, leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import trio

from station.app import Station
from station.fleet.figures import Outcome
from station.fleet.people import Plan
from station.hardware import Connector, Evse, Hardware, HardwareError, Locked, Transfer, Vehicle
from station.id_token import NO_AUTHORIZATION
from station.pulse import Pulse


async def visit(station: Station, evse: Evse, plan: Plan) -> Outcome:
    """Do what is planned, and tell how it went. The EVSE is free again afterwards."""
    connector = _free(station.hardware, evse, plan.vehicle)
    if evse.bay_occupied or connector is None:
        await trio.lowlevel.checkpoint()
        return Outcome.TURNED_AWAY
    evse.occupy(True)
    changed = Pulse()
    with station.hardware.watching(changed.beat):
        driver = _Driver(evse, connector, plan, changed)
        try:
            await trio.sleep(plan.plugs_in_s)
            return await driver.charge()
        except HardwareError:
            return Outcome.TURNED_AWAY  # somebody else was quicker, or something is in the way
        finally:
            evse.occupy(False)


@dataclass(frozen=True, slots=True)
class _Driver:
    evse: Evse
    connector: Connector
    plan: Plan
    changed: Pulse

    async def charge(self) -> Outcome:
        """Raises HardwareError where it cannot be plugged in."""
        plan, connector = self.plan, self.connector
        connector.plug_in(plan.vehicle, None if connector.fixed_cable else plan.cable_max_a)
        vehicle = connector.vehicle
        await trio.sleep(plan.presents_s)
        if plan.token is not NO_AUTHORIZATION:
            self.evse.reader.present(plan.token)
        await self._see(lambda: self.evse.transfer is Transfer.CHARGING, within_s=plan.patience_s)
        if self.evse.transfer is Transfer.CHARGING and vehicle is not None:
            outcome = Outcome.CHARGED
            await self._see(lambda: plan.leaves_when_full and vehicle.satisfied, within_s=plan.stays_s)
        else:
            outcome = Outcome.GAVE_UP
        if connector.locked or (outcome is Outcome.CHARGED and not plan.pulls_plug):
            self._stop()
        await trio.sleep(plan.leaves_s)
        await self._unplug()
        return outcome

    def _stop(self) -> None:
        if self.plan.token is NO_AUTHORIZATION:
            self.evse.press_stop()
        else:
            self.evse.reader.present(self.plan.token)

    async def _unplug(self) -> None:
        """Take the plug out, as soon as nothing holds it: nobody drives off with it."""
        while True:
            try:
                self.connector.unplug()
            except Locked:
                await self.changed.wait()
            else:
                return

    async def _see(self, condition: Callable[[], bool], *, within_s: float) -> None:
        """Wait until it is so, for so long at most."""
        with trio.move_on_after(within_s):
            while not condition():
                await self.changed.wait()


def _free(hardware: Hardware, evse: Evse, vehicle: Vehicle) -> Connector | None:
    """Where this vehicle can be plugged in; None: nowhere."""
    if evse.plugged_in or not hardware.powered:
        return None
    for connector in evse.connectors:
        fits = connector.spec.supply is vehicle.supply
        if fits and not connector.faulted and hardware.in_use(evse, connector):
            return connector
    return None
