"""The way to the CSMS: handshake, back-off, and what a person is told (Part 4 §3 and §5.3)."""

from __future__ import annotations

import itertools
import socket
from http import HTTPStatus
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.handshake import Refusal, basic_credentials
from shared.ocppj.schemas import Schemas
from shared.websocket import Patience, WebSocketClosed
from station.device_model import (
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_REPEAT_TIMES,
    RETRY_BACK_OFF_WAIT_MINIMUM,
    WEB_SOCKET_PING_INTERVAL,
    DeviceModel,
)
from station.link import CONNECT_TIMEOUT_S, PASSWORD_REFUSED_WAIT_S, Link, back_off_s
from station.network import OpenStream
from station.network_profile import NetworkProfiles
from station.state import MemoryState
from station.witness import Witness
from tests.station.fake_csms import PASSWORD, FakeCsms, station_on_fake_csms


@pytest.fixture
def variables() -> DeviceModel:
    """Back-off without chance: 10, 20, 40, 40, ... seconds."""
    variables = DeviceModel()
    variables[RETRY_BACK_OFF_WAIT_MINIMUM] = 10
    variables[RETRY_BACK_OFF_RANDOM_RANGE] = 0
    variables[RETRY_BACK_OFF_REPEAT_TIMES] = 2
    return variables


@pytest.fixture
def random() -> Random:
    return Random(1)  # noqa: S311  # repeatable on purpose


def waits(csms: FakeCsms) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(csms.dialled_at)]


def test_part_4_5_3_the_back_off_doubles_so_many_times_and_then_stays(variables: DeviceModel, random: Random) -> None:
    assert [back_off_s(variables, number, random) for number in range(5)] == [10, 20, 40, 40, 40]


def test_part_4_5_3_every_wait_has_a_random_part_of_its_own(variables: DeviceModel, random: Random) -> None:
    variables[RETRY_BACK_OFF_RANDOM_RANGE] = 5
    extras = [back_off_s(variables, 0, random) - 10 for _ in range(100)]
    assert all(0 <= extra <= 5 for extra in extras)
    assert len(set(extras)) == 100
    assert max(extras) > 4


async def test_part_4_3_1_the_station_says_who_it_is_and_what_it_speaks(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        request = csms.requests[0]
        assert request.path == "/ocpp/CP_1"
        assert basic_credentials(request.headers["Authorization"]) == ("CP_1", PASSWORD)
        assert request.headers["Sec-WebSocket-Protocol"] == "ocpp2.0.1"
        assert "permessage-deflate" in request.headers["Sec-WebSocket-Extensions"]


async def test_an_identity_is_percent_encoded(
    autojump_clock: MockClock, variables: DeviceModel, random: Random
) -> None:
    dialled: list[str] = []

    async def open_stream(url: str) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        dialled.append(url)
        raise OSError("nowhere")

    link = _link("CP|1", "ws://csms/", variables, open_stream, random)
    with trio.move_on_after(1):
        await link.run(_never)
    assert dialled == ["ws://csms/CP%7C1"]


def _link(identity: str, url: str, variables: DeviceModel, open_stream: OpenStream, random: Random) -> Link:
    profiles = NetworkProfiles(identity, url, variables, MemoryState())
    return Link(identity, variables, profiles, open_stream=open_stream, random=random, witness=Witness(identity))


async def test_part_4_5_3_a_csms_that_is_away_is_tried_with_growing_back_off(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel, caplog: pytest.LogCaptureFixture
) -> None:
    away = ConnectionRefusedError(111, "Connection refused")
    async with station_on_fake_csms(schemas, variables=variables, unreachable=away) as (_, csms):
        await trio.sleep(150)
        assert waits(csms) == [10, 20, 40, 40]
        assert (
            "CP_1: ws://csms/ocpp/CP_1 cannot be reached: Connection refused; connecting again in 10.0 s" in caplog.text
        )


async def test_part_4_5_3_a_connection_resets_the_back_off(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(75)
        assert waits(csms) == [10, 20, 40]
        csms.unreachable = None
        await trio.sleep(40)
        csms.dialled_at.clear()
        csms.unreachable = OSError("down")
        at = trio.current_time()
        await csms.hang_up()
        await trio.sleep(35)
        assert [dialled - at for dialled in csms.dialled_at] == [10, 30]


async def test_a_goodbye_of_the_csms_is_told(
    autojump_clock: MockClock, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.hang_up()
        assert "CP_1: connected to ws://csms/ocpp/CP_1 (ocpp2.0.1)" in caplog.text
        assert "CP_1: disconnected (1006 connection lost); connecting again in" in caplog.text


async def test_a_password_that_is_refused_is_told_and_tried_slowly(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = Refusal(HTTPStatus.UNAUTHORIZED, "Wrong password", {"WWW-Authenticate": 'Basic realm="OCPP"'})
    async with station_on_fake_csms(schemas, variables=variables, refusal=refusal) as (_, csms):
        await trio.sleep(200)
        assert waits(csms) == [PASSWORD_REFUSED_WAIT_S + 10, PASSWORD_REFUSED_WAIT_S + 20]
        assert "CP_1: ws://csms/ocpp/CP_1 refuses the password (401): start the station with" in caplog.text
        assert "connecting again in 70.0 s" in caplog.text
        assert PASSWORD not in caplog.text
        csms.refusal = None
        await trio.sleep(200)
        assert csms.actions[0] == "BootNotification"


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ({"refusal": Refusal(HTTPStatus.NOT_FOUND, "Unknown")}, "does not exist (404): register the station CP_1"),
        ({"refusal": Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Try later")}, "refuses the connection (503): Try later"),
        ({"subprotocol": None}, "does not speak ocpp2.0.1"),
        ({"subprotocol": "ocpp1.6"}, "does not speak WebSocket and ocpp2.0.1: unsupported subprotocol"),
        (
            {"unreachable": socket.gaierror(-2, "Name or service not known")},
            "cannot be reached: Name or service not known",
        ),
    ],
)
async def test_what_stands_in_the_way_is_told(
    autojump_clock: MockClock,
    schemas: Schemas,
    variables: DeviceModel,
    caplog: pytest.LogCaptureFixture,
    behaviour: dict[str, Any],
    told: str,
) -> None:
    async with station_on_fake_csms(schemas, variables=variables, **behaviour) as (_, csms):
        await trio.sleep(75)
        assert f"CP_1: ws://csms/ocpp/CP_1 {told}" in caplog.text
        assert "connecting again in 10.0 s" in caplog.text
        assert waits(csms) == pytest.approx([10, 20, 40], abs=Patience().close_timeout_s)


async def test_of_several_addresses_that_fail_the_reason_of_the_first_is_told(
    autojump_clock: MockClock, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    both = OSError("all attempts to connect to csms:9000 failed")
    both.__cause__ = ExceptionGroup("all", [ConnectionRefusedError(111, "Connection refused"), OSError(101, "No net")])
    async with station_on_fake_csms(schemas, unreachable=both):
        assert "cannot be reached: Connection refused; connecting again" in caplog.text


async def test_a_server_that_says_nothing_is_given_up(
    autojump_clock: MockClock, variables: DeviceModel, random: Random, caplog: pytest.LogCaptureFixture
) -> None:
    dialled_at: list[float] = []

    async def open_stream(_: str) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        dialled_at.append(trio.current_time())
        client_end, _server_end = trio.testing.memory_stream_pair()
        return client_end

    link = _link("CP_1", "ws://csms", variables, open_stream, random)
    with trio.move_on_after(60):
        await link.run(_never)
    assert dialled_at == [0.0, CONNECT_TIMEOUT_S + 10]
    assert "CP_1: ws://csms/CP_1 did not answer within 20 s; connecting again in 10.0 s" in caplog.text


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
async def test_a_server_of_another_kind_is_told(
    autojump_clock: MockClock, variables: DeviceModel, random: Random, caplog: pytest.LogCaptureFixture, greeting: bytes
) -> None:
    async def open_stream(_: str) -> trio.abc.Stream:
        client_end, server_end = trio.testing.memory_stream_pair()
        if greeting:
            await server_end.send_all(greeting)
        await server_end.send_eof()
        return client_end

    link = _link("CP_1", "ws://csms", variables, open_stream, random)
    with trio.move_on_after(5):
        await link.run(_never)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("connecting again in 10.0 s")


async def _never(_: object) -> WebSocketClosed:
    raise AssertionError("there is no connection to use")


async def test_part_4_5_2_a_silent_peer_is_noticed_within_two_ping_intervals(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel, caplog: pytest.LogCaptureFixture
) -> None:
    variables[WEB_SOCKET_PING_INTERVAL] = 10
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        csms.freeze()
        await trio.sleep(21)
        assert "CP_1: disconnected (1006 no answer to ping)" in caplog.text


async def test_a_station_that_stops_says_goodbye(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert csms.goodbyes == []
    assert [goodbye.code for goodbye in csms.goodbyes] == [1001]
