"""The opening handshake: who is let in, who is refused and how, and what a client makes of it (Part 4 §3)."""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from urllib.parse import unquote

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock
from websockets.http11 import Request

from shared.handshake import (
    HandshakeRefused,
    Refusal,
    accept,
    basic_authorization,
    basic_credentials,
    connect,
    connection_url,
)
from shared.websocket import Patience, WebSocket, WebSocketClosed
from tests.shared.wire import SUBPROTOCOL, URL, both, choose_subprotocol, open_pair, welcome

REQUEST = (
    b"GET /ocpp/CP_1 HTTP/1.1\r\nHost: csms.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n"
)
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
Decide = Callable[[Request], Awaitable[None]]


def refusing(status: HTTPStatus, text: str = "No.", headers: dict[str, str] | None = None) -> Decide:
    async def decide(_request: Request) -> None:
        raise Refusal(status, text, headers)

    return decide


async def outcome_of_accept(stream: trio.abc.Stream, decide: Decide = welcome) -> WebSocket | Exception:
    """What accept() returns or raises; where it raises, the stream is closed, as a server does then."""
    try:
        return await accept(stream, decide, choose_subprotocol, Patience())
    except (Refusal, WebSocketClosed) as refused:
        await stream.aclose()
        return refused


async def exchange(request: bytes, decide: Decide = welcome) -> tuple[WebSocket | Exception, bytes]:
    """What our server makes of these bytes, and what it answers up to the end, or to the end of its headers."""
    near, far = trio.testing.memory_stream_pair()

    async def talk() -> bytes:
        await far.send_all(request)
        answer = b""
        while data := await far.receive_some():
            answer += data
            if answer.startswith(b"HTTP/1.1 101"):
                break
        return answer

    outcome, answer = await both(lambda: outcome_of_accept(near, decide), talk)
    return outcome, answer


async def refused(request: bytes, decide: Decide = welcome) -> tuple[HTTPStatus, bytes]:
    """The status by which our server says that it refused, and its answer."""
    outcome, answer = await exchange(request, decide)
    assert isinstance(outcome, Refusal)
    assert answer.startswith(f"HTTP/1.1 {outcome.status.value} ".encode())
    return outcome.status, answer


class TestBasicCredentials:
    @pytest.mark.parametrize(
        ("header", "credentials"),
        [
            ("Basic " + base64.b64encode(b"CP_1:secret").decode(), ("CP_1", "secret")),
            ("basic   " + base64.b64encode(b"CP_1:secret").decode() + " ", ("CP_1", "secret")),
            ("BASIC " + base64.b64encode(b"CP_1:a:b:").decode(), ("CP_1", "a:b:")),
            ("Basic " + base64.b64encode(b"CP_1:").decode(), ("CP_1", "")),
            ("Basic " + base64.b64encode(b":").decode(), ("", "")),
            ("Basic " + base64.b64encode("CP_1:pässwörd€".encode()).decode(), ("CP_1", "pässwörd€")),
        ],
        ids=["plain", "any case, any space", "colons in the password", "no password", "nothing at all", "UTF-8"],
    )
    def test_are_read(self, header: str, credentials: tuple[str, str]) -> None:
        assert basic_credentials(header) == credentials

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Basic",
            "Basic ",
            "Bearer " + base64.b64encode(b"CP_1:secret").decode(),
            base64.b64encode(b"CP_1:secret").decode(),
            "Basic CP_1:secret",
            "Basic " + base64.b64encode(b"CP_1:secret").decode().rstrip("="),
            "Basic " + base64.b64encode(b"CP_1").decode(),
            "Basic " + base64.b64encode(b"CP_1:\xff").decode(),
            "Basic Q1BfMTpz\xe9",
            "Basic Q1Bf MTpz",
        ],
        ids=[
            "missing", "no credentials", "empty", "another scheme", "no scheme", "not base64", "no padding", "no colon",
            "not UTF-8", "not ASCII", "space inside",
        ],
    )  # fmt: skip
    def test_that_are_malformed_are_a_value_error(self, header: str) -> None:
        with pytest.raises(ValueError, match="Basic"):
            basic_credentials(header)

    @given(user=st.text().filter(lambda user: ":" not in user), password=st.text())
    def test_are_read_as_they_were_written(self, user: str, password: str) -> None:
        assert basic_credentials(basic_authorization(user, password)) == (user, password)


class TestConnectionUrl:
    @pytest.mark.parametrize(
        ("csms_url", "identity", "url"),
        [
            ("ws://csms.example:9000", "CP_1", "ws://csms.example:9000/CP_1"),
            ("ws://csms.example/ocpp/", "CP_1", "ws://csms.example/ocpp/CP_1"),
            ("wss://csms.example/ocpp", "RDAM|123", "wss://csms.example/ocpp/RDAM%7C123"),
            ("wss://[::1]:9000/a/b", "a/b c%ä", "wss://[::1]:9000/a/b/a%2Fb%20c%25%C3%A4"),
        ],
    )
    def test_has_the_identity_percent_encoded_behind_it(self, csms_url: str, identity: str, url: str) -> None:
        assert connection_url(csms_url, identity) == url

    @pytest.mark.parametrize("csms_url", ["http://csms.example", "csms.example:9000", "ws://", "ws://host:port", ""])
    def test_of_something_else_is_a_value_error(self, csms_url: str) -> None:
        with pytest.raises(ValueError, match="ws://"):
            connection_url(csms_url, "CP_1")

    async def test_arrives_at_the_server(self, autojump_clock: MockClock) -> None:
        identity = "*-_=+|@. ä/€"
        near, far = trio.testing.memory_stream_pair()
        paths: list[str] = []

        async def decide(request: Request) -> None:
            paths.append(request.path)

        await both(
            lambda: accept(near, decide, choose_subprotocol, Patience()),
            lambda: connect(far, connection_url("ws://csms.example/ocpp", identity), {}, [SUBPROTOCOL], Patience()),
        )
        assert unquote(paths[0].rpartition("/")[2]) == identity


class TestServer:
    async def test_lets_a_client_in(self, autojump_clock: MockClock) -> None:
        outcome, answer = await exchange(REQUEST)
        assert isinstance(outcome, WebSocket)
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer, "the accept key of RFC 6455 §1.3"
        assert outcome.subprotocol == SUBPROTOCOL

    async def test_takes_a_request_that_comes_in_any_pieces(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()

        async def trickle() -> None:
            for byte in REQUEST:
                await far.send_all(bytes([byte]))

        outcome, _ = await both(lambda: outcome_of_accept(near), trickle)
        assert isinstance(outcome, WebSocket)

    async def test_hands_the_request_to_whoever_decides(self, autojump_clock: MockClock) -> None:
        seen: list[Request] = []

        async def decide(request: Request) -> None:
            seen.append(request)

        await exchange(REQUEST.replace(b"Host", b"Authorization: Basic Q1BfMTpz\r\nHost"), decide)
        assert seen[0].path == "/ocpp/CP_1"
        assert basic_credentials(seen[0].headers["authorization"]) == ("CP_1", "s")

    @pytest.mark.parametrize("offer", [b"", b"Sec-WebSocket-Protocol: ocpp1.5, soap\r\n"], ids=["none", "others"])
    async def test_completes_without_a_subprotocol_when_there_is_none_in_common(
        self, offer: bytes, autojump_clock: MockClock
    ) -> None:
        outcome, answer = await exchange(REQUEST.replace(b"Sec-WebSocket-Protocol: ocpp2.0.1\r\n", offer))
        assert isinstance(outcome, WebSocket)
        assert outcome.subprotocol is None
        assert b"sec-websocket-protocol" not in answer.lower()

    @pytest.mark.parametrize(
        "offer",
        [
            b"Sec-WebSocket-Protocol: ocpp2.1, ocpp2.0.1 ,ocpp1.6\r\n",
            b"Sec-WebSocket-Protocol: ocpp2.1\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\n",
        ],
        ids=["list", "several headers"],
    )
    async def test_chooses_among_several_subprotocols(self, offer: bytes, autojump_clock: MockClock) -> None:
        outcome, answer = await exchange(REQUEST.replace(b"Sec-WebSocket-Protocol: ocpp2.0.1\r\n", offer))
        assert isinstance(outcome, WebSocket)
        assert outcome.subprotocol == SUBPROTOCOL
        assert b"Sec-WebSocket-Protocol: ocpp2.0.1\r\n" in answer

    async def test_refuses_with_status_headers_and_a_line_for_the_reader(self, autojump_clock: MockClock) -> None:
        challenge = {"WWW-Authenticate": 'Basic realm="OCPP"'}
        decide = refusing(HTTPStatus.UNAUTHORIZED, "Wrong password", challenge)
        status, answer = await refused(REQUEST, decide)
        assert status == HTTPStatus.UNAUTHORIZED
        assert answer.count(b'WWW-Authenticate: Basic realm="OCPP"\r\n') == 1
        assert answer.endswith(b"\r\n\r\nWrong password\n")

    async def test_asks_nobody_about_a_request_that_is_no_websocket_handshake(self, autojump_clock: MockClock) -> None:
        async def decide(_request: Request) -> None:
            raise AssertionError

        status, answer = await refused(b"GET / HTTP/1.1\r\nHost: csms.example\r\n\r\n", decide)
        assert status == HTTPStatus.UPGRADE_REQUIRED
        assert b"\r\nUpgrade: websocket\r\n" in answer

    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (REQUEST.replace(b"GET", b"POST"), HTTPStatus.METHOD_NOT_ALLOWED),
            (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), HTTPStatus.HTTP_VERSION_NOT_SUPPORTED),
            (REQUEST.replace(b"Version: 13", b"Version: 8"), HTTPStatus.BAD_REQUEST),
            (REQUEST.replace(b"dGhl", b"!"), HTTPStatus.BAD_REQUEST),
            (REQUEST.replace(b"ocpp2.0.1", b"(,)"), HTTPStatus.BAD_REQUEST),
        ],
        ids=["method", "HTTP version", "WebSocket version", "key", "subprotocol"],
    )
    async def test_refuses_a_handshake_that_is_wrong(
        self, request_: bytes, status: HTTPStatus, autojump_clock: MockClock
    ) -> None:
        assert (await refused(request_))[0] == status

    @pytest.mark.parametrize(
        "garbage",
        [
            b"\r\n\r\n",
            b"hello\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\n",
            b"GET /\xff HTTP/1.1\r\n",
            b"GET / HTTP/1.1\r\nno header\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ],
        ids=["empty lines", "a word", "TLS", "path not ASCII", "no headers", "HTTP/2"],
    )
    async def test_refuses_what_is_no_http_request(self, garbage: bytes, autojump_clock: MockClock) -> None:
        status, answer = await refused(garbage)
        assert status == HTTPStatus.BAD_REQUEST
        assert b"Connection: close\r\n" in answer

    @pytest.mark.parametrize(
        ("oversized", "status"),
        [
            (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", HTTPStatus.REQUEST_URI_TOO_LONG),
            (REQUEST[:-2] + b"X: " + b"y" * 10_000 + b"\r\n\r\n", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
            (REQUEST[:-2] + b"X: y\r\n" * 200 + b"\r\n", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
            (REQUEST[:-2] + (b"X: " + b"y" * 8000 + b"\r\n") * 100, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
        ],
        ids=["path", "header", "number of headers", "many long headers"],
    )
    async def test_refuses_a_request_that_is_oversized(
        self, oversized: bytes, status: HTTPStatus, autojump_clock: MockClock
    ) -> None:
        assert (await refused(oversized))[0] == status

    @pytest.mark.parametrize("behind", [b"\xff" * 20, b"GET / HTTP/1.1\r\n\r\n"], ids=["garbage", "second request"])
    async def test_refuses_a_client_that_sends_something_else_behind_its_request(
        self, behind: bytes, autojump_clock: MockClock
    ) -> None:
        assert (await refused(REQUEST + behind, refusing(HTTPStatus.NOT_FOUND)))[0] == HTTPStatus.NOT_FOUND
        status, _answer = await refused(b"GET / HTTP/1.1\r\nHost: csms.example\r\n\r\n" + behind)
        assert status == HTTPStatus.UPGRADE_REQUIRED

    async def test_ends_a_websocket_whose_client_sends_garbage_behind_its_request(
        self, autojump_clock: MockClock
    ) -> None:
        ws, _answer = await exchange(REQUEST + b"\xff" * 20)
        assert isinstance(ws, WebSocket)
        with trio.fail_after(5), pytest.raises(WebSocketClosed):
            await ws.receive()

    async def test_gives_up_on_a_request_that_does_not_come_to_an_end(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()

        async def trickle() -> None:
            """Slow-loris: a header a second, for ever."""
            await far.send_all(REQUEST[:-2])
            with suppress(trio.BrokenResourceError):
                while True:
                    await trio.sleep(1)
                    await far.send_all(b"X: y\r\n")

        start = trio.current_time()
        outcome, _ = await both(lambda: outcome_of_accept(near), trickle)
        assert isinstance(outcome, WebSocketClosed)
        assert trio.current_time() - start == pytest.approx(10, abs=1)

    async def test_gives_up_on_a_client_that_says_nothing(self, autojump_clock: MockClock) -> None:
        near, _far = trio.testing.memory_stream_pair()
        start = trio.current_time()
        with pytest.raises(WebSocketClosed):
            await accept(near, welcome, choose_subprotocol, Patience(), request_timeout_s=3)
        assert trio.current_time() - start == pytest.approx(3)

    async def test_does_not_count_the_time_it_takes_to_decide(self, autojump_clock: MockClock) -> None:
        async def decide(_request: Request) -> None:
            await trio.sleep(60)

        outcome, _answer = await exchange(REQUEST, decide)
        assert isinstance(outcome, WebSocket)

    async def test_gives_up_on_a_client_that_does_not_read_the_answer(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.lockstep_stream_pair()
        start = trio.current_time()
        outcome, _ = await both(lambda: outcome_of_accept(near), lambda: far.send_all(REQUEST))
        assert isinstance(outcome, WebSocketClosed)
        assert trio.current_time() - start == pytest.approx(20)

    @pytest.mark.parametrize("sent", [b"", REQUEST[:50]], ids=["nothing", "half a request"])
    async def test_is_told_when_the_client_goes(self, sent: bytes, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        await far.send_all(sent)
        await far.aclose()
        with pytest.raises(WebSocketClosed):
            await accept(near, welcome, choose_subprotocol, Patience())

    async def test_keeps_passwords_out_of_the_log(
        self, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
    ) -> None:
        caplog.set_level(logging.DEBUG)
        secret = base64.b64encode(b"CP_1:secret").decode()
        await exchange(REQUEST.replace(b"Host", f"Authorization: Basic {secret}\r\nHost".encode()))
        server, client = await open_pair()
        await client.send('{"password": "secret"}')
        await server.receive()
        assert "secret" not in caplog.text
        assert secret not in caplog.text


class TestClient:
    async def test_is_told_the_status_and_the_line_of_a_refusal(self, autojump_clock: MockClock) -> None:
        for status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            near, far = trio.testing.memory_stream_pair()

            async def attempt(far: trio.abc.Stream = far) -> HandshakeRefused:
                with pytest.raises(HandshakeRefused) as refused:
                    await connect(far, URL, {}, [SUBPROTOCOL], Patience())
                return refused.value

            decide = refusing(status, "Not you", {"WWW-Authenticate": "Basic"})
            _, error = await both(partial(outcome_of_accept, near, decide), attempt)
            assert error.status == status
            assert str(error) == "Not you"

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (b"SSH-2.0-OpenSSH_9.2\r\n", None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200),
            (b"HTTP/1.1 302 Found\r\nLocation: ws://elsewhere\r\nContent-Length: 0\r\n\r\n", 302),
            (b"HTTP/1.1 503 Service Unavailable\r\n\r\nno length, but an end", 503),
            (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n\xff\xfe", 404),
            (SWITCHING + b"\r\n", None),
            (SWITCHING + b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", None),
        ],
        ids=["not HTTP", "200", "redirection", "no length", "not UTF-8", "no accept key", "another's accept key"],
    )
    async def test_is_told_that_it_is_no_websocket(
        self, answer: bytes, status: int | None, autojump_clock: MockClock
    ) -> None:
        near, far = trio.testing.memory_stream_pair()
        await far.send_all(answer)
        await far.send_eof()
        with pytest.raises(HandshakeRefused) as refused:
            await connect(near, URL, {}, [SUBPROTOCOL], Patience())
        assert refused.value.status == status

    async def test_takes_no_subprotocol_it_did_not_ask_for(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()

        async def attempt() -> None:
            with pytest.raises(HandshakeRefused):
                await connect(far, URL, {}, [SUBPROTOCOL], Patience())

        await both(lambda: accept(near, welcome, lambda _offered: "ocpp1.6", Patience()), attempt)

    async def test_is_told_when_the_server_goes(self, autojump_clock: MockClock) -> None:
        for sent in (b"", b"HTTP/1.1 101 Swit"):
            near, far = trio.testing.memory_stream_pair()
            await far.send_all(sent)
            await far.send_eof()
            with pytest.raises(WebSocketClosed):
                await connect(near, URL, {}, [SUBPROTOCOL], Patience())

    async def test_waits_as_long_as_the_caller_likes(self, autojump_clock: MockClock) -> None:
        near, _far = trio.testing.memory_stream_pair()
        with trio.move_on_after(100) as patience:
            await connect(near, URL, {}, [SUBPROTOCOL], Patience())
        assert patience.cancelled_caught

    async def test_sends_credentials_and_subprotocols(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        requests: list[Request] = []

        async def decide(request: Request) -> None:
            requests.append(request)

        headers = {"Authorization": basic_authorization("CP_1", "pä:ss")}
        _, ws = await both(
            lambda: accept(near, decide, choose_subprotocol, Patience()),
            lambda: connect(far, URL, headers, ["ocpp2.1", SUBPROTOCOL], Patience()),
        )
        assert basic_credentials(requests[0].headers["Authorization"]) == ("CP_1", "pä:ss")
        assert requests[0].headers["Sec-WebSocket-Protocol"] == "ocpp2.1, ocpp2.0.1"
        assert requests[0].headers["Host"] == "csms.example"
        assert ws.subprotocol == SUBPROTOCOL
