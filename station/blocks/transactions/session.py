"""What happens at one EVSE, from a vehicle or a token to the end of the transaction (E01-E03, E05-E10).

The session looks at its EVSE after each change and compares: whatever has changed is an occurrence with a trigger
reason, which starts a transaction, is told of it, or ends it.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, Final

from station.blocks.transactions import points
from station.blocks.transactions.chronicle import Chronicle
from station.blocks.transactions.grant import Grant
from station.blocks.transactions.outlet import Outlet
from station.blocks.transactions.points import NOTHING, Facts
from station.blocks.transactions.record import EventType, Transaction
from station.blocks.transactions.surroundings import Surroundings
from station.device_model import (
    EV_CONNECTION_TIME_OUT,
    MAX_ENERGY_ON_INVALID_ID,
    STOP_TX_ON_EV_SIDE_DISCONNECT,
    STOP_TX_ON_INVALID_ID,
    TX_START_POINT,
    TX_STOP_POINT,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
)
from station.hardware import ConnectedVehicle, Evse, Transfer
from station.id_token import IdToken, same
from station.outgoing import Payload

_FAULT_REASONS: Final = {
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "UnderVoltage": "PowerQuality",
    "EmergencyStop": "EmergencyStop",
}
"""Of a defect, why the transaction has stopped that it ended; Other for the rest."""


class Session:
    """One EVSE. Its methods are called when something happens there."""

    def __init__(self, evse: Evse, surroundings: Surroundings) -> None:
        self.evse = evse
        self.grant: Grant | None = None
        self.locked_for: IdToken | None = None
        """Whose cable is kept until they present their token (E05.FR.11, E09.FR.03)."""
        self.outlet = Outlet(evse, surroundings.variables)
        self._at = surroundings
        self._chronicle = Chronicle(self.outlet, surroundings)
        self._facts = NOTHING
        self._acting = False
        self._had_its_turn: ConnectedVehicle | None = None

    # What others want to know

    @property
    def transaction(self) -> Transaction | None:
        """The transaction that is ongoing."""
        return self._chronicle.transaction

    @property
    def charging_s(self) -> float:
        """For how long energy has been flowing in this transaction, or did in the last one."""
        return self._chronicle.charging_s

    @property
    def is_open(self) -> bool:
        """It works, and is in use: somebody who is authorized may charge, or goes on charging."""
        return self.outlet.fault is None and self._at.usable(self.evse)

    @property
    def awaits_its_turn(self) -> bool:
        """A vehicle is connected that has not been charged since it came, and nobody is authorized."""
        vehicle = self.outlet.vehicle
        return self.grant is None and vehicle is not None and vehicle is not self._had_its_turn

    def is_for_somebody_else(self, id_token: IdToken) -> bool:
        """The transaction has had its token, or a cable is kept for its owner: it takes no other (C01.FR.23)."""
        owner = self.locked_for if self.transaction is None else self.transaction.id_token
        return owner is not None and not same(owner, id_token)

    # What others have to say

    def resume(self, kept: Payload | None, longest_off_s: float) -> None:
        """Go on after a boot with what was kept of the time before it, None for nothing; see what is here now.

        longest_off_s: a transaction that has been without power for longer ends with PowerLoss.
        """
        if kept is None:
            self.outlet.unlock()  # who was authorized, but had no transaction, has to come with a token again
            self.look()
            return
        self.locked_for = kept["locked_for"]
        if kept["transaction"] is not None:
            self._chronicle.resume(kept["transaction"])
            self.grant = None if kept["grant"] is None else Grant(**kept["grant"])
            self._facts = Facts(**kept["facts"])
            self.outlet.recall(self._facts)
            if self.grant is not None and not self._facts.ev_connected:
                self._wait_for_vehicle(self.grant)
            if self._at.clock.now().timestamp() - kept["at"] > longest_off_s:
                self.abort("AbnormalCondition", "PowerLoss")
                return
            self._drive()
            self._facts = self._facts._replace(energy_flows=False)  # the power cut does not end it (EnergyTransfer)
        self.look()

    def authorize(self, grant: Grant, trigger_reason: str) -> None:
        """Let somebody charge; there must not be a grant. trigger_reason: Authorized or RemoteStart."""
        if self.outlet.vehicle is None:
            self._wait_for_vehicle(grant)
        self.grant = grant
        self.locked_for = None
        if self.transaction is not None:
            self.transaction.stopped_reason = None
        self._occur(trigger_reason)
        self.look()

    def deauthorize(
        self, trigger_reason: str, stopped_reason: str, id_token: IdToken | None = None, *, unlock: bool = True
    ) -> None:
        """End the authorization, and with it the transaction if a stop point says so (E05-E09).

        id_token: who has ended it, for the CSMS to know (E07.FR.02). unlock: give the cable free.
        """
        if self.grant is None:
            return
        if not unlock:
            self._lock_for(self.grant.id_token)
        self._end_grant()
        if self.transaction is not None:
            self.transaction.stopped_reason = stopped_reason
        self._occur(trigger_reason, stopped_reason, idToken=id_token)
        self._give_cable_free()
        self.look()

    def abort(self, trigger_reason: str, stopped_reason: str) -> None:
        """End the authorization, and the transaction whatever the stop points say (E03.FR.05, E06.FR.16, B12)."""
        self._end_grant()
        self._drive()
        if self.transaction is not None:
            self.transaction.stopped_reason = stopped_reason
            self._end(self.transaction, trigger_reason, stopped_reason)
        else:
            self._facts = self._observe()
        self._give_cable_free()

    def release(self) -> None:
        """Unlock the cable that was kept for its owner, who is here (E05.FR.11, E09.FR.03)."""
        self.locked_for = None
        self._keep()
        self._give_cable_free()

    def accepted(self, group_id_token: IdToken | None) -> None:
        """The CSMS accepts who is charging, and may tell whom they belong to (C09.FR.12)."""
        if self.grant is not None and group_id_token is not None:
            self.grant.group_id_token = group_id_token
            self._keep()

    def refused(self) -> None:
        """The CSMS does not accept who is charging (E05, C15.FR.03 ff.)."""
        if self.grant is None:
            return
        if self._at.variables[STOP_TX_ON_INVALID_ID]:
            self.deauthorize("Deauthorized", "DeAuthorized", unlock=False)
        else:
            self.grant.refused = True
            self._keep()
            self.look()

    def remote_stop(self) -> None:
        """The CSMS has asked to stop (F03). Where nobody is authorized that only counts if it could (F03.FR.02)."""
        transaction = self.transaction
        stop_points: tuple[str, ...] = self._at.variables[TX_STOP_POINT]
        if self.grant is not None:
            self.deauthorize("RemoteStop", "Remote")
        elif transaction is not None and points.end_with_authorization(stop_points):
            self.abort("RemoteStop", "Remote")
        elif transaction is not None:
            transaction.stopped_reason = "Remote"
            self._tell(transaction, "Updated", "RemoteStop")

    def unlocked(self, *, tell: bool = True) -> None:
        """The cable was unlocked. tell: the CSMS has had it so (F05)."""
        self.locked_for = None
        if tell and self.transaction is not None:
            self._tell(self.transaction, "Updated", "UnlockCommand")
        self._keep()

    def tell_now(self) -> bool:
        """Tell of the transaction because the CSMS asks for it (F06). Returns whether there is one."""
        if self.transaction is None:
            return False
        self._chronicle.tell_now(self.transaction, self.grant, self.charging_state())
        self._keep()
        return True

    # What time brings

    def tick(self) -> bool:
        """Do what is due: the time-out for the cable, samples, the end of the energy for a refused token."""
        grant, done = self.grant, False
        if grant is not None and grant.connect_by is not None and self._at.monotonic() >= grant.connect_by:
            grant.connect_by = None
            self._nobody_came()
            done = True
        self.look()
        due = self._chronicle.due()
        if self.transaction is not None and due:
            self._chronicle.sample(self.transaction, due, self.grant, self.charging_state())
            self._keep()
            done = True
        return done

    def tick_at(self) -> float:
        """When there is something to do next, monotonic."""
        due, grant = self._chronicle.next_at(), self.grant
        if grant is not None and grant.connect_by is not None:
            due = min(due, grant.connect_by)
        if grant is not None and grant.refused and self.evse.contactor.closed:
            due = min(due, self._energy_used_up_at())
        return due

    # What happens

    def look(self) -> None:
        """See what has changed at the EVSE, and act on it."""
        while not self._acting:
            if self.locked_for is not None and not self.outlet.locked:
                self.unlocked(tell=False)  # whoever has taken the cable
            if self.transaction is None and not self._takes_transactions():
                self._close()
                return
            fault = self.outlet.fault
            if fault is not None:
                self.abort("AbnormalCondition", _FAULT_REASONS.get(fault, "Other"))
                continue
            now, before = self._observe(), self._facts
            if now.ev_connected != before.ev_connected:
                (self._plugged if now.ev_connected else self._unplugged)()
            elif self.outlet.bay_has_changed:
                self.outlet.notice_bay()
                self._occur(*(("EVDetected",) if self.evse.bay_occupied else ("EVDeparted", "EVDisconnected")))
            elif now.signs != before.signs:
                self._occur("SignedDataReceived", tell=False)
            elif now.energy_flows != before.energy_flows or self._has_news():
                self._occur("ChargingStateChanged", self._reason_of_pause())
            elif not self._drive():
                return

    def _close(self) -> None:
        """Nobody charges here for now. What is here is noticed when the EVSE is in use, and works, again."""
        if self.grant is not None:
            self._end_grant()
            self._give_cable_free()
        if self._facts != NOTHING:
            self._facts = NOTHING
            self.outlet.forget()
        self._drive()

    def _plugged(self) -> None:
        self.outlet.meet()
        if self.grant is not None:
            self.grant.connect_by = None
        if self.transaction is not None:
            self.transaction.connector_id = self.outlet.connector_id  # E01.FR.16
        self._occur("CablePluggedIn", cableMaxCurrent=self.outlet.cable_max_a)

    def _unplugged(self) -> None:
        variables, grant = self._at.variables, self.grant
        if grant is not None and variables[STOP_TX_ON_EV_SIDE_DISCONNECT]:  # E09.FR.01
            if not variables[UNLOCK_ON_EV_SIDE_DISCONNECT]:
                self._lock_for(grant.id_token)  # E09.FR.03
            self._end_grant()
        elif grant is not None and not self.outlet.locked:  # E10.FR.02; a cable that is locked in stays (E10.FR.01)
            self._wait_for_vehicle(grant)
        self._occur("EVCommunicationLost", "EVDisconnected")
        self.outlet.part()
        if self.grant is None:
            self._give_cable_free()  # E09.FR.02

    def _nobody_came(self) -> None:
        """Nobody has plugged in although somebody was authorized to (E03.FR.05, E03.FR.15, E10.FR.02)."""
        if "ParkingBayOccupancy" in self._at.variables[TX_STOP_POINT]:
            self.deauthorize("EVConnectTimeout", "Timeout")
        else:
            self.abort("EVConnectTimeout", "Timeout")

    def _occur(self, trigger_reason: str, stopped_reason: str = "Other", *, tell: bool = True, **more: Any) -> None:
        """Something has happened: start a transaction, end it, or else tell of it if `tell`.

        The contactor opens before the CSMS is told, so that nothing flows any more when that is told, and closes after.
        """
        if not self._may_flow():
            self._drive()
        before, now = self._facts, self._observe()
        self._facts = now
        start_points: tuple[str, ...] = self._at.variables[TX_START_POINT]
        stop_points: tuple[str, ...] = self._at.variables[TX_STOP_POINT]
        if self.transaction is None:
            if points.starts(start_points, before, now):
                self._chronicle.begin(trigger_reason, self.grant, self.charging_state(), **more)
                self._keep()
        elif points.ends(start_points, stop_points, before, now):
            self._end(self.transaction, trigger_reason, stopped_reason, **more)
        elif tell:
            self._tell(self.transaction, "Updated", trigger_reason, **more)

    def _end(self, transaction: Transaction, trigger_reason: str, stopped_reason: str, **more: Any) -> None:
        reason = transaction.stopped_reason or stopped_reason
        self._end_grant()
        self._drive()
        self._facts = self._observe()
        self._chronicle.end(transaction, trigger_reason, self.charging_state(), reason, **more)
        self._keep()
        self._give_cable_free()

    def _tell(self, transaction: Transaction, event_type: EventType, trigger_reason: str, **more: Any) -> None:
        self._chronicle.tell(transaction, event_type, trigger_reason, self.grant, self.charging_state(), **more)
        self._keep()

    def _end_grant(self) -> None:
        self.grant = None
        self._had_its_turn = self.outlet.vehicle

    def _wait_for_vehicle(self, grant: Grant) -> None:
        grant.connect_by = self._at.monotonic() + self._at.variables[EV_CONNECTION_TIME_OUT]

    def _lock_for(self, owner: IdToken) -> None:
        if self.outlet.locked:
            self.locked_for = owner
            self._keep()

    def _give_cable_free(self) -> None:
        """Unlock the cable (E06.FR.10), unless it is kept for its owner."""
        if self.locked_for is None:
            self.outlet.unlock()

    # How things are

    def charging_state(self) -> str:
        """A value of ChargingStateEnumType."""
        if self._withheld() and self.outlet.vehicle is not None:
            return "SuspendedEVSE"  # E05.FR.02
        return self.outlet.charging_state

    def _has_news(self) -> bool:
        return self.transaction is not None and self._chronicle.is_news(self.transaction, self.charging_state())

    def _observe(self) -> Facts:
        return self.outlet.facts(authorized=self.grant is not None)

    def _takes_transactions(self) -> bool:
        return self.is_open and (self.grant is not None or self._at.has_room())

    def _reason_of_pause(self) -> str:
        """Why energy does not flow any more, if that ends the transaction (E06.FR.07)."""
        if self._withheld():
            return "DeAuthorized"
        return "StoppedByEV" if self.evse.transfer is Transfer.SUSPENDED_EV else "Other"

    def _may_flow(self) -> bool:
        """Somebody is authorized who may have energy, and the CSMS knows, or will when it flows (C01.FR.01)."""
        return (
            self.grant is not None
            and self.outlet.vehicle is not None
            and (self.transaction is not None or "EnergyTransfer" in self._at.variables[TX_START_POINT])
            and self.is_open
            and not self._withheld()
        )

    def _drive(self) -> bool:
        """Have the contactor as it must be. Returns whether that was a change, which is yet to be looked at."""
        self._acting = True
        try:
            return self.outlet.let_flow(flow=self._may_flow())
        finally:
            self._acting = False

    def _withheld(self) -> bool:
        """The token was refused, and no energy is left for it (E05.FR.02, E05.FR.03)."""
        return self.grant is not None and self.grant.refused and self._energy_left_wh() <= 0

    def _energy_left_wh(self) -> float:
        used_wh = 0.0 if self.transaction is None else self.outlet.energy_wh - self.transaction.began_wh
        return self._at.variables[MAX_ENERGY_ON_INVALID_ID] - used_wh

    def _energy_used_up_at(self) -> float:
        """When the energy for a refused token will have flowed, at the earliest a second from now."""
        power_w = self.outlet.power_w
        wait_s = self._energy_left_wh() / power_w * 3600 if power_w > 0 else math.inf
        return self._at.monotonic() + max(wait_s, 1.0)

    def _keep(self) -> None:
        """Have remembered what a power cycle must not undo; a grant without a transaction is not among it."""
        transaction = self._chronicle.to_json()
        if transaction is None and self.locked_for is None:
            self._at.keep(self.evse.evse_id, None)
            return
        self._at.keep(
            self.evse.evse_id,
            {
                "transaction": transaction,
                "grant": None if self.grant is None else asdict(self.grant) | {"connect_by": None},
                "facts": self._facts._asdict(),
                "locked_for": self.locked_for,
                "at": self._at.clock.now().timestamp(),
            },
        )
