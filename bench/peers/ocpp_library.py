"""A minimal CSMS on the `ocpp` library, websockets' asyncio server and uvloop: what the library makes easy, no more.

    python -m bench.peers.ocpp_library --port 9000 --password SECRET [--validate thread|inline]

The library validates every payload in a worker thread unless told otherwise (`ocpp.messages.ASYNC_VALIDATION`);
`inline` turns that off, which on one core is the better choice.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar, cast

import uvloop
from ocpp import messages, routing, v201  # type: ignore[import-untyped]  # the library ships no types
from ocpp.v201.enums import Action, RegistrationStatusEnumType  # type: ignore[import-untyped]  # the same
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHeader
from websockets.headers import parse_authorization_basic
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Handler = TypeVar("Handler", bound=Callable[..., object])


def on(action: str) -> Callable[[Handler], Handler]:
    """The library's decorator for a method that answers `action`, with the type it lacks."""
    return cast("Callable[[Handler], Handler]", routing.on(action))


class Station(v201.ChargePoint):  # type: ignore[misc]  # an untyped base
    """One connected station: everything is accepted, nothing is kept."""

    @on(Action.boot_notification)
    def on_boot_notification(self, **_payload: Any) -> object:
        """B01."""
        status = RegistrationStatusEnumType.accepted
        return v201.call_result.BootNotification(current_time=_now(), interval=3600, status=status)

    @on(Action.heartbeat)
    def on_heartbeat(self, **_payload: Any) -> object:
        """G02."""
        return v201.call_result.Heartbeat(current_time=_now())

    @on(Action.status_notification)
    def on_status_notification(self, **_payload: Any) -> object:
        """G01."""
        return v201.call_result.StatusNotification()

    @on(Action.transaction_event)
    def on_transaction_event(self, **_payload: Any) -> object:
        """E02, J02."""
        return v201.call_result.TransactionEvent()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _identity(request: Request) -> str:
    return request.path.rpartition("/")[2]


def authenticate(password: str, connection: ServerConnection, request: Request) -> Response | None:
    """Refuse the handshake (401) unless its Basic credentials are the path's identity and `password`."""
    try:
        credentials = parse_authorization_basic(request.headers["Authorization"])
    except (KeyError, InvalidHeader):
        credentials = None
    if credentials == (_identity(request), password):
        return None
    return connection.respond(HTTPStatus.UNAUTHORIZED, "wrong credentials\n")


async def attend(connection: ServerConnection) -> None:
    """Answer one station until it goes."""
    assert connection.request is not None
    try:
        await Station(_identity(connection.request), connection).start()
    except ConnectionClosed:
        return


async def run(port: int, password: str) -> None:
    """Serve until the process is ended."""
    async with serve(
        attend,
        "127.0.0.1",
        port,
        process_request=partial(authenticate, password),
        subprotocols=[Subprotocol("ocpp2.0.1")],
        backlog=4096,
    ):
        await asyncio.Event().wait()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--validate", choices=["thread", "inline"], default="thread")
    options = parser.parse_args()
    if options.validate == "inline":
        messages.ASYNC_VALIDATION = False
    uvloop.run(run(options.port, options.password))


if __name__ == "__main__":
    main()
