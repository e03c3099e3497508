"""What the routes work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csms.commands import Commands
from csms.device_model import DeviceModels
from csms.event_feed import EventFeed
from csms.metrics import Metrics
from csms.passwords import Passwords
from csms.registry import Registry
from csms.remote_starts import RemoteStarts
from csms.reservations import Reservations
from csms.settings import Settings
from csms.store import Store
from csms.switchboard import Switchboard
from csms.tariffs import Tariffs
from csms.tokens import Tokens
from shared.clock import Clock
from shared.ocppj.schemas import Schemas


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the CSMS that routes reach. schemas: by subprotocol."""

    settings: Settings
    clock: Clock
    registry: Registry
    switchboard: Switchboard
    passwords: Passwords
    reservations: Reservations
    store: Store
    tokens: Tokens
    tariffs: Tariffs
    device_models: DeviceModels
    remote_starts: RemoteStarts
    commands: Commands
    schemas: Mapping[str, Schemas]
    event_feed: EventFeed
    metrics: Metrics
    is_listening: Callable[[], bool]

    async def call(
        self, station_id: str, action: str, payload: dict[str, Any], *, patience_s: float | None = None
    ) -> dict[str, Any]:
        """Send a CALL to a station, with the patience of a REST call if none is given; raises as Switchboard.call."""
        patience_s = self.settings.call_timeout if patience_s is None else patience_s
        return await self.switchboard.call(station_id, action, payload, patience_s=patience_s)
