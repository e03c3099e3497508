"""REST version 1: durable commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from quart import Blueprint
from quart.typing import ResponseReturnValue

from csms.api.bodies import PostCommand, check_payload, read_body
from csms.api.paging import read_choice, read_page, read_text
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
    async def list_commands() -> ResponseReturnValue:
        page = read_page(int, str)
        found = await services.commands.fetch_page(
            page.limit + 1,
            page.after,
            station_id=read_text("station"),
            state=read_choice("state", CommandState),
            action=read_text("action"),
        )
        items = found[: page.limit]
        last_key = sort_key(items[-1]) if len(found) > page.limit else None
        return page.answer("commands", [describe(command) for command in items], last_key)

    @routes.post("")
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
    async def get_command(command_id: str) -> ResponseReturnValue:
        return describe(await _known(services, command_id))

    @routes.delete("/<command_id>")
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


async def _read_new(services: Services, body: PostCommand) -> NewCommand:
    """What the body asks for, in full. Raises Problem: 404 unknown station, 422 the rest."""
    known_station(services, body.station_id)
    seat = services.switchboard.find(body.station_id)
    version = VERSIONS[0] if seat is None else seat.version
    if body.action not in version.csms_actions:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{body.action} is not an action that a CSMS sends in {version.subprotocol}",
            pointer="/action",
        )
    check_payload(body.payload, "/payload")
    schemas = services.schemas[version.subprotocol]
    try:
        payload = await services.remote_starts.complete(body.action, body.payload)
        schemas.validate_request(body.action, payload)
    except PeerError as error:
        raise Problem.of_call(error).within("/payload") from None
    return NewCommand(
        station_id=body.station_id,
        action=body.action,
        payload=payload,
        wish=body.payload,
        expires_at=_expiry(body, services.clock.now()),
        deduplication_key=body.deduplication_key,
    )


def _expiry(body: PostCommand, now: datetime) -> datetime:
    if body.expires_at is not None and body.expires_in_s is not None:
        raise _wrong_expiry("expires_at and expires_in_s exclude each other", "/expires_in_s")
    if body.expires_in_s is not None:
        return now + timedelta(seconds=body.expires_in_s)
    if body.expires_at is None:
        return now + DEFAULT_EXPIRY
    if not now < body.expires_at <= now + _LONGEST_EXPIRY:
        raise _wrong_expiry(f"must be in the future, by at most {_LONGEST_EXPIRY.days} days", "/expires_at")
    return body.expires_at


def _wrong_expiry(detail: str, pointer: str) -> Problem:
    more: dict[str, Any] = {"pointer": pointer}
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{pointer}: {detail}", **more)
