"""Our station on a foreign CSMS, and what a driver does at it."""

from __future__ import annotations

from typing import Any, Self

import httpx

from tests.interop.peer import Peer
from tests.processes import DEADLINE_S, Program, Programs

CARD = {"idToken": "anna", "type": "ISO14443"}
CARD_THERE = {"id_token": "anna", "type": "ISO14443"}
"""The same, as the library names it."""
SOCKET_OF_EVSE_1 = "/evses/1/connectors/1"


class StationAtHand:
    """A station with a control interface, and the foreign CSMS that it is connected to."""

    def __init__(self, program: Program, peer: Peer, client: httpx.AsyncClient) -> None:
        self.program = program
        self.peer = peer
        self.client = client

    @classmethod
    async def start(cls, programs: Programs, client: httpx.AsyncClient, *options: str) -> Self:
        """A station that has booted. client: to talk to it, which this gets its address."""
        peer = await Peer.start(programs, "foreign_csms")
        port = (await peer.tells("listening"))["port"]
        await peer.do("answer", action="BootNotification", status="Accepted", interval=300)
        url = f"ws://127.0.0.1:{port}"
        program = await programs.station("CP_1", url, "--control", "127.0.0.1:0", *options)
        client.base_url = httpx.URL((await program.says("Control on ")).removeprefix("Control on "))
        await peer.received("StatusNotification")
        return cls(program, peer, client)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Have somebody do something at the station."""
        response = await self.client.post(path, json=body or {})
        assert response.is_success, response.text
        return response.json()

    async def charge(self) -> dict[str, Any]:
        """Plug in and hold up the card; the Started event."""
        await self.post(f"{SOCKET_OF_EVSE_1}/plug-in", {"soc": 0.3})
        assert (await self.post("/evses/1/present-token", CARD))["status"] == "Accepted"
        started = await self.peer.received("TransactionEvent", event_type="Started")
        await self.peer.received("TransactionEvent", trigger_reason="ChargingStateChanged")
        return started


def client() -> httpx.AsyncClient:
    """For a station that is still to be started."""
    return httpx.AsyncClient(timeout=DEADLINE_S, trust_env=False)
