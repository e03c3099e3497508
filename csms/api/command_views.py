"""What the routes of durable commands answer with, and an example of it."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from csms.api.views import MOMENT, STATION_ID


class CommandView(TypedDict):
    """A durable command. state: Queued, Sent, Succeeded, Refused, Failed, Expired, Cancelled or Unknown."""

    command_id: str
    station_id: str
    action: str
    payload: dict[str, Any]
    deduplication_key: str | None
    state: str
    result: dict[str, Any] | None
    error: Any
    history: list[Any]
    created_at: str
    expires_at: str
    remote_start_id: int | None
    transaction_id: str | None


COMMAND: Final[CommandView] = {
    "command_id": "6f1c7b1e-64c5-4a3b-9d0e-2f6c1b6f9a10",
    "station_id": STATION_ID,
    "action": "UnlockConnector",
    "payload": {"evseId": 1, "connectorId": 1},
    "deduplication_key": "unlock-0001",
    "state": "Queued",
    "result": None,
    "error": None,
    "history": [{"state": "Queued", "at": MOMENT}],
    "created_at": MOMENT,
    "expires_at": "2026-11-22T04:52:53.938Z",
    "remote_start_id": None,
    "transaction_id": None,
}


class CommandsView(TypedDict):
    """A page of commands, newest first."""

    commands: list[CommandView]
    next_cursor: str | None
