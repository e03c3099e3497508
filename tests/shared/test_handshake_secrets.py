"""What must not get from a handshake into a log or a URL."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing
from websockets.http11 import Request

from shared.handshake import accept, basic_authorization, connect, connection_url
from shared.websocket import Patience


async def test_a_password_is_not_logged_even_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    authorization = basic_authorization("CP_1", "station-password")
    client_end, server_end = trio.testing.memory_stream_pair()

    async def welcome(_: Request) -> None:
        await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept, server_end, welcome, lambda _: None, Patience())
        ws = await connect(client_end, "ws://csms/CP_1", {"Authorization": authorization}, ["ocpp2.0.1"], Patience())
        await ws.send('[2,"1","SetVariables",{}]')

    assert authorization not in caplog.text
    assert "SetVariables" not in caplog.text


@pytest.mark.parametrize("url", ["ws://user:secret@csms/ocpp", "ws://csms/ocpp?token=secret"])
def test_the_url_of_a_csms_holds_no_secret(url: str) -> None:
    with pytest.raises(ValueError, match="no user name, no password and no query") as error:
        connection_url(url, "CP_1")
    assert "secret" not in str(error.value)
