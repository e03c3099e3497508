"""A CSMS on the `ocpp` library and websockets' asyncio server.

    python -m tests.interop.peers.foreign_csms

Tells: listening, connected, received, closed. Does: call, answer, close, all to the station that connected last.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.headers import parse_authorization_basic
from websockets.typing import Subprotocol

from tests.interop.peers.charge_point import Obedient, on
from tests.interop.peers.talk import obey, tell


def now() -> str:
    """The time, as OCPP writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Station(Obedient):
    """A station that is connected."""

    @on("BootNotification")
    def on_boot_notification(self, **payload: Any) -> Any:
        """B01 to B03: as told, with the time of now."""
        self.answers["BootNotification"]["current_time"] = now()
        return self.answer("BootNotification", payload)

    @on("Heartbeat")
    def on_heartbeat(self, **payload: Any) -> Any:
        """G02."""
        self.answers["Heartbeat"] = {"current_time": now()}
        return self.answer("Heartbeat", payload)

    @on("StatusNotification")
    def on_status_notification(self, **payload: Any) -> Any:
        """G01."""
        return self.answer("StatusNotification", payload)

    @on("Authorize")
    def on_authorize(self, **payload: Any) -> Any:
        """C01."""
        return self.answer("Authorize", payload)

    @on("TransactionEvent")
    def on_transaction_event(self, **payload: Any) -> Any:
        """E01 to E15."""
        return self.answer("TransactionEvent", payload)

    @on("ReservationStatusUpdate")
    def on_reservation_status_update(self, **payload: Any) -> Any:
        """H04."""
        return self.answer("ReservationStatusUpdate", payload)

    @on("MeterValues")
    def on_meter_values(self, **payload: Any) -> Any:
        """J01."""
        return self.answer("MeterValues", payload)

    @on("NotifyReport")
    def on_notify_report(self, **payload: Any) -> Any:
        """B07, B08."""
        return self.answer("NotifyReport", payload)

    @on("NotifyEvent")
    def on_notify_event(self, **payload: Any) -> Any:
        """G05."""
        return self.answer("NotifyEvent", payload)

    @on("DataTransfer")
    def on_data_transfer(self, **payload: Any) -> Any:
        """P02."""
        return self.answer("DataTransfer", payload)


async def main() -> None:
    """Listen, and serve until the test ends."""
    answers: dict[str, dict[str, Any]] = {
        "BootNotification": {"status": "Accepted", "interval": 1},
        "StatusNotification": {},
        "Authorize": {"id_token_info": {"status": "Accepted"}},
        "TransactionEvent": {},
        "ReservationStatusUpdate": {},
        "MeterValues": {},
        "NotifyReport": {},
        "NotifyEvent": {},
        "DataTransfer": {"status": "UnknownVendorId"},
    }
    stations: list[Station] = []
    connections: list[ServerConnection] = []

    async def attend(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.response is not None
        tell(
            "connected",
            path=connection.request.path,
            credentials=parse_authorization_basic(connection.request.headers["Authorization"]),
            subprotocol=connection.subprotocol,
            extensions=connection.response.headers.get("Sec-WebSocket-Extensions"),
        )
        connections.append(connection)
        stations.append(Station(connection.request.path, connection, answers))
        try:
            await stations[-1].start()
        except ConnectionClosed:
            tell("closed", code=connection.close_code, reason=connection.close_reason)

    async def call(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await stations[-1].send(action, payload)

    async def answer(action: str, **how: Any) -> None:
        answers[action] = how

    async def close(code: int) -> None:
        await connections[-1].close(code)

    async with serve(attend, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")]) as server:
        (socket,) = server.sockets
        tell("listening", port=socket.getsockname()[1])
        await obey(call=call, answer=answer, close=close)


if __name__ == "__main__":
    asyncio.run(main())
