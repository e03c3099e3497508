"""The REST application and the server it runs on."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import trio
from quart import request
from quart.typing import ResponseReturnValue
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from csms.api import queries
from csms.api.calls import call_routes
from csms.api.commands import command_routes
from csms.api.description import description_routes
from csms.api.documentation import VERSION_1, documentation_of
from csms.api.events import event_routes
from csms.api.health import health_routes
from csms.api.messages import message_routes
from csms.api.problems import Problem
from csms.api.reservations import reservation_routes
from csms.api.seed import seed_routes
from csms.api.services import Services
from csms.api.stations import station_routes
from csms.api.tariffs import tariff_routes
from csms.api.tokens import token_routes
from csms.api.transactions import transaction_routes
from csms.api.variables import variable_routes
from csms.store import StoreUnavailable
from shared.ocppj.errors import OcppError
from shared.rest import problems
from shared.rest.guard import Guard
from shared.rest.http_server import HttpConnection, serve_http

_OPEN_PATHS: Final = frozenset({"/healthz"})
_MAX_BODY_BYTES: Final = 2**20
_BODY_TIMEOUT_S: Final = 10
_BACKLOG: Final = 1024  # a connection beyond it is tried again by its client's system, a second later


def create_api(services: Services) -> QuartTrio:
    """The REST application."""
    api = QuartTrio(__name__)
    api.asgi_http_class = HttpConnection
    api.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    api.config["BODY_TIMEOUT"] = _BODY_TIMEOUT_S
    api.config["RESPONSE_TIMEOUT"] = services.settings.call_timeout + 10
    api.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    api.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its base class does not
    api.url_map.strict_slashes = False
    guard = Guard(services.settings.api_token, services.settings.api_host, "--api-token", open_paths=_OPEN_PATHS)

    @api.before_request
    async def check() -> None:
        # A body that nobody reads would cost the connection, also where there is no such route: so it is read here.
        await request.get_data()
        guard.check()
        if request.path.startswith(VERSION_1) and request.endpoint is not None:
            documentation = documentation_of(api.view_functions[request.endpoint])
            named = documentation.query if documentation else ()
            queries.check_names([parameter.name for parameter in named if parameter.place == "query"])

    @api.errorhandler(problems.Problem)
    async def problem(error: problems.Problem) -> ResponseReturnValue:
        return error.response()

    @api.errorhandler(OcppError)
    async def call_failed(error: OcppError) -> ResponseReturnValue:
        return Problem.of_call(error).response()

    @api.errorhandler(StoreUnavailable)
    async def store_unavailable(error: StoreUnavailable) -> ResponseReturnValue:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"The database does not answer: {error}").response()

    @api.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> ResponseReturnValue:
        return Problem.of_http(error).response()

    api.register_blueprint(seed_routes(services))
    api.register_blueprint(station_routes(services))
    api.register_blueprint(call_routes(services))
    api.register_blueprint(variable_routes(services))
    api.register_blueprint(reservation_routes(services))
    api.register_blueprint(command_routes(services))
    api.register_blueprint(token_routes(services))
    api.register_blueprint(tariff_routes(services))
    api.register_blueprint(transaction_routes(services))
    api.register_blueprint(event_routes(services))
    api.register_blueprint(message_routes(services))
    api.register_blueprint(health_routes(services))
    api.register_blueprint(description_routes(services))
    return api


async def serve_api(
    api: QuartTrio,
    host: str,
    port: int,
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop`; requests under way have GRACE_S to end. task_status: started with the base URL.

    Raises an ExceptionGroup with an OSError in it when the address cannot be listened on.
    """
    listeners = await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
    address, bound_port = listeners[0].socket.getsockname()[:2]
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_http, api, listeners, stop)
        task_status.started(f"http://[{address}]:{bound_port}" if ":" in address else f"http://{address}:{bound_port}")
