"""The REST application and the server it runs on."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

import hypercorn.trio
import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from quart.typing import ResponseReturnValue
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from csms.api.calls import call_routes
from csms.api.commands import command_routes
from csms.api.description import description_routes
from csms.api.events import event_routes
from csms.api.health import health_routes
from csms.api.messages import message_routes
from csms.api.problems import Problem
from csms.api.reservations import reservation_routes
from csms.api.seed import seed_routes
from csms.api.services import Services
from csms.api.stations import station_routes
from csms.api.tokens import token_routes
from csms.api.transactions import transaction_routes
from csms.api.variables import variable_routes
from csms.store import StoreUnavailable
from shared.ocppj.errors import OcppError
from shared.rest import problems
from shared.rest.guard import Guard

_OPEN_PATHS: Final = frozenset({"/healthz"})
_MAX_BODY_BYTES: Final = 2**20
_BODY_TIMEOUT_S: Final = 10
_GRACE_S: Final = 3.0
_BACKLOG: Final = 1024  # a connection beyond it is tried again by its client's system, a second later


def create_api(services: Services) -> QuartTrio:
    """The REST application."""
    api = QuartTrio(__name__)
    api.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    api.config["BODY_TIMEOUT"] = _BODY_TIMEOUT_S
    api.config["RESPONSE_TIMEOUT"] = services.settings.call_timeout + 10
    api.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    api.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its base class does not
    api.url_map.strict_slashes = False
    guard = Guard(services.settings.api_token, services.settings.api_host, "--api-token", open_paths=_OPEN_PATHS)

    @api.before_request
    async def check() -> None:
        guard.check()

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
    """Serve until `stop`; requests under way have _GRACE_S to end. task_status: started with the base URL.

    Raises an ExceptionGroup with an OSError in it when the address cannot be listened on.
    """
    config = Config()
    config.bind = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    config.backlog = _BACKLOG
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.loglevel = "WARNING"
    config.graceful_timeout = _GRACE_S
    config.shutdown_timeout = _GRACE_S
    config.include_server_header = False
    async with trio.open_nursery() as nursery:
        urls: list[str] = await nursery.start(_serve, api, config, stop)
        task_status.started(urls[0])


async def _serve(api: QuartTrio, config: Config, stop: trio.Event, *, task_status: trio.TaskStatus[list[str]]) -> None:
    app = _with_undisturbed_ends(api)
    await hypercorn.trio.serve(app, config, shutdown_trigger=stop.wait, task_status=task_status, mode="asgi")


def _with_undisturbed_ends(api: QuartTrio) -> ASGIFramework:
    """The application, with the end of each response shielded while the server takes it.

    At that point the server tells the application that the client is served, Quart cancels what it does, and with it
    the server's preparations for the connection's next request: it would never be closed when idle, and hold up the
    shutdown.
    """

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def send_undisturbed(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                with trio.move_on_after(_GRACE_S, shield=True):
                    await send(message)
            else:
                await send(message)

        await api(scope, receive, send_undisturbed)

    return app
