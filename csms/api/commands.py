"""REST version 1: durable commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from quart import Blueprint
from quart.typing import ResponseReturnValue

from csms.api import queries as asked
from csms.api.bodies import PostCommand, check_payload, read_body
from csms.api.command_views import COMMAND, CommandsView, CommandView
from csms.api.documentation import PAGE, answer, body, documented, problem, query
from csms.api.paging import read_page
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.stations import known_station
from csms.commands import Command, CommandState, NewCommand, OtherCommand, TooMany, describe, sort_key
from shared.ocppj.errors import PeerError
from shared.ocppj.versions import VERSIONS

DEFAULT_EXPIRY: Final = timedelta(hours=1)
_LONGEST_EXPIRY: Final = timedelta(days=366)


def command_routes(services: Services) -> Blueprint:
    """/api/v1/commands and below."""
    routes = Blueprint("commands", __name__, url_prefix="/api/v1/commands")

    @routes.get("")
    @documented(
        "All commands",
        tag="Commands",
        query=[
            query("station_id", "At this station only", "CP_1"),
            query("state", "In this state only", "Queued", enum=list(CommandState)),
            query("action", "Of this action only", "UnlockConnector"),
            *PAGE,
        ],
        answers=[answer(200, "A page, newest first", CommandsView, {"commands": [COMMAND], "next_cursor": None})],
    )
    async def list_commands() -> ResponseReturnValue:
        page = read_page(int, str)
        found = await services.commands.fetch_page(
            page.limit + 1,
            page.after,
            station_id=asked.text("station_id"),
            state=asked.choice("state", CommandState),
            action=asked.text("action"),
        )
        items = found[: page.limit]
        last_key = sort_key(items[-1]) if len(found) > page.limit else None
        return page.answer("commands", [describe(command) for command in items], last_key)

    @routes.post("")
    @documented(
        "Have a request sent as soon as its station can be reached",
        tag="Commands",
        description="It waits for the station until it expires, and outlives a restart. A deduplication_key makes it "
        "safe to ask again; starts are sent once at most. Passwords in it are never shown, and kept until it is over.",
        body=body(
            PostCommand,
            {"station_id": "CP_1", "action": "UnlockConnector", "payload": {"evseId": 1, "connectorId": 1}},
        ),
        answers=[
            answer(202, "It will be sent", CommandView, COMMAND),
            answer(200, "It was asked for before, under this deduplication_key", CommandView, COMMAND),
            problem(404, "No charging station CP_9 is known here"),
            problem(409, "Another command has this deduplication_key"),
        ],
    )
    async def post_command() -> ResponseReturnValue:
        new = await _read_new(services, await read_body(PostCommand))
        try:
            command, is_new = await services.commands.add(new)
        except OtherCommand as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        except TooMany as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None
        status = HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK
        return describe(command), status.value, {"Location": f"/api/v1/commands/{command.command_id}"}

    @routes.get("/<command_id>")
    @documented("One command", tag="Commands", answers=[answer(200, "The command", CommandView, COMMAND)])
    async def get_command(command_id: str) -> ResponseReturnValue:
        return describe(await _known(services, command_id))

    @routes.delete("/<command_id>")
    @documented(
        "Cancel a command that was not sent yet",
        tag="Commands",
        answers=[
            answer(200, "It will not be sent", CommandView, COMMAND | {"state": "Cancelled"}),
            problem(409, "The command is Sent", state="Sent"),
        ],
    )
    async def cancel_command(command_id: str) -> ResponseReturnValue:
        await _known(services, command_id)
        was_queued = await services.commands.cancel(command_id)
        command = await _known(services, command_id)
        if not was_queued:
            raise Problem(HTTPStatus.CONFLICT, f"The command is {command.state}", state=command.state.value)
        return describe(command)

    return routes


async def _known(services: Services, command_id: str) -> Command:
    command = await services.commands.fetch(command_id) if command_id.isprintable() else None
    if command is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"No command {command_id} is known here")
    return command


async def _read_new(services: Services, wanted: PostCommand) -> NewCommand:
    """What the body asks for, in full. Raises Problem: 404 unknown station, 422 the rest."""
    known_station(services, wanted.station_id)
    seat = services.switchboard.find(wanted.station_id)
    version = VERSIONS[0] if seat is None else seat.version
    if wanted.action not in version.csms_actions:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{wanted.action} is not an action that a CSMS sends in {version.subprotocol}",
            pointer="/action",
        )
    check_payload(wanted.payload, "/payload")
    schemas = services.schemas[version.subprotocol]
    try:
        payload = await services.remote_starts.complete(wanted.action, wanted.payload)
        schemas.validate_request(wanted.action, payload)
    except PeerError as error:
        raise Problem.of_call(error).within("/payload") from None
    return NewCommand(
        station_id=wanted.station_id,
        action=wanted.action,
        payload=payload,
        wish=wanted.payload,
        expires_at=_expiry(wanted, services.clock.now()),
        deduplication_key=wanted.deduplication_key,
    )


def _expiry(wanted: PostCommand, now: datetime) -> datetime:
    if wanted.expires_at is not None and wanted.expires_in_s is not None:
        raise _wrong_expiry("expires_at and expires_in_s exclude each other", "/expires_in_s")
    if wanted.expires_in_s is not None:
        return now + timedelta(seconds=wanted.expires_in_s)
    if wanted.expires_at is None:
        return now + DEFAULT_EXPIRY
    if not now < wanted.expires_at <= now + _LONGEST_EXPIRY:
        raise _wrong_expiry(f"must be in the future, by at most {_LONGEST_EXPIRY.days} days", "/expires_at")
    return wanted.expires_at


def _wrong_expiry(detail: str, pointer: str) -> Problem:
    more: dict[str, Any] = {"pointer": pointer}
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{pointer}: {detail}", **more)
