"""A charging station on the `ocpp` library and websockets' asyncio client.

    python -m tests.interop.peers.foreign_station URL IDENTITY PASSWORD

Tells: connected, received, closed. Does: call, answer, close.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from shared.handshake import basic_authorization
from tests.interop.peers.charge_point import Obedient, on
from tests.interop.peers.talk import obey, tell


class Station(Obedient):
    """Answers what the CSMS in the tests sends; everything else the library refuses."""

    @on("ReserveNow")
    def on_reserve_now(self, **payload: Any) -> Any:
        """H01."""
        return self.answer("ReserveNow", payload)

    @on("CancelReservation")
    def on_cancel_reservation(self, **payload: Any) -> Any:
        """H02."""
        return self.answer("CancelReservation", payload)

    @on("DataTransfer")
    def on_data_transfer(self, **payload: Any) -> Any:
        """P01."""
        return self.answer("DataTransfer", payload)


async def main(url: str, identity: str, password: str) -> None:
    """Connect, and live until the connection or the test ends."""
    async with connect(
        url,
        subprotocols=[Subprotocol("ocpp2.0.1")],
        additional_headers={"Authorization": basic_authorization(identity, password)},
    ) as ws:
        assert ws.response is not None
        tell(
            "connected",
            subprotocol=ws.subprotocol,
            extensions=ws.response.headers.get("Sec-WebSocket-Extensions"),
        )
        station = Station(identity, ws, answers={})

        async def listen() -> None:
            try:
                await station.start()
            except ConnectionClosed:
                tell("closed", code=ws.close_code, reason=ws.close_reason)

        async def answer(action: str, **how: Any) -> None:
            station.answers[action] = how

        listening = asyncio.create_task(listen())
        await obey(call=station.send, answer=answer, close=ws.close)
        listening.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
