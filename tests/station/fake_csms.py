"""A CSMS for tests of the station: keeps OCPP-J's rules, lives in memory and in virtual time, does as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import trio
import trio.testing
from websockets.http11 import Request

from shared.clock import TrioClock
from shared.endpoint import Endpoint, Language
from shared.handshake import Refusal, accept
from shared.message_log import MessageLog
from shared.ocppj import date_time
from shared.ocppj.errors import PeerError
from shared.ocppj.frames import Call, CallError, CallResult
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Side
from shared.websocket import Patience, WebSocketClosed
from station.app import Station
from station.blocks.data_transfer import NO_VENDORS, Vendors
from station.device_model import DeviceModel
from station.hardware import Hardware
from station.state import MemoryState, State

START: Final = datetime(2026, 11, 22, 3, 52, 53, tzinfo=UTC)
PASSWORD: Final = "station-password"


class Wire(MessageLog):
    """The text of every message that crossed the wire, in the order the CSMS saw it."""

    def __init__(self) -> None:
        super().__init__("the fake CSMS")
        self.texts: list[str] = []

    def received(self, text: str, message: Call | CallResult | CallError) -> None:
        self.texts.append(text)

    def sent(self, text: str, message: Call | CallResult | CallError) -> None:
        self.texts.append(text)


@dataclass(frozen=True, slots=True)
class Received:
    """A CALL of the station's. at: seconds since the test began."""

    at: float
    action: str
    payload: dict[str, Any]


class FakeCsms:
    """Set its attributes to have it behave otherwise; look at `received`, `dialled_at`, `wire` and `goodbyes`."""

    def __init__(self, nursery: trio.Nursery, schemas: Schemas) -> None:
        self._nursery = nursery
        self._language = Language(V201, schemas, Side.CSMS)
        self._endpoint: Endpoint | None = None
        self._stream: trio.abc.Stream | None = None
        self._serving = trio.CancelScope()
        self._calls = 0
        self.clock = TrioClock(START)
        self.boot_status = "Accepted"
        self.interval_s = 300
        self.unreachable: OSError | None = None
        self.down_hosts: set[str] = set()  # of the hosts it may be reached by, those that do not work
        self.refusal: Refusal | None = None
        self.subprotocol: str | None = V201.subprotocol
        self.patience = Patience()  # of the connections from now on
        self.refuses: dict[str, PeerError] = {}  # by action: the CALLERROR it is answered with
        self.thinks_s: dict[str, float] = {}  # by action: how long the answer takes
        self.tokens: dict[str, dict[str, Any]] = {}  # by idToken: idTokenInfo, where it is not Accepted and no more
        self.requests: list[Request] = []
        self.dialled_at: list[float] = []
        self.dialled: list[str] = []  # the URLs
        self.received: list[Received] = []
        self.goodbyes: list[WebSocketClosed] = []
        self.wire = Wire()

    @property
    def actions(self) -> list[str]:
        """The actions of the CALLs received so far."""
        return [call.action for call in self.received]

    def forget(self) -> None:
        """Start `received` afresh."""
        self.received.clear()

    def statuses(self) -> list[tuple[int, int, str]]:
        """EVSE, connector and status of the StatusNotifications received so far."""
        payloads = [call.payload for call in self.received if call.action == "StatusNotification"]
        return [(payload["evseId"], payload["connectorId"], payload["connectorStatus"]) for payload in payloads]

    def events(self) -> list[dict[str, Any]]:
        """The TransactionEventRequests received so far."""
        return [call.payload for call in self.received if call.action == "TransactionEvent"]

    async def open_stream(self, url: str) -> trio.abc.Stream:
        """What the station gets for a stream to the CSMS."""
        await trio.lowlevel.checkpoint()
        self.dialled_at.append(trio.current_time())
        self.dialled.append(url)
        if self.unreachable is not None:
            raise self.unreachable
        if urlsplit(url).hostname in self.down_hosts:
            raise OSError("down")
        client_end, server_end = trio.testing.memory_stream_pair()
        self._nursery.start_soon(self._serve, server_end)
        return client_end

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send the station a CALL and return the payload of its answer; raises as Endpoint.call does."""
        assert self._endpoint is not None, "the station is not connected"
        response = await self._endpoint.call(action, payload)
        await trio.testing.wait_all_tasks_blocked()
        return response

    async def hang_up(self) -> None:
        """Cut the connection without a goodbye."""
        assert self._stream is not None, "the station is not connected"
        await trio.aclose_forcefully(self._stream)
        await trio.testing.wait_all_tasks_blocked()

    def freeze(self) -> None:
        """Keep the connection, but neither read nor write any more."""
        self._serving.cancel()

    async def _serve(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        try:
            ws = await accept(stream, self._decide, lambda _: self.subprotocol, self.patience)
        except Refusal:
            await stream.aclose()
            return
        except WebSocketClosed:  # the station has ended, or lost its network, before it was let in
            return
        async with ws:
            self._endpoint = Endpoint(
                ws,
                self._language,
                self._answer,
                lambda _: None,
                messages=self.wire,
                new_message_id=self._new_message_id,
                call_timeout_s=30,
            )
            with trio.CancelScope() as self._serving:
                self.goodbyes.append(await self._endpoint.run())
            if self._serving.cancelled_caught:
                await trio.sleep_forever()

    async def _decide(self, request: Request) -> None:
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        if self.refusal is not None:
            raise self.refusal

    async def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.received.append(Received(trio.current_time(), action, payload))
        await trio.sleep(self.thinks_s.get(action, 0))
        if action in self.refuses:
            raise self.refuses[action]
        now = date_time.to_wire(self.clock.now())
        match action:
            case "BootNotification":
                return {"currentTime": now, "interval": self.interval_s, "status": self.boot_status}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return {"idTokenInfo": self._info(payload["idToken"])}
            case "TransactionEvent" if "idToken" in payload:
                return {"idTokenInfo": self._info(payload["idToken"])}
            case _:
                return {}

    def _info(self, id_token: dict[str, Any]) -> dict[str, Any]:
        return self.tokens.get(id_token["idToken"], {"status": "Accepted"})

    def _new_message_id(self) -> str:
        self._calls += 1
        return f"csms-{self._calls}"


@asynccontextmanager
async def station_on_fake_csms(
    schemas: Schemas,
    *,
    connector_types: Sequence[Sequence[str]] = (("cType2",),),
    variables: DeviceModel | None = None,
    state: State | None = None,
    seed: int = 1,
    vendors: Vendors = NO_VENDORS,
    **behaviour: Any,
) -> AsyncIterator[tuple[Station, FakeCsms]]:
    """A running station and its CSMS. behaviour: attributes of FakeCsms that are other than usual from the start."""
    async with trio.open_nursery() as csms_nursery:
        csms = FakeCsms(csms_nursery, schemas)
        for name, value in behaviour.items():
            assert hasattr(csms, name), name
            setattr(csms, name, value)
        station = Station(
            "CP_1",
            Hardware.of(connector_types, monotonic=trio.current_time, random=Random(seed)),  # noqa: S311  # repeatable on purpose
            variables or DeviceModel(),
            state or MemoryState(),
            csms_url="ws://csms/ocpp",
            password=PASSWORD,
            open_stream=csms.open_stream,
            clock=TrioClock(START),
            random=Random(seed),  # noqa: S311  # repeatable on purpose
            schemas=schemas,
            vendors=vendors,
        )
        async with trio.open_nursery() as station_nursery:
            station_nursery.start_soon(station.run)
            await trio.testing.wait_all_tasks_blocked()
            yield station, csms
            station_nursery.cancel_scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        csms_nursery.cancel_scope.cancel()
