"""A CSMS that is as the test wants it, for the load generator to talk to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

Answer = Callable[[ServerConnection, list[Any]], None]
DEADLINE_S = 10.0


def accept(connection: ServerConnection, call: list[Any]) -> None:
    """What a CSMS answers."""
    payload = {"status": "Accepted"} if call[2] == "BootNotification" else {}
    connection.send(json.dumps([3, call[1], payload], separators=(",", ":")))


def unlike(first: Answer) -> Answer:
    """A CSMS that does `first` on the first CALL after the boot, and all else as it should."""
    done = threading.Event()

    def answer(connection: ServerConnection, call: list[Any]) -> None:
        if call[2] == "BootNotification" or done.is_set():
            accept(connection, call)
        else:
            done.set()
            first(connection, call)

    return answer


@contextmanager
def csms(
    answer: Answer, check: Callable[[ServerConnection, Request], Response | None] = lambda _connection, _request: None
) -> Iterator[int]:
    """A CSMS in threads; its port."""

    def attend(connection: ServerConnection) -> None:
        try:
            for text in connection:
                answer(connection, json.loads(text))
        except ConnectionClosed:
            return

    subprotocols = [Subprotocol("ocpp2.0.1")]
    with serve(attend, "127.0.0.1", 0, subprotocols=subprotocols, process_request=check) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            serving.join(DEADLINE_S)
