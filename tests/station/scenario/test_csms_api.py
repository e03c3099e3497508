"""The CSMS's REST interface is asked over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from station.scenario import Api, CsmsApi
from station.scenario.stage import StepFailed

PATIENCE_S = 30.0


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answers so whatever it is asked: its URL, and what it was asked."""
    asked: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _body_length(data):
            data += await stream.receive_some()
        asked.append(data)
        await stream.send_all(answer)
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), serve, 0)
        with trio.fail_after(PATIENCE_S):
            yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", asked
        nursery.cancel_scope.cancel()


def _body_length(request: bytes) -> int:
    found = re.search(rb"Content-Length: (\d+)", request)
    return 0 if found is None else int(found[1])


async def test_method_path_token_and_body_are_sent_and_json_comes_back() -> None:
    async with server(b'HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n{"a":1}') as (url, asked):
        api = CsmsApi(Api(f"{url}/base/", "secret"))
        assert await api.ask("POST", "/x y/ä?b=1", {"c": "d"}) == (201, {"a": 1})
    assert asked[0].startswith(b"POST /base/x%20y/%C3%A4?b=1 HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in asked[0]
    assert b"Content-Type: application/json\r\n" in asked[0]
    assert asked[0].endswith(b'\r\n\r\n{"c":"d"}')


async def test_without_token_and_body_neither_is_sent_and_text_comes_back_as_it_is() -> None:
    async with server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone") as (url, asked):
        assert await CsmsApi(Api(url)).ask("GET", "/x", None) == (404, "gone")
    assert asked[0].startswith(b"GET /x HTTP/1.1\r\n")
    assert b"Authorization" not in asked[0]
    assert b"Content-Type" not in asked[0]


async def test_a_server_that_is_not_there_or_is_none_fails_the_step() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    await listeners[0].aclose()
    with pytest.raises(StepFailed, match=f"^{url} does not answer: Connection refused$"):
        await CsmsApi(Api(url)).ask("GET", "/x", None)
    async with server(b"SSH-2.0 hello\r\n") as (other, _):
        with pytest.raises(StepFailed, match=f"^{other} does not answer: "):
            await CsmsApi(Api(other)).ask("GET", "/x", None)
