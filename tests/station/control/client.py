"""A client of the control interface of a station in memory, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from quart.typing import TestClientProtocol

from shared.ocppj.schemas import Schemas
from station.app import Station
from station.control import create_control
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

CALL_PATIENCE_S = 60.0


class Client:
    """Asks; the answers are JSON of the status that was expected."""

    def __init__(self, client: TestClientProtocol) -> None:
        self._client = client

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The answer's body."""
        data = b"" if body is None else orjson.dumps(body)
        response = await getattr(self._client, method.lower())(path, data=data)
        text = await response.get_data(as_text=True)
        assert response.status_code == status, text
        return orjson.loads(text)

    async def get(self, path: str) -> Any:
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.ask("POST", path, body)

    async def delete(self, path: str) -> Any:
        return await self.ask("DELETE", path)

    async def refused(self, status: int, method: str, path: str, body: Any = None) -> str:
        """The detail of the problem it is answered with, and the pointer where it names a field."""
        problem = await self.ask(method, path, body, status=status)
        assert problem["status"] == status
        detail: str = problem["detail"]
        assert detail.startswith(problem.get("pointer", ""))
        return detail


@asynccontextmanager
async def controlled(schemas: Schemas, **how: Any) -> AsyncIterator[tuple[Client, Station, FakeCsms]]:
    """A station on a fake CSMS, and a client of its control interface. how: as station_on_fake_csms."""
    async with station_on_fake_csms(schemas, **how) as (station, csms):
        control = create_control(station, host="127.0.0.1", token=None, call_patience_s=CALL_PATIENCE_S)
        yield Client(control.test_client()), station, csms
