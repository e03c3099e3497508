"""REST version 1: what happens at the stations, as server-sent events."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final, TypedDict

import orjson
import trio
from quart import Blueprint, Response, request
from quart.typing import ResponseReturnValue

from csms.api.documentation import Answer, Parameter, documented, problem, query
from csms.api.problems import Problem
from csms.api.services import Services
from csms.event_feed import Event, EventFeed, EventReader, Gap, Wanted
from csms.store import StoreUnavailable
from csms.store.moments import from_ms
from shared.ocppj.date_time import to_wire

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 15.0
READERS: Final = 200
_RETRY_MS: Final = 2_000
_MAX_ID: Final = 2**63 - 1

_EXAMPLE: Final = """retry: 2000
id: 41

id: 42
event: station.booted
data: {"id":42,"type":"station.booted","station_id":"CP_1","at":"2026-11-22T03:52:53.938Z","data":{}}

: still here
id: 42

"""


class EventView(TypedDict):
    """The `data` of an event. type: station.connected, transaction.ended and so on; data: depends on the type."""

    id: int
    type: str
    station_id: str | None
    at: str
    data: Any


def event_routes(services: Services) -> Blueprint:
    """GET /api/v1/events."""
    routes = Blueprint("events", __name__, url_prefix="/api/v1/events")

    @routes.get("")
    @documented(
        "Follow what happens",
        tag="Events",
        description="Server-sent events: `station.connected`, `station.disconnected`, `station.booted`, "
        "`connector.status`, `transaction.started`, `transaction.updated`, `transaction.ended`, `reservation.made`, "
        "`reservation.ended`, `command.state`. Each is sent when it is on disk, and has an id that is higher than all "
        "before it: a client that comes back with `Last-Event-ID`, after whatever restart, gets what it missed.\n\n"
        "Old events are deleted (--event-days, --event-count). A client that missed some of those, or comes from "
        "another database, first gets an event `reset`: it should ask anew for all it shows. What follows begins with "
        "the oldest event that is kept.\n\n"
        "Without `Last-Event-ID` or `after`, it begins now. A comment and the current id come every 15 s.",
        query=[
            query(
                "after", "Begin behind this event; 0: with the oldest", 0, type="integer", minimum=0, maximum=_MAX_ID
            ),
            query("station_id", "Of these stations only: separated by commas, or given several times", "CP_1,CP_2"),
            query(
                "type", "Of these types only; `transaction` is all that begin with it", "transaction,connector.status"
            ),
            Parameter(
                "Last-Event-ID",
                "The id of the last event received; a browser's EventSource sends it. Stronger than `after`",
                {"type": "integer", "minimum": 0, "maximum": _MAX_ID},
                41,
                "header",
            ),
        ],
        answers=[
            Answer(200, "The events, without end", None, {"example": _EXAMPLE}, "text/event-stream"),
            problem(503, "Too many follow the events already"),
        ],
    )
    async def follow_events() -> ResponseReturnValue:
        wanted = Wanted(_words("station_id"), _words("type"))
        after = _position()
        feed = services.event_feed
        if feed.readers >= READERS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Too many follow the events already")
        reader, gap = await feed.open(wanted, after)
        body: AsyncIterator[bytes] | bytes = b"" if request.method == "HEAD" else _stream(feed, reader, gap)
        response = Response(body, content_type="text/event-stream; charset=utf-8")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"  # a proxy is not to wait until it has more
        response.timeout = None
        return response

    return routes


def _words(name: str) -> frozenset[str]:
    words = frozenset(word for text in request.args.getlist(name) for word in text.split(",") if word)
    if not all(word.isprintable() for word in words):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be printable")
    return words


def _position() -> int | None:
    name, text = "Last-Event-ID", request.headers.get("Last-Event-ID") or None
    if text is None:
        name, text = "after", request.args.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_ID)) and int(text) <= _MAX_ID):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be the id of an event")
    return int(text)


async def _stream(feed: EventFeed, reader: EventReader, gap: Gap | None) -> AsyncIterator[bytes]:
    """The lines of the response. A client that reads slowly holds this up, and nothing is kept for it meanwhile."""
    feed.readers += 1
    try:
        yield b"retry: %d\n" % _RETRY_MS + (_reset(gap, reader.position) if gap else _id(reader.position))
        while not feed.is_closed:
            found = None
            with trio.move_on_after(HEARTBEAT_S):
                found = await reader.next()
            # The id comes with it so that who wants few events need not come back with an old one.
            yield b": still here\n" + _id(reader.position) if found is None else b"".join(map(_frame, found))
    except StoreUnavailable as error:
        log.warning("an event stream ends: %s", error)  # its reader comes back with its Last-Event-ID
    finally:
        feed.readers -= 1


def _id(position: int) -> bytes:
    """A browser keeps it as Last-Event-ID and tells its page nothing."""
    return b"id: %d\n\n" % position


def _reset(gap: Gap, position: int) -> bytes:
    return b"id: %d\nevent: reset\ndata: %s\n\n" % (position, orjson.dumps({"after": gap.after, "oldest": gap.oldest}))


def _frame(event: Event) -> bytes:
    view: EventView = {
        "id": event.event_id,
        "type": event.event_type,
        "station_id": event.station_id,
        "at": to_wire(from_ms(event.happened_at)),
        "data": orjson.Fragment(event.data),
    }
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.event_id, event.event_type.encode(), orjson.dumps(view))
