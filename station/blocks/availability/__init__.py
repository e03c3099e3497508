"""G Availability: what the CSMS knows of connectors and locks, heartbeats, ChangeAvailability (B01, B04, G01-G05)."""

from station.blocks.availability.block import (
    UNANSWERED_PAUSE_S,
    Availability,
    ConnectorStatus,
    EvseType,
    connector_status,
)
from station.blocks.availability.changes import Changes
from station.blocks.availability.locks import Locks

__all__ = ["UNANSWERED_PAUSE_S", "Availability", "Changes", "ConnectorStatus", "EvseType", "Locks", "connector_status"]
