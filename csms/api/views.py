"""What REST version 1 answers with: the shape of each body, for the document at /openapi.json, and an example of it."""

from __future__ import annotations

from typing import Any, Final, TypedDict

STATION_ID: Final = "CP_1"
MOMENT: Final = "2026-11-22T03:52:53.938000Z"


class ConnectorView(TypedDict):
    """A connector as last reported."""

    evse_id: int
    connector_id: int
    status: str
    timestamp: str


class StationView(TypedDict):
    """One station: its entry in the registry, and how it is connected."""

    station_id: str
    registration: str
    security_profile: int
    has_password: bool
    connected: bool
    state: str | None
    subprotocol: str | None
    charging_station: dict[str, Any]
    connectors: list[ConnectorView]


STATION: Final[StationView] = {
    "station_id": STATION_ID,
    "registration": "Accepted",
    "security_profile": 1,
    "has_password": True,
    "connected": True,
    "state": "Ready",
    "subprotocol": "ocpp2.0.1",
    "charging_station": {"model": "Wallbox XYZ", "vendorName": "anewone"},
    "connectors": [{"evse_id": 1, "connector_id": 1, "status": "Available", "timestamp": MOMENT}],
}


class StationsView(TypedDict):
    """All stations, by identity."""

    stations: list[StationView]


class IdTokenView(TypedDict):
    """An idToken as OCPP has it."""

    idToken: str
    type: str


class ReservationView(TypedDict):
    """A reservation. state: Active, Used, Expired, Cancelled or Removed."""

    reservation_id: int
    station_id: str
    evse_id: int | None
    id_token: IdTokenView
    expires_at: str
    state: str


RESERVATION: Final[ReservationView] = {
    "reservation_id": 1_234_567,
    "station_id": STATION_ID,
    "evse_id": 1,
    "id_token": {"idToken": "04A2B3C4D5E680", "type": "ISO14443"},
    "expires_at": MOMENT,
    "state": "Active",
}


class ReservationsView(TypedDict):
    """All reservations."""

    reservations: list[ReservationView]


class CancellationView(TypedDict):
    """What the station answered to CancelReservation, and how the reservation stands now."""

    status: str
    reservation: ReservationView


class ResultView(TypedDict):
    """The payload of the station's answer."""

    result: dict[str, Any]


class ConnectedView(TypedDict):
    """The identities of the stations that are connected."""

    cp_ids: list[str]


class SeedErrorView(TypedDict):
    """An error, as the project's first scripts know it."""

    error_code: int
    message: str


class StatusView(TypedDict):
    """How it went."""

    status: str


class ReservedView(TypedDict):
    """What the station answered, and what was reserved."""

    status: str
    cp_id: str
    evse_id: int | None
    reservation_id: int
