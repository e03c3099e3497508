"""One transaction: what is kept of it, and the TransactionEventRequests that tell it (E01, E02, E06)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self

from station.blocks.transactions.grant import Grant
from station.id_token import IdToken
from station.outgoing import Payload

EventType = Literal["Started", "Updated", "Ended"]

ENDED_SAMPLES_KEPT: Final = 200
"""Sampled values kept for the Ended event of one transaction; beyond, every second one goes (E06.FR.13, J02.FR.20)."""


@dataclass(slots=True)
class Transaction:
    """A transaction that has started and not ended.

    connector_id: None until a vehicle is connected (E01.FR.16). began_wh: the meter's register at the start. seq_no: of
    the next event (E01.FR.07). id_token: who was the first to be authorized. stopped_reason: why the authorization has
    ended, where that did not end the transaction. charged_s: for so long energy had flowed at charging_since, the
    monotonic time from which on it flows again; None: it does not.
    """

    transaction_id: str
    evse_id: int
    connector_id: int | None
    began_wh: float
    seq_no: int = 0
    id_token: IdToken | None = None
    group_id_token: IdToken | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    charging_state: str | None = None
    phases_used: int | None = None
    charged_s: float = 0.0
    charging_since: float | None = None
    stopped_reason: str | None = None
    ended_values: list[Payload] = field(default_factory=list)

    def event(
        self, event_type: EventType, trigger_reason: str, timestamp: str, info: Payload, *, offline: bool, **more: Any
    ) -> Payload:
        """The payload of the next TransactionEventRequest.

        info: more fields of transactionInfo; more: of the request. Those that are None, or empty, are left out.
        """
        payload: Payload = {
            "eventType": event_type,
            "timestamp": timestamp,
            "triggerReason": trigger_reason,
            "seqNo": self.seq_no,
            "transactionInfo": {"transactionId": self.transaction_id, **_given(info)},
        }
        self.seq_no += 1
        if offline:
            payload["offline"] = True
        if self.connector_id is not None:
            payload["evse"] = {"id": self.evse_id, "connectorId": self.connector_id}
        else:
            payload["evse"] = {"id": self.evse_id}
        return payload | _given(more)

    def granted(self, grant: Grant) -> None:
        """Somebody may charge, and the CSMS is told."""
        self.id_token, self.group_id_token = grant.id_token, grant.group_id_token
        if grant.remote_start_id is not None:
            self.remote_start_id = grant.remote_start_id
        if grant.reservation_id is not None:
            self.reservation_id = grant.reservation_id

    def keep_for_end(self, meter_values: list[Payload]) -> None:
        """Have samples sent with the Ended event; where there are too many, intermediate ones go (E06.FR.13)."""
        self.ended_values += meter_values
        if len(self.ended_values) > ENDED_SAMPLES_KEPT:
            del self.ended_values[1:-1:2]

    def charging_s(self, now: float) -> float:
        """Seconds for which energy has been flowing until `now`, by the monotonic clock."""
        return self.charged_s + (now - self.charging_since if self.charging_since is not None else 0.0)

    def flows(self, now: float, *, energy_flows: bool) -> None:
        """Note whether energy flows from now on."""
        if energy_flows and self.charging_since is None:
            self.charging_since = now
        elif not energy_flows and self.charging_since is not None:
            self.charged_s = self.charging_s(now)
            self.charging_since = None

    def view(self) -> Payload:
        """What of it people want to see."""
        return {
            "transactionId": self.transaction_id,
            "evseId": self.evse_id,
            "connectorId": self.connector_id,
            "idToken": self.id_token,
            "chargingState": self.charging_state,
            "remoteStartId": self.remote_start_id,
            "reservationId": self.reservation_id,
            "seqNo": self.seq_no - 1,
            "began_wh": round(self.began_wh, 3),
        }

    def to_json(self, now: float) -> Payload:
        """What outlasts a power cycle; energy flows no more then. now: monotonic."""
        return asdict(self) | {"charged_s": self.charging_s(now), "charging_since": None}

    @classmethod
    def from_json(cls, kept: Payload) -> Self:
        return cls(**kept)


def _given(fields: Payload) -> Payload:
    return {name: value for name, value in fields.items() if value is not None and value != []}
