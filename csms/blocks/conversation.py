"""What a handler gets to work with: the station it talks to, and what the CSMS has in its hands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from csms.blocks.errands import Errands
from csms.blocks.lifecycle import State
from csms.blocks.vendors import Vendors
from csms.device_model import DeviceModels
from csms.events import EventLog
from csms.passwords import Passwords
from csms.registry import Registry, Station
from csms.remote_starts import RemoteStarts
from csms.reservations import Reservations
from csms.store import Store
from csms.tariffs import Tariffs
from csms.tokens import Tokens
from shared.clock import Clock
from shared.ocppj.errors import OcppError

if TYPE_CHECKING:  # its package has handlers, which need this module
    from csms.blocks.provisioning import BootRetries

if TYPE_CHECKING:  # their modules have handlers, which need this one
    from csms.blocks.meter_values import MeterLog
    from csms.blocks.transactions import Ledger

Payload = dict[str, Any]


@dataclass(slots=True)
class Conversation:
    """One connection of one station, as the functional blocks see it.

    asked_for: actions a station that is Pending may send, for it was told to (B02.FR.02), and how many times.
    accepts_after_report: a Pending station is accepted once its base report is complete (B02).
    errands: what to ask of the station afterwards, on this connection.
    """

    station: Station
    store: Store
    events: EventLog
    registry: Registry
    device_models: DeviceModels
    boot_retries: BootRetries
    vendors: Vendors
    passwords: Passwords
    reservations: Reservations
    remote_starts: RemoteStarts
    tokens: Tokens
    tariffs: Tariffs
    ledger: Ledger
    meter_log: MeterLog
    clock: Clock
    heartbeat_interval_s: int
    boot_retry_interval_s: int
    accepts_after_report: bool
    state: State = State.OFF
    asked_for: dict[str, float] = field(default_factory=dict)
    errands: Errands = field(default_factory=Errands)


Handler = Callable[[Conversation, Payload], Awaitable[Payload]]
Intent = Callable[[Conversation, Payload], Awaitable[None]]
Outcome = Callable[[Conversation, Payload, Payload | OcppError], Awaitable[None]]
