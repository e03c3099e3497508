"""Whatever anybody sends, the API answers as its document says, and never by accident (schemathesis).

On real sockets and by the real clock, with a station that answers everything; /api/v1/events is left out, for it has no
end (test_events.py).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import orjson
import pytest
import requests
import schemathesis
import trio
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from csms.app import Csms
from csms.passwords import Passwords
from csms.settings import Settings
from csms.store import open_store
from shared.clock import SystemClock
from shared.handshake import HandshakeRefused, basic_authorization, connect
from shared.websocket import Patience, WebSocket, WebSocketClosed

STATION = "CP_1"
TOKEN = "the-token"
PATIENCE_S = 30.0
STATUSES = ("Accepted", "Rejected")


AT = "2026-11-22T03:52:53.938Z"
METER_VALUE = [{"timestamp": AT, "sampledValue": [{"value": 120.5, "unitOfMeasure": {"unit": "kWh"}}]}]
STORY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}),
    ("StatusNotification", {"connectorStatus": "Available", "evseId": 1, "connectorId": 1, "timestamp": AT}),
    (
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": AT,
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "TX/1", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
            "meterValue": METER_VALUE,
        },
    ),
    (
        "TransactionEvent",
        {
            "eventType": "Ended",
            "timestamp": AT,
            "triggerReason": "RemoteStop",
            "seqNo": 2,
            "transactionInfo": {"transactionId": "TX/1", "stoppedReason": "Remote"},
        },
    ),
    ("MeterValues", {"evseId": 1, "meterValue": METER_VALUE}),
    (
        "NotifyReport",
        {
            "requestId": 1,
            "generatedAt": AT,
            "seqNo": 1,
            "reportData": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "HeartbeatInterval"},
                    "variableAttribute": [{"value": "300"}],
                    "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False},
                }
            ],
        },
    ),
)


async def _answer_everything(ws: WebSocket) -> None:
    """Now and then what fits the schema, and often not. Before that, tell what there is to be asked for."""
    for action, payload in STORY:
        await ws.send(orjson.dumps([2, str(uuid4()), action, payload]).decode())
    count = 0
    while True:
        message = orjson.loads(await ws.receive())
        if message[0] == 2:
            count += 1
            if count % 5 == 0:
                await ws.send(orjson.dumps([4, message[1], "NotSupported", "not today", {}]).decode())
            else:
                await ws.send(orjson.dumps([3, message[1], {"status": STATUSES[count % 2]}]).decode())


async def _be_a_station(port: int) -> None:
    """Come back whenever the connection ends: the operator may well have forgotten this station, or its password."""
    while True:
        with suppress(WebSocketClosed, OSError, HandshakeRefused):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            headers = {"Authorization": basic_authorization(STATION, "station-password")}
            url = f"ws://127.0.0.1:{port}/{STATION}"
            async with stream, await connect(stream, url, headers, ["ocpp2.0.1"], Patience()) as ws:
                await _answer_everything(ws)
        await trio.sleep(0.2)


async def _serve(database: str, ready: queue.Queue[str], stop: threading.Event) -> None:
    options = Settings(
        host="127.0.0.1", port=0, api_port=0, api_token=TOKEN, database=database, call_timeout=2.0, log_level="warning"
    )
    async with open_store(database) as store, trio.open_nursery() as nursery:
        csms = Csms(options, SystemClock(), Random(7), Passwords(), store)  # noqa: S311 - nothing depends on chance here
        stopping = trio.Event()
        port, url = await nursery.start(partial(csms.run, stopping))
        with trio.CancelScope() as station:
            async with trio.open_nursery() as around:
                around.start_soon(_be_a_station, port)
                ready.put(url)
                await trio.to_thread.run_sync(stop.wait)
                stopping.set()
                station.cancel()


@contextmanager
def running_csms(folder: Path) -> Iterator[str]:
    """A CSMS in a thread; the base URL of its API."""
    ready: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    thread = threading.Thread(target=trio.run, args=(_serve, f"sqlite:///{folder / 'csms.db'}", ready, stop))
    thread.start()
    try:
        yield ready.get(timeout=PATIENCE_S)
    finally:
        stop.set()
        thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_csms(tmp_path_factory.mktemp("csms")) as found:
        yield found


def no_accident(
    _context: schemathesis.CheckContext, response: schemathesis.Response, _case: schemathesis.Case[Any]
) -> None:
    """A 502, 503 or 504 is the truth about a station; a 500 is a bug."""
    assert response.status_code != 500, response.text


_CHECKS: list[Any] = [no_accident, status_code_conformance, content_type_conformance, response_schema_conformance]
_QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def _try_everything(url: str, how: settings) -> None:
    """Requests that fit the document, and such that do not, to each route."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", headers=headers).exclude(path="/api/v1/events")
    with requests.Session() as session:

        def check(case: schemathesis.Case[Any]) -> None:
            response = case.call(headers=headers, session=session, timeout=PATIENCE_S)
            case.validate_response(response, checks=_CHECKS)

        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            for mode in GenerationMode:
                if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
                    continue
                how(given(operation.as_strategy(generation_mode=mode))(check))()


def _can_be_wrong(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/stations", "stations"),
        ("/api/v1/stations/{station_id}/variables", "variables"),
        ("/api/v1/stations/{station_id}/variables", "reports"),
        ("/api/v1/stations/{station_id}/meter-values", "meter_values"),
        ("/api/v1/stations/{station_id}/messages", "messages"),
        ("/api/v1/transactions", "transactions"),
        ("/api/v1/transactions/{station_id}/{transaction_id}", "events"),
    ],
)
def test_what_a_station_has_told_is_shown_as_documented(url: str, path: str, name: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    operation = schemathesis.openapi.from_url(f"{url}/openapi.json", headers=headers)[path]["GET"]
    names = {"station_id": STATION, "transaction_id": "TX/1"}
    case = operation.Case(path_parameters={key: value for key, value in names.items() if f"{{{key}}}" in path})
    deadline = time.monotonic() + PATIENCE_S
    while True:
        response = case.call(headers=headers, timeout=PATIENCE_S)
        if response.status_code == 200 and response.json()[name]:
            break
        assert time.monotonic() < deadline, response.text
        time.sleep(0.1)  # the station is still telling
    case.validate_response(response, checks=_CHECKS)


def test_every_answer_is_one_of_those_documented(url: str) -> None:
    _try_everything(url, settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=_QUIET))


@pytest.mark.slow
def test_every_answer_is_one_of_those_documented_however_hard_one_tries(url: str) -> None:
    _try_everything(url, settings(max_examples=100, deadline=None, suppress_health_check=_QUIET))
