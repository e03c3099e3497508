"""What REST version 1 answers with: the shape of each body, for the document at /openapi.json, and an example of it."""

from __future__ import annotations

from typing import Any, Final, TypedDict

STATION_ID: Final = "CP_1"
MOMENT: Final = "2026-11-22T03:52:53.938Z"


class ConnectorView(TypedDict):
    """A connector as last reported."""

    evse_id: int
    connector_id: int
    status: str
    timestamp: str


class ResetView(TypedDict):
    """A Reset that the station has agreed to and not come back from. status: Accepted or Scheduled."""

    kind: str
    status: str
    requested_at: str


class AvailabilityView(TypedDict):
    """What the station agreed to by ChangeAvailability: of all of it, of an EVSE or of a connector."""

    evse_id: int | None
    connector_id: int | None
    operational_status: str
    status: str
    requested_at: str


class StationView(TypedDict):
    """One station: its entry in the registry, how it is connected, and what it has told of itself.

    items_per_message: what one message to it may hold, by action. charging_station: of its last BootNotification.
    """

    station_id: str
    registration: str
    security_profile: int
    items_per_message: dict[str, int]
    has_password: bool
    connected: bool
    state: str | None
    subprotocol: str | None
    last_seen: str | None
    booted_at: str | None
    reset: ResetView | None
    availability: list[AvailabilityView]
    charging_station: dict[str, Any]
    connectors: list[ConnectorView]


STATION: Final[StationView] = {
    "station_id": STATION_ID,
    "registration": "Accepted",
    "security_profile": 1,
    "items_per_message": {"GetVariables": 10},
    "has_password": True,
    "connected": True,
    "state": "Ready",
    "subprotocol": "ocpp2.0.1",
    "last_seen": MOMENT,
    "booted_at": MOMENT,
    "reset": None,
    "availability": [
        {
            "evse_id": 1,
            "connector_id": None,
            "operational_status": "Operative",
            "status": "Accepted",
            "requested_at": MOMENT,
        }
    ],
    "charging_station": {"model": "Wallbox XYZ", "vendorName": "anewone"},
    "connectors": [{"evse_id": 1, "connector_id": 1, "status": "Available", "timestamp": MOMENT}],
}


class StationsView(TypedDict):
    """A page of stations, by identity."""

    stations: list[StationView]
    next_cursor: str | None


class IdTokenView(TypedDict):
    """An idToken as OCPP has it."""

    idToken: str
    type: str


class ReservationView(TypedDict):
    """A reservation; its state is one of ReservationState."""

    reservation_id: int
    station_id: str
    evse_id: int | None
    connector_type: str | None
    id_token: IdTokenView
    group_id_token: IdTokenView | None
    made_at: str
    expires_at: str
    state: str


RESERVATION: Final[ReservationView] = {
    "reservation_id": 1_234_567,
    "station_id": STATION_ID,
    "evse_id": 1,
    "connector_type": None,
    "id_token": {"idToken": "04A2B3C4D5E680", "type": "ISO14443"},
    "group_id_token": None,
    "made_at": MOMENT,
    "expires_at": "2026-11-22T04:52:53.938Z",
    "state": "Active",
}


class ReservationsView(TypedDict):
    """A page of reservations, newest first."""

    reservations: list[ReservationView]
    next_cursor: str | None


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
