"""A charging station on the `ocpp` library and websockets' asyncio client.

    python -m tests.interop.peers.foreign_station IDENTITY PASSWORD

Tells: connected, received, closed. Does: connect, call, answer, hold, release, close, vanish.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from ocpp import exceptions, v201  # type: ignore[import-untyped]  # the library ships no types
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from shared.handshake import basic_authorization
from tests.interop.peers.charge_point import Obedient, after, on
from tests.interop.peers.device_model import ITEMS_PER_MESSAGE, DeviceModel
from tests.interop.peers.talk import obey, tell

AS_TOLD: Final = """
    SetNetworkProfile Reset ClearCache GetTransactionStatus RequestStartTransaction RequestStopTransaction
    UnlockConnector TriggerMessage ChangeAvailability ReserveNow CancelReservation DataTransfer
    """.split()
"""What it answers as the test has told."""


class Station(Obedient):
    """Answers what the CSMS in the tests sends; everything else the library refuses."""

    def __init__(
        self,
        identity: str,
        connection: Any,
        answers: dict[str, dict[str, Any]],
        device_model: DeviceModel,
        may_answer: asyncio.Event,
    ) -> None:
        super().__init__(identity, connection, answers)
        self._device_model = device_model
        self._may_answer = may_answer

    async def answer_in_time(self, action: str, payload: dict[str, Any]) -> Any:
        """Tell of a CALL, and answer it as told, when that may be."""
        answer = self.answer(action, payload)
        await self._may_answer.wait()
        return answer

    @on("GetBaseReport")
    def on_get_base_report(self, **payload: Any) -> Any:
        """B07."""
        tell("received", action="GetBaseReport", payload=payload)
        return v201.call_result.GetBaseReport(status="Accepted")

    @after("GetBaseReport")
    async def after_get_base_report(self, request_id: int, **_: Any) -> None:
        """B07.FR.03: the report, in parts."""
        for part in self._device_model.report(request_id, datetime.now(UTC).isoformat()):
            await self.send("NotifyReport", part)

    @on("GetVariables")
    def on_get_variables(self, get_variable_data: list[dict[str, Any]]) -> Any:
        """B06."""
        tell("received", action="GetVariables", payload={"get_variable_data": get_variable_data})
        _check_number(get_variable_data)
        results = [self._device_model.get(wanted) for wanted in get_variable_data]
        return v201.call_result.GetVariables(get_variable_result=results)

    @on("SetVariables")
    def on_set_variables(self, set_variable_data: list[dict[str, Any]]) -> Any:
        """B05."""
        tell("received", action="SetVariables", payload={"set_variable_data": set_variable_data})
        _check_number(set_variable_data)
        results = [self._device_model.set(wanted) for wanted in set_variable_data]
        return v201.call_result.SetVariables(set_variable_result=results)


def _as_told(action: str) -> Callable[..., Any]:
    async def handler(self: Station, **payload: Any) -> Any:
        return await self.answer_in_time(action, payload)

    handler.__name__ = f"on_{action}"  # by which the library finds it
    return on(action)(handler)


for _action in AS_TOLD:
    setattr(Station, f"on_{_action}", _as_told(_action))


def _check_number(variables: list[Any]) -> None:
    if len(variables) > ITEMS_PER_MESSAGE:
        raise exceptions.OccurrenceConstraintViolationError("more than ItemsPerMessage")  # B05.FR.11, B06.FR.16


class Life:
    """One connection after the other; what the station knows and how it answers stays."""

    def __init__(self, identity: str, password: str) -> None:
        self._identity = identity
        self._credentials = basic_authorization(identity, password)
        self._device_model = DeviceModel()
        self._answers: dict[str, dict[str, Any]] = {}
        self._may_answer = asyncio.Event()
        self._may_answer.set()
        self._ws: ClientConnection | None = None
        self._station: Station | None = None
        self._listening: asyncio.Task[None] | None = None

    async def connect(self, url: str) -> None:
        """Connect, and tell of it."""
        ws = await connect(
            url, subprotocols=[Subprotocol("ocpp2.0.1")], additional_headers={"Authorization": self._credentials}
        )
        assert ws.response is not None
        tell("connected", subprotocol=ws.subprotocol, extensions=ws.response.headers.get("Sec-WebSocket-Extensions"))
        self._ws = ws
        self._station = Station(self._identity, ws, self._answers, self._device_model, self._may_answer)
        self._listening = asyncio.create_task(_listen(self._station, ws))

    async def call(self, action: str, payload: dict[str, Any], *, unchecked: bool = False) -> dict[str, Any]:
        """Send a CALL."""
        assert self._station is not None
        return await self._station.send(action, payload, unchecked=unchecked)

    async def answer(self, action: str, **how: Any) -> None:
        """Answer that action so from now on."""
        self._answers[action] = how

    async def hold(self) -> None:
        """From now on let who asks wait."""
        self._may_answer.clear()

    async def release(self) -> None:
        """Answer what waits, and from now on at once."""
        self._may_answer.set()

    async def close(self) -> None:
        """Say goodbye."""
        assert self._ws is not None
        await self._ws.close()

    async def vanish(self) -> None:
        """Go without a goodbye."""
        assert self._ws is not None
        self._ws.transport.abort()


async def _listen(station: Station, ws: ClientConnection) -> None:
    try:
        await station.start()
    except ConnectionClosed:
        tell("closed", code=ws.close_code, reason=ws.close_reason)


async def main(identity: str, password: str) -> None:
    """Live until the test ends."""
    life = Life(identity, password)
    await obey(
        connect=life.connect,
        call=life.call,
        answer=life.answer,
        hold=life.hold,
        release=life.release,
        close=life.close,
        vanish=life.vanish,
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
