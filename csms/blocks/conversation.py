"""What a handler gets to work with: the station it talks to, and what the CSMS has in its hands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from csms.blocks.lifecycle import State
from csms.events import EventLog
from csms.registry import Station
from csms.remote_starts import RemoteStarts
from csms.reservations import Reservations
from csms.store import Store
from shared.clock import Clock
from shared.ocppj.errors import OcppError

Payload = dict[str, Any]


@dataclass(slots=True)
class Conversation:
    """One connection of one station, as the functional blocks see it.

    asked_for: actions a station that is Pending may send, for it was told to (B02.FR.02).
    """

    station: Station
    store: Store
    events: EventLog
    reservations: Reservations
    remote_starts: RemoteStarts
    clock: Clock
    heartbeat_interval_s: int
    boot_retry_interval_s: int
    state: State = State.OFF
    asked_for: set[str] = field(default_factory=set)


Handler = Callable[[Conversation, Payload], Awaitable[Payload]]
Intent = Callable[[Conversation, Payload], Awaitable[None]]
Outcome = Callable[[Conversation, Payload, Payload | OcppError], Awaitable[None]]
