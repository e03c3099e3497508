"""What happens at one EVSE, from a vehicle or a token to the end of the transaction (E01-E03, E05-E10).

The session looks at its EVSE after each change and compares: whatever has changed is an occurrence with a trigger
reason, which starts a transaction, is reported of it, or ends it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from shared.ocppj import date_time
from shared.clock import Clock
from station.blocks.transactions import points
from station.blocks.transactions.points import NOTHING, Facts
from station.blocks.transactions.record import EventType, Transaction
from station.device_model import (
    DeviceModel,
    EV_CONNECTION_TIME_OUT,
    MAX_ENERGY_ON_INVALID_ID,
    STOP_TX_ON_EV_SIDE_DISCONNECT,
    STOP_TX_ON_INVALID_ID,
    TX_START_POINT,
    TX_STOP_POINT,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
)
from station.hardware import Evse, Transfer
from station.id_token import IdToken, same
from station.outgoing import Payload

ENDS_AUTHORIZATION: Final = frozenset({"Authorized", "PowerPathClosed", "EnergyTransfer"})
"""The stop points that the end of an authorization brings about (E05.FR.10)."""
FAULT_REASONS: Final = {
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "UnderVoltage": "PowerQuality",
    "EmergencyStop": "EmergencyStop",
    "PowerLoss": "PowerLoss",
}
"""Of a defect, the reason that the transaction it ends has stopped; Other for the rest."""


@dataclass(slots=True)
class Grant:
    """Somebody may charge. group_id_token: theirs, as the CSMS has told it.

    told: the CSMS knows by an event. refused: the CSMS has said No since, but energy may flow for a while.
    connect_by: by when a vehicle has to be there (monotonic).
    """

    id_token: IdToken
    group_id_token: IdToken | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    told: bool = False
    refused: bool = False
    connect_by: float = math.inf


class Sampling(Protocol):
    """What a session needs of the meter values block."""

    def begin(self, evse: Evse) -> list[Payload]: ...
    def updated(self, evse: Evse, context: str) -> list[Payload]: ...
    def ended(self, evse: Evse, kept: list[Payload]) -> list[Payload]: ...


class Session:
    """One EVSE's part of the transactions block.

    Its methods are called when something happens; what they have to tell goes to `send`.
    """

    def __init__(
        self,
        evse: Evse,
        variables: DeviceModel,
        clock: Clock,
        sampling: Sampling,
        *,
        monotonic: Callable[[], float],
        new_transaction_id: Callable[[], str],
        in_use: Callable[[], bool],
        online: Callable[[], bool],
        signs: Callable[[], bool],
        send: Callable[[Payload], None],
        keep: Callable[[Transaction | None], None],
    ) -> None:
        """in_use: neither EVSE nor station are switched off, and transactions may start.

        send: takes a TransactionEventRequest. keep: takes what of the transaction is to outlast a power cycle.
        """
        self.evse = evse
        self.transaction: Transaction | None = None
        self.grant: Grant | None = None
        self._variables = variables
        self._clock = clock
        self._sampling = sampling
        self._monotonic = monotonic
        self._new_transaction_id = new_transaction_id
        self._in_use = in_use
        self._online = online
        self._signs = signs
        self._send = send
        self._keep = keep
        self._facts = NOTHING
        self._charging_state: str | None = None
        self._locked_by: IdToken | None = None
