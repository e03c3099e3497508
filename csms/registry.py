"""The stations this CSMS knows, connected or not."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

# identifierString (2.0.1 Part 2, primitive datatypes) without the colon, at most 48 characters (Part 4 §3.1.1)
_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")


def is_identity(text: str) -> bool:
    """Whether `text` can be the identity of a charging station."""
    return _IDENTITY.fullmatch(text) is not None


class Registration(enum.StrEnum):
    """How a station's BootNotification is answered (RegistrationStatusEnumType)."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """What a connector was reported to be (ConnectorStatusEnumType), and when, by the station's clock."""

    status: str
    timestamp: datetime


@dataclass(slots=True)
class Station:
    """What is known of one charging station.

    password_hash: None until a password was set or shown. security_profile: the lowest it may connect with (A00).
    accepted: it has booted and was accepted, so that it may go on after a reconnect (Part 4 §5.3).
    boot: the chargingStation of its last BootNotification. connectors: by evseId and connectorId.
    """

    station_id: str
    password_hash: str | None = None
    security_profile: int = 1
    registration: Registration = Registration.ACCEPTED
    accepted: bool = False
    boot: dict[str, Any] = field(default_factory=dict)
    connectors: dict[tuple[int, int], ConnectorStatus] = field(default_factory=dict)

    def evses(self) -> dict[int, list[str]]:
        """The statuses of the connectors of each EVSE, in the order of their numbers.

        EVSEs count from 1; some stations report themselves as EVSE 0.
        """
        statuses: dict[int, list[str]] = {}
        for (evse_id, _), connector in sorted(self.connectors.items()):
            if evse_id > 0:
                statuses.setdefault(evse_id, []).append(connector.status)
        return statuses

    def available_evses(self) -> list[int]:
        """EVSEs with an Available connector, none of whose other connectors has the EVSE taken (G01.FR.08)."""
        return [
            evse_id
            for evse_id, statuses in self.evses().items()
            if "Available" in statuses and not {"Occupied", "Reserved"} & set(statuses)
        ]


class Registry:
    """The stations this CSMS knows, by identity."""

    def __init__(self) -> None:
        self._stations: dict[str, Station] = {}

    def __iter__(self) -> Iterator[Station]:
        return iter(sorted(self._stations.values(), key=lambda station: station.station_id))

    def get(self, station_id: str) -> Station | None:
        return self._stations.get(station_id)

    def get_or_add(self, station_id: str) -> Station:
        """The station of that identity, made if it is not known yet."""
        return self._stations.setdefault(station_id, Station(station_id))

    def remove(self, station_id: str) -> None:
        """Forget a station. Raises KeyError for one that is not known."""
        del self._stations[station_id]
