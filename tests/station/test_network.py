"""The network between a station and its CSMS: down, half-open, and up again."""

from __future__ import annotations

import socket
import ssl

import pytest
import trio
import trustme
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from shared.ocppj.schemas import Schemas
from shared.streams import send_now
from station.device_model import (
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_WAIT_MINIMUM,
    WEB_SOCKET_PING_INTERVAL,
    DeviceModel,
)
from station.network import Network
from tests.station.fake_csms import station_on_fake_csms

SOCKET_TIMEOUT_S = 20


@pytest.fixture
def variables() -> DeviceModel:
    """A ping after 10 s of silence; attempts to connect 1, 2, 4, ... s apart."""
    variables = DeviceModel()
    variables[WEB_SOCKET_PING_INTERVAL] = 10
    variables[RETRY_BACK_OFF_WAIT_MINIMUM] = 1
    variables[RETRY_BACK_OFF_RANDOM_RANGE] = 0
    return variables


async def _memory_network() -> tuple[Network, trio.abc.Stream, trio.abc.Stream]:
    """A network over memory streams, a stream through it, and that one's other end."""
    near, far = memory_stream_pair()

    async def open_stream(_: str) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return near

    network = Network(open_stream)
    return network, await network.open_stream("ws://csms"), far


async def test_a_network_that_goes_down_ends_the_connection_on_both_sides_without_a_goodbye(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel, caplog: pytest.LogCaptureFixture
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.network.down()
        await wait_all_tasks_blocked()
        assert [goodbye.code for goodbye in csms.goodbyes] == [1006]
        assert "CP_1: disconnected (1006 connection reset); connecting again in 1.0 s" in caplog.text


async def test_while_the_network_is_down_nobody_is_dialled_and_then_the_station_comes_back(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel, caplog: pytest.LogCaptureFixture
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.network.down(30)
        assert not station.network.is_up
        await trio.sleep(29)
        assert len(csms.dialled_at) == 1
        assert "cannot be reached: Network is unreachable; connecting again" in caplog.text
        assert station.network.up_in_s == 1
        await trio.sleep(60)
        assert station.network.up_in_s == 0
        assert len(csms.dialled_at) == 2
        assert csms.goodbyes[1:] == []


async def test_a_network_that_is_down_without_an_end_is_up_when_somebody_says_so(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.network.down()
        await trio.sleep(1000)
        assert not station.network.is_up
        assert len(csms.dialled_at) == 1
        assert station.network.up_in_s is None
        station.network.up()
        await trio.sleep(100)
        assert len(csms.dialled_at) == 2


async def test_half_open_neither_side_is_told_and_the_station_finds_out_by_its_pings(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel, caplog: pytest.LogCaptureFixture
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.network.down(300, half_open=True)
        assert station.network.half_open
        await trio.sleep(19)
        assert "disconnected" not in caplog.text
        await trio.sleep(2)
        assert "CP_1: disconnected (1006 no answer to ping)" in caplog.text
        assert csms.goodbyes == []  # it hears nothing, and has its own patience
        await trio.sleep(40)
        assert [goodbye.reason for goodbye in csms.goodbyes] == ["no answer to ping"]


async def test_half_open_nobody_answers_who_is_dialled_until_the_network_is_up(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel, caplog: pytest.LogCaptureFixture
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.network.down(half_open=True)
        await trio.sleep(45)
        assert "ws://csms/ocpp/CP_1 did not answer within 20 s" in caplog.text
        assert len(csms.dialled_at) == 1
        station.network.up()
        assert not station.network.half_open
        await trio.sleep(10)
        assert len(csms.dialled_at) == 2


async def test_what_was_silenced_stays_silent_although_the_network_is_up(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        csms.forget()
        station.network.silence()
        assert station.network.is_up
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(15)
        assert csms.received == []
        await trio.sleep(10)  # the silence is noticed, and a new connection works
        assert csms.statuses() == [(1, 1, "Occupied")]


async def test_a_goodbye_into_silence_is_not_heard(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.network.silence()
    assert [goodbye.code for goodbye in csms.goodbyes] == [1006]  # when all of the station is gone


async def test_the_other_end_of_a_silenced_stream_hears_of_no_close_before_the_station_is_gone(
    autojump_clock: MockClock,
) -> None:
    network, stream, far = await _memory_network()
    network.silence()
    await stream.send_all(b"lost")
    assert send_now(stream, b"lost") == 4
    await stream.aclose()
    with trio.move_on_after(1000) as patience:
        await far.receive_some(10)
    assert patience.cancelled_caught
    await network.aclose()
    assert await far.receive_some(10) == b""


async def test_the_other_end_of_a_silenced_stream_hears_nothing_either_when_the_network_goes_down(
    autojump_clock: MockClock,
) -> None:
    network, stream, far = await _memory_network()
    network.silence()
    network.down()
    with pytest.raises(trio.BrokenResourceError):
        await stream.receive_some(10)
    await stream.aclose()
    with trio.move_on_after(1000) as patience:
        await far.receive_some(10)
    assert patience.cancelled_caught


@pytest.mark.parametrize("how", ["cut", "silence"])
async def test_what_arrives_afterwards_is_not_received(autojump_clock: MockClock, how: str) -> None:
    network, stream, far = await _memory_network()
    received: list[bytes | bytearray] = []

    async def read() -> None:
        with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
            received.append(await stream.receive_some(10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        getattr(network, how)()
        await far.send_all(b"late")
        await wait_all_tasks_blocked()
        await stream.aclose()
    assert received == []


async def test_who_dials_while_the_network_goes_down_is_told(autojump_clock: MockClock) -> None:
    near, far = memory_stream_pair()
    network: Network

    async def open_stream(_: str) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        network.down(10)
        return near

    network = Network(open_stream)
    with pytest.raises(OSError, match="unreachable"):
        await network.open_stream("ws://csms")
    assert await far.receive_some(10) == b""


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
async def test_a_network_is_down_for_some_time(seconds: float) -> None:
    network, _, _ = await _memory_network()
    with pytest.raises(ValueError, match="more than 0 s"):
        network.down(seconds)


async def test_on_a_real_socket_a_cut_wakes_who_sends_and_who_reads_and_the_other_end_sees_it_close() -> None:
    near, far = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair())

    async def open_stream(_: str) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return near

    network = Network(open_stream)
    stream = await network.open_stream("ws://csms")

    async def send() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"x" * 2**24)

    async def read() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(10)

    with trio.fail_after(SOCKET_TIMEOUT_S):
        async with far:
            await far.send_all(b"hello")
            assert await stream.receive_some(10) == b"hello"
            assert send_now(stream, b"hello") == 5
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                nursery.start_soon(read)
                await wait_all_tasks_blocked(0.01)
                network.cut()
            await stream.aclose()
            while await far.receive_some(2**20):
                pass


async def test_with_tls_a_cut_is_no_goodbye_either_and_silence_is_silence(autojump_clock: MockClock) -> None:
    authority = trustme.CA()
    server_context, client_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("csms").configure_cert(server_context)
    authority.configure_trust(client_context)
    ends: list[trio.SSLStream[trio.abc.Stream]] = []

    async def open_stream(_: str) -> trio.abc.Stream:
        near, far = memory_stream_pair()
        ends.append(trio.SSLStream(far, server_context, server_side=True))
        client = trio.SSLStream(near, client_context, server_hostname="csms")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ends[-1].do_handshake)
            nursery.start_soon(client.do_handshake)
        return client

    network = Network(open_stream)
    stream = await network.open_stream("wss://csms")
    await ends[0].send_all(b"hello")
    assert await stream.receive_some() == b"hello"
    network.cut()
    await stream.aclose()
    with pytest.raises(trio.BrokenResourceError):  # it ends without TLS's goodbye
        await ends[0].receive_some(10)
    stream = await network.open_stream("wss://csms")
    network.silence()
    await stream.aclose()
    with trio.move_on_after(1000) as patience:
        await ends[1].receive_some(10)
    assert patience.cancelled_caught
