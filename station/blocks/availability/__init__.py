"""G Availability: what the CSMS knows of each connector, the heartbeat, and ChangeAvailability (B01, B04, G01-G04)."""

from station.blocks.availability.block import (
    UNANSWERED_PAUSE_S,
    Availability,
    ConnectorStatus,
    EvseType,
    connector_status,
)
from station.blocks.availability.changes import Changes

__all__ = ["UNANSWERED_PAUSE_S", "Availability", "Changes", "ConnectorStatus", "EvseType", "connector_status"]
