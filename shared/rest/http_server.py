"""HTTP on Trio: hypercorn's connections, and around them what keeps one client from holding up the others.

hypercorn.trio.serve would do, but that it lets a client that does not read what it is sent prevent the end of the
program (it shields the sending), and that an error in one connection ends them all.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection

log = logging.getLogger(__name__)

GRACE_S: Final = 3.0  # for requests under way, when the program ends
_LAST_WORD_S: Final = 5.0


class HttpConnection(TrioASGIHTTPConnection):
    """A request that sees its answer through.

    With the last of an answer, hypercorn tells the application that the client is gone, whereupon Quart cancels the
    task that is just handing over the connection to the next request, or closing it: it would be left for dead.
    """

    async def __call__(self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        async def see_through(message: Any) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                with trio.move_on_after(_LAST_WORD_S, shield=True):
                    await send(message)
            else:
                await send(message)

        await super().__call__(receive, see_through)


async def serve_http(
    api: QuartTrio,
    listeners: list[trio.SocketListener],
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop`; requests under way have GRACE_S to end."""
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.loglevel = "WARNING"
    config.include_server_header = False
    context = WorkerContext(None)
    app = wrap_app(api, config.wsgi_max_body_size, "asgi")
    streams: set[trio.SocketStream] = set()

    async def handle(stream: trio.SocketStream) -> None:
        streams.add(stream)
        try:
            await TCPServer(app, config, context, ConnectionState({}), stream)  # type: ignore[arg-type]  # no TLS here
        except Exception:
            log.exception("an HTTP connection crashed")
        finally:
            streams.discard(stream)

    async def hang_up() -> None:
        await trio.sleep(GRACE_S)
        for stream in list(streams):
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as hanging_up:
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as listening:
                await listening.start(partial(trio.serve_listeners, handle, listeners, handler_nursery=connections))
                task_status.started()
                await stop.wait()
                listening.cancel_scope.cancel()
            await context.terminated.set()
            hanging_up.start_soon(hang_up)
            connections.cancel_scope.deadline = trio.current_time() + GRACE_S
        hanging_up.cancel_scope.cancel()
