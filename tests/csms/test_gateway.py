"""Stations connect: the handshake table of the README, and what happens at the edges of it (Part 4 §3, A00)."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import pytest
import trio

from csms import gateway
from shared.handshake import HandshakeRefused, basic_authorization
from shared.websocket import WebSocketClosed
from tests.csms.fake_station import PATIENCE_S, FakeStation
from tests.csms.site import PASSWORD, OpenSite, Site, settle

UPGRADE: Final = {
    "Host": "csms.example",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "ocpp2.0.1",
    "Authorization": basic_authorization("CP_1", PASSWORD),
}


@dataclass(frozen=True, slots=True)
class Response:
    """What came back on a connection up to its end. headers: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: str


def opening(path: str = "/ocpp/CP_1", changes: Mapping[str, str | None] | None = None) -> bytes:
    """The request that opens a WebSocket. changes: other values of headers; None leaves one out."""
    headers = {**UPGRADE, **(changes or {})}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


async def read_to_end(stream: trio.abc.Stream) -> bytes:
    received = b""
    with trio.fail_after(PATIENCE_S):
        while data := await stream.receive_some(4096):
            received += data
    return received


async def exchange(site: Site, request: bytes) -> Response:
    """Send something to the stations' port; the HTTP response."""
    stream = site.dial()
    await stream.send_all(request)
    head, _, body = (await read_to_end(stream)).partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Response(int(status_line.split()[1]), headers, body.decode(errors="replace"))


async def refusal(site: Site, **arguments: Any) -> HandshakeRefused:
    """How a station is turned away."""
    with pytest.raises(HandshakeRefused) as caught:
        await site.connect(**arguments)
    return caught.value


async def listed(site: Site) -> list[str]:
    """The stations that are connected."""
    await settle()
    return list((await site.get("/list")).json["cp_ids"])


async def known(site: Site) -> list[str]:
    """The stations in the registry."""
    return [station["station_id"] for station in (await site.get("/api/v1/stations")).json["stations"]]


@pytest.fixture(autouse=True)
def _no_tracebacks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a peer does, it makes nothing crash."""
    yield
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


class TestTheIdentity:
    @pytest.mark.parametrize(
        "path", ["/CP_1", "/ocpp/CP_1", "/a/b/c/CP_1", "//CP_1", "/ocpp//CP_1", "/ocpp/CP%5F1", "/oc%20pp/CP_1?x=/y"]
    )
    async def test_is_the_last_segment_of_any_path(self, site: Site, path: str) -> None:
        await site.connect("CP_1", path=path)
        assert await listed(site) == ["CP_1"]

    @pytest.mark.parametrize("identity", ["*-_=+|@.", "CP+1", "x" * 48])
    async def test_is_percent_decoded(self, site: Site, identity: str) -> None:
        await site.connect(identity, path=f"/ocpp/{quote(identity, safe='')}")
        await site.connect("other")
        assert await listed(site) == [identity, "other"]

    @pytest.mark.parametrize(
        "segment",
        ["", "x" * 49, "CP:1", "CP%3A1", "CP%201", "CP%2F1", "CP%00", "CP%FF", "%C3%BC", "CP%", "CP,1", "CP%0A", "[CP"],
    )
    async def test_that_is_malformed_is_not_found(self, site: Site, segment: str) -> None:
        response = await exchange(site, opening(f"/ocpp/{segment}"))
        assert response.status == 404
        assert "identity" in response.body
        assert await known(site) == []

    async def test_is_found_in_a_path_that_is_no_url(self, site: Site) -> None:
        await site.dial().send_all(opening("//[x/CP_1"))
        assert await listed(site) == ["CP_1"]

    async def test_of_the_login_must_be_that_of_the_url(self, site: Site) -> None:
        """A00.FR.204."""
        headers = {"Authorization": basic_authorization("CP_2", PASSWORD)}
        assert (await refusal(site, path="/ocpp/CP_1", headers=headers)).status == 401
        assert await known(site) == []


class TestCredentials:
    @pytest.mark.parametrize(
        "authorization",
        [
            None,
            "",
            "Basic",
            "Basic ",
            "Basic %%%",
            "Basic " + base64.b64encode(b"CP_1").decode(),
            "Basic " + base64.b64encode(b"CP_1:").decode(),
            "Basic " + base64.b64encode(b"CP_1:\xff\xff").decode(),
            "Basic " + base64.b64encode(f":{PASSWORD}".encode()).decode(),
            "Bearer " + base64.b64encode(f"CP_1:{PASSWORD}".encode()).decode(),
            f"Digest username=CP_1, response={PASSWORD}",
            "Basic é",
        ],
    )
    async def test_that_are_missing_or_malformed_are_demanded(self, site: Site, authorization: str | None) -> None:
        """A00.FR.202, A00.FR.203."""
        response = await exchange(site, opening(changes={"Authorization": authorization}))
        assert response.status == 401
        assert response.headers["www-authenticate"].startswith("Basic ")
        assert await known(site) == []

    async def test_given_twice_are_malformed(self, site: Site) -> None:
        twice = opening().replace(b"\r\n\r\n", b"\r\nAuthorization: Basic x\r\n\r\n")
        assert (await exchange(site, twice)).status == 401

    async def test_with_another_spelling_of_the_scheme_are_welcome(self, site: Site) -> None:
        authorization = basic_authorization("CP_1", PASSWORD).replace("Basic", "bASIC")
        await site.connect(headers={"Authorization": authorization})
        assert await listed(site) == ["CP_1"]

    @pytest.mark.parametrize("password", ["with:colon:in it", "ü€𝄞", "x" * 40])
    async def test_may_hold_any_text(self, site: Site, password: str) -> None:
        """A00.FR.205."""
        await site.connect(password=password)
        assert (await refusal(site, password=password + "x")).status == 401

    async def test_are_not_in_the_log(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        await site.connect()
        await refusal(site, password="some-other-secret")
        encoded = basic_authorization("CP_1", PASSWORD).partition(" ")[2]
        for secret in (PASSWORD, "some-other-secret", encoded):
            assert secret not in caplog.text


class TestOpenRegistration:
    async def test_keeps_the_password_of_a_first_connection_and_asks_for_it_from_then_on(self, site: Site) -> None:
        """A00.FR.207."""
        first = await site.connect(password="first-password")
        await first.hang_up()
        refused = await refusal(site, password="second-password")
        assert refused.status == 401
        assert "Wrong password" in str(refused)
        await site.connect(password="first-password")
        assert await listed(site) == ["CP_1"]

    async def test_lets_one_of_two_first_connections_win(self, site: Site) -> None:
        results: dict[str, FakeStation | int | None] = {}

        async def try_it(password: str) -> None:
            try:
                results[password] = await site.connect(password=password)
            except HandshakeRefused as refused:
                results[password] = refused.status

        async with trio.open_nursery() as nursery:
            nursery.start_soon(try_it, "one-password")
            nursery.start_soon(try_it, "other-password")
        [winner] = [password for password, result in results.items() if isinstance(result, FakeStation)]
        assert 401 in results.values()
        await site.connect(password=winner)

    async def test_lets_two_first_connections_with_one_password_in(self, site: Site) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.connect)
            nursery.start_soon(site.connect)
        assert await listed(site) == ["CP_1"]

    async def test_lets_in_so_many_only(self, open_site: OpenSite) -> None:
        """Each identity takes its place in the database, and anybody may make some up."""
        site = open_site(max_stations=2)
        for identity in ("CP_1", "CP_2"):
            await site.connect(identity)
        assert (await refusal(site, identity="CP_3")).status == 503
        await site.connect("CP_2")
        await site.put("/api/v1/stations/CP_4", {"password": PASSWORD})  # the operator knows what to do
        await site.connect("CP_4")

    async def test_asks_for_the_password_that_the_operator_has_set(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {"password": "set-by-operator"})
        assert (await refusal(site, password="first-shown")).status == 401
        await site.connect(password="set-by-operator")

    async def test_keeps_the_first_password_of_a_station_that_was_made_without_one(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        await site.connect(password="first-shown-one")
        assert (await refusal(site, password="another-one")).status == 401

    async def test_is_told_at_the_first_connection(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        await site.connect()
        assert "CP_1: first connection, its password is kept" in caplog.messages


class TestClosedRegistration:
    async def test_admits_only_stations_that_the_operator_has_made(self, open_site: OpenSite) -> None:
        site = open_site(registration="closed")
        assert (await refusal(site)).status == 404
        await site.put("/api/v1/stations/CP_1", {"password": PASSWORD})
        await site.connect()
        assert await listed(site) == ["CP_1"]

    async def test_asks_no_stranger_for_a_password(self, open_site: OpenSite) -> None:
        site = open_site(registration="closed")
        assert (await exchange(site, opening(changes={"Authorization": None}))).status == 404
        assert await known(site) == []

    async def test_refuses_a_wrong_password(self, open_site: OpenSite) -> None:
        site = open_site(registration="closed")
        await site.put("/api/v1/stations/CP_1", {"password": PASSWORD})
        assert (await refusal(site, password="guess")).status == 401

    async def test_keeps_no_password_that_is_shown(self, open_site: OpenSite) -> None:
        site = open_site(registration="closed")
        await site.put("/api/v1/stations/CP_1", {})
        assert (await refusal(site)).status == 401
        assert (await refusal(site)).status == 401


class TestAHandshakeThatTakesLong:
    @pytest.fixture
    def go_on(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> trio.Event:
        """Passwords are verified when this is set."""
        go_on = trio.Event()
        verify = site.csms.passwords.verify

        async def verify_later(password_hash: str, password: str) -> bool:
            await go_on.wait()
            return await verify(password_hash, password)

        monkeypatch.setattr(site.csms.passwords, "verify", verify_later)
        return go_on

    async def test_does_not_let_a_station_in_that_was_deleted_meanwhile(self, site: Site, go_on: trio.Event) -> None:
        await site.put("/api/v1/stations/CP_1", {"password": PASSWORD})
        stream = site.dial()
        await stream.send_all(opening())
        await settle()
        await site.delete("/api/v1/stations/CP_1")
        go_on.set()
        assert await listed(site) == []
        assert await known(site) == []


class TestSecurityProfiles:
    @pytest.mark.parametrize("profile", [2, 3])
    async def test_a00_fr_002_lower_than_the_registered_one_is_refused(self, site: Site, profile: int) -> None:
        await site.put("/api/v1/stations/CP_1", {"password": PASSWORD, "security_profile": profile})
        refused = await refusal(site)
        assert refused.status == 401
        assert f"security profile {profile}" in str(refused)

    async def test_as_registered_is_welcome(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {"password": PASSWORD, "security_profile": 1})
        await site.connect()


class TestSubprotocols:
    async def test_the_one_in_common_is_spoken(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        station = await site.connect(subprotocols=["ocpp1.6", "ocpp2.0.1", "ocpp9"])
        assert station.subprotocol == "ocpp2.0.1"
        assert "Protocols Matched: ocpp2.0.1" in caplog.messages

    @pytest.mark.parametrize("offered", [["ocpp1.6"], ["ocpp2.0", "OCPP2.0.1"]])
    async def test_without_one_in_common_the_handshake_is_completed_and_the_connection_closed(
        self, site: Site, offered: list[str]
    ) -> None:
        """Part 4 §3.2."""
        station = await site.connect(subprotocols=offered)
        assert station.subprotocol is None
        assert (await station.goodbye()).code == 1002
        assert await listed(site) == []

    @pytest.mark.parametrize("offered", [None, "ocpp1.6"])
    async def test_without_one_in_common_the_answer_names_none(self, site: Site, offered: str | None) -> None:
        response = await exchange(site, opening(changes={"Sec-WebSocket-Protocol": offered}))
        assert response.status == 101
        assert "sec-websocket-protocol" not in response.headers

    async def test_compression_is_accepted_when_offered(self, site: Site) -> None:
        """Part 4 §3.3."""
        stream = site.dial()
        await stream.send_all(
            opening(changes={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
        )
        head = bytes(await stream.receive_some())
        assert b"Sec-WebSocket-Extensions: permessage-deflate" in head

    async def test_compression_is_not_forced_on_anybody(self, site: Site) -> None:
        stream = site.dial()
        await stream.send_all(opening())
        assert b"sec-websocket-extensions" not in bytes(await stream.receive_some()).lower()


class TestWhatIsNoStation:
    async def test_a_browser_is_told_what_is_spoken_here(self, site: Site) -> None:
        response = await exchange(site, b"GET / HTTP/1.1\r\nHost: csms.example\r\n\r\n")
        assert response.status == 426
        assert response.headers["upgrade"] == "websocket"
        assert response.body

    @pytest.mark.parametrize("request_line", ["POST /ocpp/CP_1 HTTP/1.1", "GET /ocpp/CP_1 HTTP/1.0", "HEAD / HTTP/1.1"])
    async def test_another_request_is_a_bad_one(self, site: Site, request_line: str) -> None:
        response = await exchange(site, request_line.encode() + b"\r\nHost: csms.example\r\nContent-Length: 0\r\n\r\n")
        assert response.status in (400, 405, 426, 505)

    @pytest.mark.parametrize("missing", ["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"])
    async def test_half_a_websocket_is_a_bad_request(self, site: Site, missing: str) -> None:
        response = await exchange(site, opening(changes={missing: None}))
        assert response.status in (400, 426)

    @pytest.mark.parametrize(
        "garbage",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
            b"\r\n" * 100,
            b"\x00" * 20_000,
            b"A" * 20_000,
        ],
    )
    async def test_garbage_is_turned_away(self, site: Site, garbage: bytes) -> None:
        stream = site.dial()
        await stream.send_all(garbage)
        await stream.send_eof()  # type: ignore[attr-defined]  # a memory stream can
        assert (await read_to_end(stream)).startswith((b"HTTP/1.1 400 ", b""))
        await site.connect()

    async def test_who_hangs_up_at_once_leaves_nothing(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        await trio.aclose_forcefully(site.dial())
        await settle()
        assert await known(site) == []

    async def test_who_hangs_up_before_the_answer_leaves_nothing_connected(self, site: Site) -> None:
        stream = site.dial()
        await stream.send_all(opening())
        await trio.aclose_forcefully(stream)
        assert await listed(site) == []

    async def test_who_says_nothing_is_cut_off(self, site: Site) -> None:
        stream = site.dial()
        started = trio.current_time()
        assert await read_to_end(stream) == b""
        assert trio.current_time() - started <= 10

    async def test_who_dribbles_is_cut_off(self, site: Site) -> None:
        async def dribble() -> None:
            for byte in opening():
                await stream.send_all(bytes([byte]))
                await trio.sleep(1)

        stream = site.dial()
        with pytest.raises(trio.BrokenResourceError):
            await dribble()
        assert trio.current_time() <= 11


class TestTooMany:
    async def test_handshakes_at_once_are_turned_away_and_later_ones_are_not(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gateway, "HANDSHAKES_AT_ONCE", 2)
        for _ in range(2):
            site.dial()
        await settle()
        with pytest.raises(WebSocketClosed):
            await site.connect()
        await trio.sleep(11)
        await site.connect()
        assert await listed(site) == ["CP_1"]

    async def test_handshakes_are_not_sessions(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gateway, "HANDSHAKES_AT_ONCE", 2)
        for number in range(5):
            await site.connect(f"CP_{number}")
        assert len(await listed(site)) == 5


class TestTheLog:
    async def test_tells_how_a_station_ended(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        station = await site.connect()
        await station.hang_up(1001, "good night, Jürgen")
        await settle()
        assert "CP_1: disconnected (1001 good night, Jürgen)" in caplog.messages

    async def test_has_one_line_for_it_whatever_the_station_says(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        station = await site.connect()
        await station.hang_up(1000, "bye\nINFO:root:CP_2: state transition : Off -> \x1b[2J")
        await settle()
        [told] = [message for message in caplog.messages if message.startswith("CP_1: disconnected")]
        assert told.isprintable()
