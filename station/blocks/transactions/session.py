"""What happens at one EVSE, from a vehicle or a token to the end of the transaction (E01-E03, E05-E10).

The session looks at its EVSE after each change and compares: whatever has changed is an occurrence with a trigger
reason, which starts a transaction, is told of it, or ends it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from shared.clock import Clock
from shared.ocppj import date_time
from station.blocks.meter_values import Sampling
from station.blocks.transactions import points
from station.blocks.transactions.outlet import Outlet
from station.blocks.transactions.pace import Kind, Pace
from station.blocks.transactions.points import NOTHING, Facts
from station.blocks.transactions.record import EventType, Transaction
from station.device_model import (
    EV_CONNECTION_TIME_OUT,
    MAX_ENERGY_ON_INVALID_ID,
    STOP_TX_ON_EV_SIDE_DISCONNECT,
    STOP_TX_ON_INVALID_ID,
    TX_START_POINT,
    TX_STOP_POINT,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
    DeviceModel,
)
from station.hardware import Evse, Transfer
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
_KEEPS_LOCKED: Final = frozenset({"DeAuthorized"})  # E05.FR.11: until the owner of the cable presents the token


@dataclass(slots=True)
class Grant:
    """Somebody may charge. group_id_token: theirs, as the CSMS has told it.

    told: an event has told the CSMS who. refused: the CSMS has answered No since then, although energy may flow for a
    while. connect_by: by when a vehicle has to be there, monotonic; None for no time-out.
    """

    id_token: IdToken
    group_id_token: IdToken | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    told: bool = False
    refused: bool = False
    connect_by: float | None = None


class Surroundings(NamedTuple):
    """What a session is given. send: takes a TransactionEventRequest; keep: takes what is to outlast a power cycle.

    usable: a vehicle may charge at this EVSE, as far as switches and the station's registration are concerned.
    """

    variables: DeviceModel
    clock: Clock
    monotonic: Callable[[], float]
    sampling: Sampling
    new_transaction_id: Callable[[], str]
    usable: Callable[[Evse], bool]
    online: Callable[[], bool]
    send: Callable[[Payload], None]
    keep: Callable[[int, Payload | None], None]


class Session:
    """One EVSE. Its methods are called when something happens there."""

    def __init__(self, evse: Evse, surroundings: Surroundings) -> None:
        self.evse = evse
        self.transaction: Transaction | None = None
        self.grant: Grant | None = None
        self.locked_for: IdToken | None = None
        """Whose cable is still locked in, although nothing is going on (E05.FR.11)."""
        self.outlet = Outlet(evse, surroundings.variables)
        self._at = surroundings
        self._facts = NOTHING
        self._acting = False
        self._pace = Pace(surroundings.sampling, surroundings.clock, surroundings.monotonic)

    def resume(self, kept: Payload, longest_off_s: float) -> None:
        """Go on after a power cycle with what was kept before it.

        longest_off_s: a transaction that has been without power for longer ends with PowerLoss.
        """
        self.transaction = transaction = Transaction.from_json(kept["transaction"])
        self.grant = None if kept["grant"] is None else Grant(**kept["grant"])
        self._facts = Facts(**kept["facts"])
        transaction.flows(kept["at"], energy_flows=False)
        self._pace.begin()
        if self.grant is not None and not self._facts.ev_connected:
            self.grant.connect_by = self._at.monotonic() + self._at.variables[EV_CONNECTION_TIME_OUT]
        if self._now_s() - kept["at"] > longest_off_s:
            self.abort("AbnormalCondition", "PowerLoss")
        else:
            self.look()

    def look(self) -> None:
        """See what has changed at the EVSE, and act on it."""
        while not self._acting:
            idle = self.transaction is None and self.grant is None
            if idle and not self._at.usable(self.evse):
                self._facts = NOTHING  # so that what is there by then is seen when the EVSE comes into use
                return
            fault = self.outlet.fault
            if fault is not None and not idle:
                self.abort("AbnormalCondition", _FAULT_REASONS.get(fault, "Other"))
                continue
            now, before = self._observe(), self._facts
            if now.ev_connected != before.ev_connected:
                (self._plugged if now.ev_connected else self._unplugged)()
            elif now.bay_occupied != before.bay_occupied:
                trigger = "EVDetected" if now.bay_occupied else "EVDeparted"
                self._occur(trigger, None if now.bay_occupied else "EVDisconnected")
            elif now.signs != before.signs:
                self._occur("SignedDataReceived" if now.signs else "AbnormalCondition", "Other", tell=False)
            elif now.energy_flows != before.energy_flows or self._has_news():
                stopped_by_ev = self.evse.transfer is Transfer.SUSPENDED_EV
                self._occur("ChargingStateChanged", "StoppedByEV" if stopped_by_ev else "Other")
            elif not self._drive():
                return

    def authorize(self, grant: Grant, trigger_reason: str) -> None:
        """Let somebody charge; there must not be a grant. trigger_reason: Authorized or RemoteStart."""
        if not self._observe().ev_connected:
            grant.connect_by = self._at.monotonic() + self._at.variables[EV_CONNECTION_TIME_OUT]
        self.grant = grant
        self.locked_for = None
        self._occur(trigger_reason)

    def deauthorize(
        self, trigger_reason: str, stopped_reason: str, id_token: IdToken | None = None, *, unlock: bool = True
    ) -> None:
        """End the authorization, and with it the transaction if a stop point says so (E05-E09).

        id_token: who has ended it, for the CSMS to know (E07.FR.02). unlock: give the cable free.
        """
        if self.grant is None:
            return
        owner = self.grant.id_token
        self.grant = None
        if self.transaction is not None:
            self.transaction.stopped_reason = stopped_reason
        self._occur(trigger_reason, stopped_reason, idToken=id_token)
        if unlock:
            self.outlet.unlock()
        elif self.outlet.locked:
            self.locked_for = owner

    def abort(self, trigger_reason: str, stopped_reason: str) -> None:
        """End the authorization, and the transaction whatever the stop points say (E03.FR.05, E06.FR.16, B12)."""
        self.grant = None
        self._drive()
        if self.transaction is not None:
            self.transaction.stopped_reason = stopped_reason
            self._end(self.transaction, trigger_reason, stopped_reason)
        else:
            self._facts = self._observe()
        self.outlet.unlock()

    def release(self) -> None:
        """Unlock the cable that was kept when its owner was deauthorized, for the owner is here (E05.FR.11)."""
        self.locked_for = None
        self.outlet.unlock()

    def refused(self) -> None:
        """The CSMS does not accept who is charging (E05, C15.FR.03 ff.)."""
        if self.grant is None:
            return
        if self._at.variables[STOP_TX_ON_INVALID_ID]:
            self.deauthorize("Deauthorized", "DeAuthorized", unlock=False)
        else:
            self.grant.refused = True
            self.look()

    def remote_stop(self) -> None:
        """The CSMS has asked to stop (F03). Where nobody is authorized any more that is only told (F03.FR.02)."""
        if self.grant is not None:
            self.deauthorize("RemoteStop", "Remote")
        elif self.transaction is not None:
            self.transaction.stopped_reason = "Remote"
            self._tell(self.transaction, "Updated", "RemoteStop")

    def unlocked(self) -> None:
        """The CSMS has had the cable unlocked (F05)."""
        self.locked_for = None
        if self.transaction is not None:
            self._tell(self.transaction, "Updated", "UnlockCommand")

    def is_for_somebody_else(self, id_token: IdToken) -> bool:
        """The transaction has had its token, and takes no other (C01.FR.23)."""
        transaction = self.transaction
        return transaction is not None and transaction.id_token is not None and not same(transaction.id_token, id_token)

    def tell_now(self) -> bool:
        """Tell of the transaction because the CSMS asks for it (F06). Returns whether there is one."""
        if self.transaction is None:
            return False
        self.transaction.charging_state = None  # so that it is told, although it has not changed
        self._tell(self.transaction, "Updated", "Trigger", meterValue=self._at.sampling.sample(self.evse, "Trigger"))
        return True

    def tick(self) -> bool:
        """Do what is due: the time-out for the cable, samples, the end of the energy for a refused token."""
        now = self._at.monotonic()
        done = False
        if self.grant is not None and self.grant.connect_by is not None and now >= self.grant.connect_by:
            self.grant.connect_by = None
            self._nobody_came()
            done = True
        self.look()
        return self._sample() or done

    def tick_at(self) -> float:
        """When there is something to do next, monotonic."""
        due = math.inf
        if self.grant is not None and self.grant.connect_by is not None:
            due = self.grant.connect_by
        if self.grant is not None and self.grant.refused and self.evse.contactor.closed:
            due = min(due, self._energy_used_up_at())
        if self.transaction is not None:
            due = min(due, self._pace.next_at())
        return due

    def charging_s(self) -> float:
        """For how long energy has been flowing in this transaction, 0 without one."""
        return 0.0 if self.transaction is None else self.transaction.charging_s(self._now_s())

    # What happens

    def _plugged(self) -> None:
        if self.grant is not None:
            self.grant.connect_by = None
        if self.transaction is not None:
            self.transaction.connector_id = self.outlet.connector_id
        self._occur("CablePluggedIn", cableMaxCurrent=self.outlet.cable_max_a)

    def _unplugged(self) -> None:
        variables = self._at.variables
        if self.grant is not None:
            if variables[STOP_TX_ON_EV_SIDE_DISCONNECT]:  # E09.FR.01
                self.grant = None
            else:
                self.grant.connect_by = self._at.monotonic() + variables[EV_CONNECTION_TIME_OUT]
        self._occur("EVCommunicationLost", "EVDisconnected")
        if self.grant is None and variables[UNLOCK_ON_EV_SIDE_DISCONNECT]:  # E09.FR.02
            self.locked_for = None
            self.outlet.unlock()

    def _nobody_came(self) -> None:
        """Nobody has plugged in although somebody was authorized to (E03.FR.05, E03.FR.15, E10.FR.02)."""
        if "ParkingBayOccupancy" in self._at.variables[TX_STOP_POINT]:
            self.deauthorize("EVConnectTimeout", "Timeout")
        else:
            self.abort("EVConnectTimeout", "Timeout")

    def _occur(self, trigger_reason: str, stopped_reason: str | None = None, *, tell: bool = True, **more: Any) -> None:
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
            if points.starts(start_points, before, now) and self._at.usable(self.evse):
                self._begin(trigger_reason, **more)
        elif points.ends(start_points, stop_points, before, now):
            self._end(self.transaction, trigger_reason, stopped_reason, **more)
        elif tell:
            self._tell(self.transaction, "Updated", trigger_reason, **more)
        self.look()

    def _begin(self, trigger_reason: str, **more: Any) -> None:
        self.transaction = Transaction(
            self._at.new_transaction_id(), self.evse.evse_id, self.outlet.connector_id, self.outlet.energy_wh
        )
        self._pace.begin()
        more.setdefault("cableMaxCurrent", self.outlet.cable_max_a)
        self._tell(self.transaction, "Started", trigger_reason, meterValue=self._at.sampling.begin(self.evse), **more)

    def _end(self, transaction: Transaction, trigger_reason: str, stopped_reason: str | None, **more: Any) -> None:
        reason = transaction.stopped_reason or stopped_reason
        values = transaction.ended_values + self._at.sampling.end(self.evse)
        self.grant = None
        self._drive()
        self._facts = self._observe()
        self._tell(transaction, "Ended", trigger_reason, stopped_reason=reason, meterValue=values, **more)
        self.transaction = None
        self._at.keep(self.evse.evse_id, None)
        if reason not in _KEEPS_LOCKED:
            self.outlet.unlock()

    def _tell(
        self,
        transaction: Transaction,
        event_type: EventType,
        trigger_reason: str,
        *,
        stopped_reason: str | None = None,
        **more: Any,
    ) -> None:
        grant = self.grant
        info: Payload = {"stoppedReason": stopped_reason}
        if grant is not None and not grant.told:
            grant.told = True
            transaction.id_token, transaction.group_id_token = grant.id_token, grant.group_id_token
            more.setdefault("idToken", grant.id_token)
            more.setdefault("reservationId", grant.reservation_id)
            if grant.remote_start_id is not None:
                trigger_reason = "RemoteStart"  # F01.FR.19, F02.FR.21
                info["remoteStartId"] = grant.remote_start_id
        state, now_s = self.charging_state(), self._now_s()
        transaction.flows(now_s, energy_flows=state == "Charging")
        if state != transaction.charging_state:
            transaction.charging_state = info["chargingState"] = state  # E01.FR.18
        phases = self.outlet.phases_used
        if phases != transaction.phases_used:
            transaction.phases_used = more["numberOfPhasesUsed"] = phases  # E02.FR.18, E02.FR.19
        if transaction.charged_s or transaction.charging_since is not None:
            info["timeSpentCharging"] = int(transaction.charging_s(now_s))
        timestamp, offline = date_time.to_wire(self._at.clock.now()), not self._at.online()
        payload = transaction.event(event_type, trigger_reason, timestamp, info, offline=offline, **more)
        self._keep(transaction)
        self._at.send(payload)

    def _sample(self) -> bool:
        """Take the samples that are due (J01.FR.22, J02.FR.11)."""
        transaction, sampling = self.transaction, self._at.sampling
        if transaction is None:
            return False
        due = self._pace.due()
        for kind in due:
            match kind:
                case Kind.UPDATED:
                    values = sampling.sample(self.evse, "Sample.Periodic")
                    self._tell(transaction, "Updated", "MeterValuePeriodic", meterValue=values)
                case Kind.ALIGNED:
                    values = sampling.aligned(self.evse)
                    self._tell(transaction, "Updated", "MeterValueClock", meterValue=values)
                case Kind.FOR_END:
                    transaction.keep_for_end(sampling.for_end(self.evse))
                    self._keep(transaction)
                case Kind.ALIGNED_FOR_END:
                    transaction.keep_for_end(sampling.aligned_for_end(self.evse))
                    self._keep(transaction)
        return bool(due)

    # How things are

    def charging_state(self) -> str:
        """A value of ChargingStateEnumType."""
        if self._withheld() and self.outlet.connector_id is not None:
            return "SuspendedEVSE"  # E05.FR.02
        return self.outlet.charging_state

    def _observe(self) -> Facts:
        return self.outlet.facts(authorized=self.grant is not None)

    def _has_news(self) -> bool:
        transaction = self.transaction
        return transaction is not None and (transaction.charging_state, transaction.phases_used) != (
            self.charging_state(),
            self.outlet.phases_used,
        )

    def _may_flow(self) -> bool:
        return (
            self.grant is not None
            and self.outlet.connector_id is not None
            and self.outlet.fault is None
            and not self._withheld()
            and self._at.usable(self.evse)
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

    def _now_s(self) -> float:
        return self._at.clock.now().timestamp()

    def _keep(self, transaction: Transaction) -> None:
        self._at.keep(
            self.evse.evse_id,
            {
                "transaction": transaction.to_json(),
                "grant": None if self.grant is None else asdict(self.grant) | {"connect_by": None},
                "facts": asdict(self._facts),
                "at": self._now_s(),
            },
        )
