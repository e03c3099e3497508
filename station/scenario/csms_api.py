"""Asks the CSMS's REST interface, as an operator would."""

from __future__ import annotations

import http.client
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson
import trio

from station.scenario.scenario import Api
from station.scenario.stage import StepFailed

_TIMEOUT_S: Final = 30.0
_MOST_BYTES: Final = 16 * 2**20


class CsmsApi:
    """One CSMS's REST interface. `ask` is what a Stage wants."""

    def __init__(self, api: Api) -> None:
        parts = urlsplit(api.url)
        self._url = api.url
        self._token = api.token
        self._host, self._port, self._prefix = parts.hostname or "", parts.port, parts.path.rstrip("/")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._turn = trio.CapacityLimiter(1)

    async def ask(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body of the answer: JSON, or else text. Raises StepFailed: there is none."""
        data = None if body is None else orjson.dumps(body)
        return await trio.to_thread.run_sync(self._ask, method, path, data, limiter=self._turn, abandon_on_cancel=True)

    def _ask(self, method: str, path: str, data: bytes | None) -> tuple[int, Any]:
        headers = {} if data is None else {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = self._kind(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            connection.request(method, self._prefix + quote(path, safe="/%?&=:+,@-._~!$'()*;"), data, headers)
            response = connection.getresponse()
            answer = response.read(_MOST_BYTES)
            status = response.status
        except (OSError, http.client.HTTPException) as error:
            raise StepFailed(f"{self._url} does not answer: {getattr(error, 'strerror', None) or error}") from None
        finally:
            connection.close()
        try:
            return status, orjson.loads(answer)
        except orjson.JSONDecodeError:
            return status, answer.decode(errors="replace")
