"""REST version 1: what was said with a station."""

from __future__ import annotations

from typing import Any, Final, TypedDict

import orjson
from quart import Blueprint
from quart.typing import ResponseReturnValue
from sqlalchemy import Connection, Select, select

from csms.api import queries as asked
from csms.api.documentation import PAGE, answer, documented, moment, query
from csms.api.paging import read_page
from csms.api.services import Services
from csms.api.stations import history
from csms.store.moments import from_ms
from csms.store.tables import messages
from shared.ocppj.date_time import to_wire

_DIRECTIONS: Final = ("received", "sent")


class MessageErrorView(TypedDict):
    """A CALLERROR; or, in its place, CallTimedOut, ConnectionLost or InvalidAnswer."""

    code: str
    description: str
    details: dict[str, Any]


class MessageView(TypedDict):
    """A CALL and what came of it. request is a text where no CALL could be read; response is null if there is none.

    direction: received, from the station; or sent. called_at: when the CALL came or went. latency_ms: until it was
    answered, or given up.
    """

    direction: str
    action: str | None
    message_id: str
    called_at: str
    latency_ms: float | None
    request: Any
    response: dict[str, Any] | None
    error: MessageErrorView | None


class MessagesView(TypedDict):
    """A page of messages, newest first."""

    messages: list[MessageView]
    next_cursor: str | None


_MESSAGE: Final[MessageView] = {
    "direction": "received",
    "action": "Heartbeat",
    "message_id": "c9a7bd1e-51a5-4e9f-a2ab-3e0ad3b7d5f1",
    "called_at": "2026-11-22T03:52:53.938Z",
    "latency_ms": 0.4,
    "request": {},
    "response": {"currentTime": "2026-11-22T03:52:53.938Z"},
    "error": None,
}
_REFUSED: Final[MessageView] = {
    **_MESSAGE,
    "direction": "sent",
    "action": "Reset",
    "request": {"type": "OnIdle"},
    "response": None,
    "error": {"code": "NotSupported", "description": "no such thing", "details": {}},
}


def message_routes(services: Services) -> Blueprint:
    """GET /api/v1/stations/<station>/messages."""
    routes = Blueprint("messages", __name__, url_prefix="/api/v1/stations/<station_id>/messages")

    @routes.get("")
    @documented(
        "What was said",
        tag="Message log",
        description="Each CALL with what came of it, newest first: those of the last half second may still be missing. "
        "Passwords and private keys are shown as `***`. What is old is deleted (--message-log-days, "
        "--message-log-count).",
        query=[
            query("action", "Of this action only", "Heartbeat"),
            query("direction", "Only CALLs received from the station, or sent to it", enum=list(_DIRECTIONS)),
            query("errors", "true: only those that failed", enum=["true", "false"]),
            moment("from", "Not those before"),
            moment("to", "Only those before"),
            *PAGE,
        ],
        answers=[answer(200, "A page", MessagesView, {"messages": [_MESSAGE, _REFUSED], "next_cursor": "WzQyXQ"})],
    )
    async def list_messages(station_id: str) -> ResponseReturnValue:
        page = read_page(int)
        rows = _narrowed(select(messages).where(messages.c.station_id == station_id))
        if page.after is not None:
            rows = rows.where(messages.c.message_no < page.after[0])
        rows = rows.order_by(messages.c.message_no.desc()).limit(page.limit + 1)

        def read(connection: Connection) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(rows).mappings()]

        found = await history(services, station_id, read)
        shown = found[: page.limit]
        last_key = [shown[-1]["message_no"]] if len(found) > page.limit else None
        return page.answer("messages", [dict(_describe(row)) for row in shown], last_key)

    return routes


def _narrowed(rows: Select[Any]) -> Select[Any]:
    action, direction = asked.text("action"), asked.choice("direction", _DIRECTIONS)
    since, until = asked.moment("from"), asked.moment("to")
    if action is not None:
        rows = rows.where(messages.c.action == action)
    if direction is not None:
        rows = rows.where(messages.c.direction == direction)
    if asked.truth("errors"):
        rows = rows.where(messages.c.error_code.is_not(None))
    if since is not None:
        rows = rows.where(messages.c.called_at >= since)
    if until is not None:
        rows = rows.where(messages.c.called_at < until)
    return rows


def _describe(row: dict[str, Any]) -> MessageView:
    response: Any = None if row["response"] is None else orjson.loads(row["response"])
    error: MessageErrorView | None = None
    if row["error_code"] is not None:
        error = MessageErrorView(
            code=row["error_code"], description=response["description"], details=response["details"]
        )
        response = response["response"]
    return {
        "direction": row["direction"],
        "action": row["action"],
        "message_id": row["message_id"],
        "called_at": to_wire(from_ms(row["called_at"])),
        "latency_ms": row["latency_ms"],
        "request": orjson.loads(row["request"]),
        "response": response,
        "error": error,
    }
