"""An EVSE's transaction, told to the CSMS event by event, with what the meter shows (E01, E02, E06, J02)."""

from __future__ import annotations

import math
from typing import Any

from shared.ocppj import date_time
from station.blocks.transactions.grant import Grant
from station.blocks.transactions.outlet import Outlet
from station.blocks.transactions.pace import Kind, Pace
from station.blocks.transactions.record import EventType, Transaction
from station.blocks.transactions.surroundings import Surroundings
from station.outgoing import Payload


class Chronicle:
    """One EVSE's transactions, of which there is one at a time (E01.FR.14). transaction: the one that is ongoing.

    state, where a method takes one, is a value of ChargingStateEnumType.
    """

    def __init__(self, outlet: Outlet, surroundings: Surroundings) -> None:
        self.transaction: Transaction | None = None
        self._outlet = outlet
        self._at = surroundings
        self._pace = Pace(surroundings.sampling, surroundings.clock, surroundings.monotonic)
        self._last_charging_s = 0.0

    def begin(self, trigger_reason: str, grant: Grant | None, state: str, **more: Any) -> None:
        """A transaction has started (E01). more: as for `tell`."""
        evse, outlet = self._outlet.evse, self._outlet
        self.transaction = Transaction(
            self._at.new_transaction_id(), evse.evse_id, outlet.connector_id, outlet.energy_wh
        )
        self._pace.begin()
        more.setdefault("cableMaxCurrent", outlet.cable_max_a)
        values, kept = self._at.sampling.begin(evse)
        self.transaction.keep_for_end(kept)
        self.tell(self.transaction, "Started", trigger_reason, grant, state, meterValue=values, **more)

    def end(self, transaction: Transaction, trigger_reason: str, state: str, stopped_reason: str, **more: Any) -> None:
        """The transaction is over (E06). more: as for `tell`."""
        values = transaction.ended_values + self._at.sampling.end(self._outlet.evse)
        self.tell(
            transaction, "Ended", trigger_reason, None, state, stopped_reason=stopped_reason, meterValue=values, **more
        )
        self._last_charging_s = self.charging_s
        self.transaction = None

    def tell(
        self,
        transaction: Transaction,
        event_type: EventType,
        trigger_reason: str,
        grant: Grant | None,
        state: str,
        *,
        stopped_reason: str | None = None,
        **more: Any,
    ) -> None:
        """Queue an event of the transaction. more: fields of the TransactionEventRequest, None for none.

        The first one after somebody was authorized says who, and why they may charge (E01.FR.10, E01.FR.13, C05.FR.05).
        """
        info: Payload = {"stoppedReason": stopped_reason}
        if grant is not None and not grant.told:
            grant.told = True
            transaction.granted(grant)
            more.setdefault("idToken", grant.id_token)
            more.setdefault("reservationId", grant.reservation_id)
            if grant.remote_start_id is not None:
                trigger_reason = "RemoteStart"  # F01.FR.19, F02.FR.21
                info["remoteStartId"] = grant.remote_start_id  # F01.FR.25, F02.FR.01
        transaction.flows(self._at.monotonic(), energy_flows=state == "Charging")
        if state != transaction.charging_state:
            transaction.charging_state = info["chargingState"] = state  # E01.FR.18
        phases = self._outlet.phases_used
        if phases != transaction.phases_used:
            transaction.phases_used = more["numberOfPhasesUsed"] = phases  # E02.FR.18, E02.FR.19
        if transaction.charged_s or transaction.charging_since is not None:
            info["timeSpentCharging"] = int(self.charging_s)
        timestamp, offline = date_time.to_wire(self._at.clock.now()), not self._at.online()
        self._at.send(transaction.event(event_type, trigger_reason, timestamp, info, offline=offline, **more))

    def tell_now(self, transaction: Transaction, grant: Grant | None, state: str) -> None:
        """Tell how things are because the CSMS asks for it (F06.FR.07)."""
        transaction.charging_state = None  # so that it is told although it has not changed
        values = self._at.sampling.sample(self._outlet.evse, "Trigger")
        self.tell(transaction, "Updated", "Trigger", grant, state, meterValue=values)

    def is_news(self, transaction: Transaction, state: str) -> bool:
        """The CSMS does not know of this charging state, or of the phases that are used (E02.FR.13, E02.FR.19)."""
        return transaction.charging_state != state or transaction.phases_used != self._outlet.phases_used

    def due(self) -> list[Kind]:
        """The samples that are due, which count as taken then."""
        return [] if self.transaction is None else self._pace.due()

    def sample(self, transaction: Transaction, due: list[Kind], grant: Grant | None, state: str) -> None:
        """Take samples, and tell them or keep them for the end (J01.FR.22, J02.FR.11)."""
        sampling, evse = self._at.sampling, self._outlet.evse
        for kind in due:
            match kind:
                case Kind.UPDATED:
                    if values := sampling.sample(evse, "Sample.Periodic"):
                        self.tell(transaction, "Updated", "MeterValuePeriodic", grant, state, meterValue=values)
                case Kind.ALIGNED:
                    if values := sampling.aligned(evse):
                        self.tell(transaction, "Updated", "MeterValueClock", grant, state, meterValue=values)
                case Kind.FOR_END:
                    transaction.keep_for_end(sampling.for_end(evse))
                case Kind.ALIGNED_FOR_END:
                    transaction.keep_for_end(sampling.aligned_for_end(evse))
                case Kind.ALIVE:
                    pass  # it is remembered by whoever has asked what is due

    def next_at(self) -> float:
        """When the next sample is due, monotonic."""
        return math.inf if self.transaction is None else self._pace.next_at()

    @property
    def charging_s(self) -> float:
        """For how long energy has been flowing in this transaction, or did in the last one (TxCtrlr.ChargingTime)."""
        if self.transaction is None:
            return self._last_charging_s
        return self.transaction.charging_s(self._at.monotonic())

    def to_json(self) -> Payload | None:
        """What of the transaction outlasts a power cycle; None: there is none."""
        if self.transaction is None:
            return None
        return {
            "record": self.transaction.to_json(self._at.monotonic()),
            "sampling": self._at.sampling.to_json(self._outlet.evse),
        }

    def resume(self, kept: Payload) -> Transaction:
        """Go on with the transaction that `to_json` was told of; its charging state will be told again."""
        self.transaction = Transaction.from_json(kept["record"])
        self.transaction.charging_state = self.transaction.phases_used = None
        self._at.sampling.resume(self._outlet.evse, kept["sampling"])
        self._pace.begin()
        return self.transaction
