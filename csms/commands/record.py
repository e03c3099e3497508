"""A durable command as it is kept, and as REST shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
import trio
from sqlalchemy import Row, Select, and_, select

from csms.commands.states import CommandState
from csms.store.moments import from_ms, to_ms
from csms.store.tables import commands, remote_starts
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import CallRefused, OcppError
from shared.ocppj.redaction import redact, redact_answer

Payload = dict[str, Any]


@dataclass(slots=True, eq=False)
class Command:
    """A request that waits for its station, or has been sent. Its payload fits the schema; once it is over, nobody
    needs the secrets in it any more, and they are not kept.

    history: every state it has had, with its time. outcome: {"result": payload} or {"error": …}, None before it has
    one. transaction_id: what a RequestStartTransaction has started, as far as known; read from the database only.
    """

    command_id: str
    station_id: str
    action: str
    payload: Payload
    created_at: datetime
    expires_at: datetime
    deduplication_key: str | None = None
    state: CommandState = CommandState.QUEUED
    history: list[dict[str, str]] = field(default_factory=list)
    outcome: Payload | None = None
    transaction_id: str | None = None
    lock: trio.Lock = field(default_factory=trio.Lock)

    @property
    def sent(self) -> int:
        """How many times it has been sent."""
        return sum(entry["state"] == CommandState.SENT for entry in self.history)

    @property
    def remote_start_id(self) -> int | None:
        """Of a RequestStartTransaction."""
        remote_start_id = self.payload.get("remoteStartId")
        return None if remote_start_id is None else int(remote_start_id)


QUERY: Final[Select[Any]] = select(commands, remote_starts.c.transaction_id).select_from(
    commands.outerjoin(
        remote_starts,
        and_(
            remote_starts.c.station_id == commands.c.station_id,
            remote_starts.c.remote_start_id == commands.c.remote_start_id,
        ),
    )
)
"""Rows for from_row()."""


def from_row(row: Row[Any]) -> Command:
    """The command of a row of QUERY."""
    return Command(
        command_id=row.command_id,
        station_id=row.station_id,
        action=row.action,
        payload=orjson.loads(row.payload),
        created_at=from_ms(row.created_at),
        expires_at=from_ms(row.expires_at),
        deduplication_key=row.deduplication_key,
        state=CommandState(row.state),
        history=orjson.loads(row.history),
        outcome=None if row.result is None else orjson.loads(row.result),
        transaction_id=row.transaction_id,
    )


def to_row(command: Command) -> dict[str, Any]:
    """The row of a new command."""
    return {
        "command_id": command.command_id,
        "station_id": command.station_id,
        "action": command.action,
        "payload": orjson.dumps(command.payload).decode(),
        "deduplication_key": command.deduplication_key,
        "state": command.state.value,
        "history": orjson.dumps(command.history).decode(),
        "result": None,
        "remote_start_id": command.remote_start_id,
        "created_at": to_ms(command.created_at),
        "expires_at": to_ms(command.expires_at),
    }


def outcome_of(answer: Payload | OcppError, request: Payload) -> Payload:
    """What came of a request, as it is kept: the station's words but for secrets, or why there are none."""
    match answer:
        case dict():
            outcome: Payload = {"result": answer}
        case CallRefused(code=code, description=description, details=details):
            outcome = {"error": {"code": code, "description": description, "details": details}}
        case _:
            outcome = {"error": {"code": None, "description": str(answer), "details": {}}}
    redacted: Payload = redact_answer(outcome, request)
    return redacted


def sort_key(command: Command) -> list[Any]:
    """Where a command stands in Commands.fetch_page()."""
    return [to_ms(command.created_at), command.command_id]


def describe(command: Command) -> dict[str, Any]:
    """A command as REST shows it."""
    outcome = command.outcome or {}
    return {
        "command_id": command.command_id,
        "station_id": command.station_id,
        "action": command.action,
        "payload": redact(command.payload),
        "deduplication_key": command.deduplication_key,
        "state": command.state.value,
        "result": outcome.get("result"),
        "error": outcome.get("error"),
        "history": command.history,
        "created_at": to_wire(command.created_at),
        "expires_at": to_wire(command.expires_at),
        "remote_start_id": command.remote_start_id,
        "transaction_id": command.transaction_id,
    }
