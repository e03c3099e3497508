"""What a session is given to work with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shared.clock import Clock
from station.blocks.meter_values import Sampling
from station.device_model import DeviceModel
from station.hardware import Evse
from station.outgoing import Payload


class Surroundings(NamedTuple):
    """The same for all sessions of a station.

    usable: a vehicle may charge at this EVSE, as far as switches and the station's registration are concerned.
    has_room: there is room for the events of another transaction. online: the CSMS is told at once. send: takes a
    TransactionEventRequest. keep: takes what of an EVSE's session is to outlast a power cycle; None: nothing.
    """

    variables: DeviceModel
    clock: Clock
    monotonic: Callable[[], float]
    sampling: Sampling
    new_transaction_id: Callable[[], str]
    usable: Callable[[Evse], bool]
    has_room: Callable[[], bool]
    online: Callable[[], bool]
    send: Callable[[Payload], None]
    keep: Callable[[int, Payload | None], None]
