"""The control application, and the server it runs on."""

from __future__ import annotations

from typing import Final

import trio
from quart import request
from quart.typing import ResponseReturnValue
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from shared.rest.guard import Guard
from shared.rest.http_server import HttpConnection, serve_http
from shared.rest.problems import Problem
from station.app import Station
from station.control.calls import call_routes
from station.control.hooks import hook_routes
from station.control.surroundings import fault_routes, network_routes, power_routes
from station.control.tokens import token_routes
from station.control.views import status_view
from station.control.world import connector_routes, evse_routes

_MAX_BODY_BYTES: Final = 2**20
_BODY_TIMEOUT_S: Final = 10


def create_control(
    station: Station, *, host: str, token: str | None, call_patience_s: float, test_hooks: bool = False
) -> QuartTrio:
    """The control application. host: where it listens. token: what callers must show, None on loopback.

    call_patience_s: how long a CALL may take, with its wait for its turn. test_hooks: with the routes for tests.
    """
    control = QuartTrio(__name__, static_folder=None)
    control.asgi_http_class = HttpConnection
    control.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    control.config["BODY_TIMEOUT"] = _BODY_TIMEOUT_S
    control.config["RESPONSE_TIMEOUT"] = call_patience_s + _BODY_TIMEOUT_S
    control.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    control.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its base class does not
    control.url_map.strict_slashes = False
    guard = Guard(token, host, "--control-token")

    @control.before_request
    async def check() -> None:
        # A body that nobody reads would cost the connection, also where there is no such route: so it is read here.
        await request.get_data()
        guard.check()

    @control.errorhandler(Problem)
    async def problem(error: Problem) -> ResponseReturnValue:
        return error.response()

    @control.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> ResponseReturnValue:
        return Problem.of_http(error).response()

    @control.get("/status")
    async def status() -> ResponseReturnValue:
        return status_view(station)

    control.register_blueprint(connector_routes(station))
    control.register_blueprint(evse_routes(station))
    control.register_blueprint(network_routes(station))
    control.register_blueprint(power_routes(station))
    control.register_blueprint(fault_routes(station))
    control.register_blueprint(call_routes(station, call_patience_s))
    control.register_blueprint(token_routes(station, call_patience_s))
    if test_hooks:
        control.register_blueprint(hook_routes(station))
    return control


async def serve_control(
    control: QuartTrio,
    host: str,
    port: int,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled. task_status: started with the base URL. Raises OSError: the address is not to be had."""
    listeners = await trio.open_tcp_listeners(port, host=host)
    address, bound_port = listeners[0].socket.getsockname()[:2]
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_http, control, listeners, trio.Event())
        task_status.started(f"http://[{address}]:{bound_port}" if ":" in address else f"http://{address}:{bound_port}")
