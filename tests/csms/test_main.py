"""`python -m csms` as a process: signals, and mistakes of the user's. More of it is in tests/scenarios/."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from signal import Signals

import pytest
import trio

from csms.gateway import GRACE_S
from csms.store import StoreUnavailable
from csms.user_mistake import UserMistake
from shared.handshake import basic_authorization, connect, open_stream
from shared.websocket import WebSocket, WebSocketClosed
from tests.csms.site import NO_PINGS, PASSWORD, Site, settle
from tests.processes import HOST, Csms, Programs, open_programs

ANYWHERE = ("--host", HOST, "--port", "0", "--api-port", "0")


@pytest.fixture
async def programs() -> AsyncIterator[Programs]:
    async with open_programs() as programs:
        yield programs


async def connect_to(csms: Csms, identity: str) -> WebSocket:
    """A station that says nothing, and reads only when it is told to."""
    url = f"{csms.url}/{identity}"
    headers = {"Authorization": basic_authorization(identity, PASSWORD)}
    return await connect(await open_stream(url), url, headers, ["ocpp2.0.1"], NO_PINGS)


@pytest.mark.parametrize("number", [Signals.SIGINT, Signals.SIGTERM])
async def test_a_signal_says_goodbye_to_stations_and_ends_with_0(programs: Programs, number: Signals) -> None:
    csms = await programs.csms()
    async with await connect_to(csms, "CP_1") as first, await connect_to(csms, "CP_2") as second:
        csms.interrupt(number)
        for station in (first, second):
            with pytest.raises(WebSocketClosed) as closed:
                await station.receive()
            assert closed.value.code == 1001
        assert await csms.ends() == 0


async def test_a_station_that_does_not_say_goodbye_is_not_waited_for_long(programs: Programs) -> None:
    csms = await programs.csms()
    async with await connect_to(csms, "CP_1"), await open_stream(csms.url):  # neither of them reads
        csms.interrupt(Signals.SIGTERM)
        assert await csms.ends(within_s=GRACE_S + 2) == 0


async def test_a_second_signal_ends_it_at_once(programs: Programs) -> None:
    csms = await programs.csms()
    async with await connect_to(csms, "CP_1"):  # does not say goodbye, so that the orderly end takes a while
        csms.interrupt(Signals.SIGTERM)
        csms.interrupt(Signals.SIGINT)
        assert await csms.ends() - 128 in (Signals.SIGTERM, Signals.SIGINT)


async def test_what_it_listens_on_is_free_again_when_it_has_ended(programs: Programs) -> None:
    first = await programs.csms()
    async with await connect_to(first, "CP_1"):
        assert await first.stop() == 0
        second = await programs.csms(port=first.port)
    assert second.port == first.port


async def test_open_registration_is_warned_of(programs: Programs) -> None:
    for registration, warned in (("open", True), ("closed", False)):
        csms = await programs.csms("--registration", registration)
        assert any(line.startswith("WARNING:root:Registration is open") for line in csms.lines) == warned


async def test_warnings_alone_may_be_logged(programs: Programs) -> None:
    csms = await programs.csms("--log-level", "warning", "--registration", "closed")
    assert await csms.stop() == 0
    assert [line for line in csms.lines if line.startswith("INFO") and "WebSocket Server Started" not in line] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "192.0.2.1"], "cannot listen for stations on 192.0.2.1:0: this machine has no such address"),
        (["--host", "no.such.host.invalid"], "cannot listen for stations on no.such.host.invalid:0: "),
        (["--api-host", "0.0.0.0"], "REST on 0.0.0.0 would be open to everybody: "),  # noqa: S104 - refused
        (["--api-host", "192.0.2.1", "--api-token", "x"], "cannot listen for REST on 192.0.2.1:0: "),
        (["--config", "/no/such/file.toml"], "configuration file /no/such/file.toml: No such file or directory"),
    ],
)
async def test_a_mistake_of_the_users_is_one_line_and_exit_2(
    programs: Programs, arguments: list[str], told: str
) -> None:
    csms = await programs.module("csms", *ANYWHERE, *arguments)
    assert await csms.ends() == 2
    assert [line for line in csms.lines if line.startswith("csms: ")] == csms.lines[-1:]
    assert csms.lines[-1].startswith(f"csms: {told}")


async def test_a_database_that_goes_away_while_it_starts_is_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_work: object) -> None:
        raise StoreUnavailable("server closed the connection unexpectedly")

    await settle()
    monkeypatch.setattr(site.store, "read", refuse)
    with pytest.raises(UserMistake, match="the database cannot be read: server closed the connection unexpectedly"):
        await site.csms.run(trio.Event())


@pytest.mark.parametrize("option", ["--help", "--version"])
async def test_what_only_asks_is_answered_with_exit_0(programs: Programs, option: str) -> None:
    csms = await programs.module("csms", option)
    assert await csms.ends() == 0
    assert csms.lines[0].startswith("usage: csms" if option == "--help" else "csms ")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_it_can_listen_on_ipv6(programs: Programs) -> None:
    csms = await programs.ready_csms("--host", "::1", "--port", "0", "--api-host", "::1", "--api-port", "0")
    assert await csms.listed() == []
    stream = await trio.open_tcp_stream("::1", csms.port)
    await stream.aclose()
