"""The HTTP client of the load generator: what it takes for an answer, and what for an error."""

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from bench.rest import NotHttp, Request, Rest, take_response
from tests.bench.servers import DEADLINE_S

RESPONSE = b"HTTP/1.1 200 \r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello"


def test_a_response_is_taken_when_it_is_complete_and_what_follows_stays() -> None:
    for cut in range(len(RESPONSE)):
        assert take_response(bytearray(RESPONSE[:cut])) is None
    buffer = bytearray(RESPONSE + b"HTTP/1.1 503")
    assert take_response(buffer) == (200, b"hello")
    assert buffer == b"HTTP/1.1 503"


@pytest.mark.parametrize(
    "text", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"nonsense\r\ncontent-length: 0\r\n\r\n"]
)
def test_what_has_no_length_or_is_no_http_is_not_guessed_at(text: bytes) -> None:
    with pytest.raises(NotHttp):
        take_response(bytearray(text))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gate: ClassVar[threading.Event]
    seen: ClassVar[list[tuple[str, str | None]]]

    def do_POST(self) -> None:
        self.seen.append((self.path, self.headers["Host"]))
        if self.path == "/slow/1":
            self.gate.wait(DEADLINE_S)
        if self.path == "/gone/1":
            self.close_connection = True
            return
        body = b'{"status": "Rejected"}' if self.path == "/no/1" else b'{"status": "Accepted"}'
        self.send_response(503 if self.path == "/busy/1" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def asking() -> Iterator[tuple[Rest, Callable[[], None], type[Handler]]]:
    """Somebody who asks a server in threads, and what waits until every answer has come."""

    class Here(Handler):
        gate = threading.Event()
        seen: ClassVar[list[tuple[str, str | None]]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Here) as server, select.epoll() as epoll:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        rest = Rest(server.server_port, epoll)

        def settle() -> None:
            while rest.waiting:
                events = epoll.poll(DEADLINE_S)
                assert events
                for fd, _ in events:
                    assert rest.advance(fd)

        try:
            yield rest, settle, Here
        finally:
            Here.gate.set()
            rest.close()
            server.shutdown()
            serving.join(DEADLINE_S)


def reserve(path: str) -> Request:
    return Request("POST", path, b'"Accepted"')


def test_the_right_answers_are_timed_on_one_connection_that_is_kept() -> None:
    took: list[float] = []
    with asking() as (rest, settle, server):
        for _ in range(3):
            rest.ask(reserve("/reserve/CP_1"), took.append)
            settle()
        assert not rest.errors
        assert len(rest._connections) == 1  # noqa: SLF001 - that it is kept alive cannot be seen from outside
    assert len(took) == 3
    assert all(0 < one < DEADLINE_S for one in took)
    path, host = server.seen[0]
    assert path == "/reserve/CP_1"
    assert host is not None
    assert host.startswith("localhost:")


def test_a_request_does_not_wait_for_the_answer_to_another() -> None:
    done: list[str] = []
    with asking() as (rest, settle, server):

        def let_the_slow_one_go(_took: float) -> None:
            done.append("quick")
            server.gate.set()

        rest.ask(reserve("/slow/1"), lambda _: done.append("slow"))
        rest.ask(reserve("/reserve/1"), let_the_slow_one_go)
        settle()
    assert done == ["quick", "slow"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/no/1", 'POST /no/…: 200 {"status": "Rejected"}'),
        ("/busy/1", 'POST /busy/…: 503 {"status": "Accepted"}'),
        ("/gone/1", "POST /gone/…: connection closed by the server"),
    ],
)
def test_any_other_answer_is_an_error_with_a_name_and_no_time(path: str, error: str) -> None:
    took: list[float] = []
    with asking() as (rest, settle, _):
        rest.ask(reserve(path), took.append)
        settle()
        assert rest.errors == {error: 1}
    assert not took


def test_what_has_no_answer_at_the_end_is_an_error() -> None:
    with asking() as (rest, _, _server):
        rest.ask(reserve("/slow/1"), lambda _: None)
        rest.close()
        assert rest.errors == {"POST /slow/…: no answer": 1}
