"""Errors of REST version 1: problem details (RFC 9457), and which failure of a call becomes which status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from quart import Response
from werkzeug.exceptions import HTTPException

from csms.switchboard import Busy, DeadlinePassed, NotCallable, NotConnected, NotSent, NotStored
from shared.ocppj.errors import CallRefused, CallTimedOut, ConnectionLost, InvalidAnswer, OcppError, PeerError

STORE_UNAVAILABLE: Final = "The database does not answer; nothing was changed"


class Problem(Exception):
    """Ends a request with an error.

    detail: what is wrong with this one. headers: of the answer. more: further members of its body.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.more = more

    def response(self) -> Response:
        """The problem as application/problem+json."""
        body = {"type": "about:blank", "title": self.status.phrase, "status": self.status.value, "detail": self.detail}
        return Response(
            orjson.dumps(body | self.more, option=orjson.OPT_APPEND_NEWLINE),
            self.status.value,
            dict(self.headers),
            content_type="application/problem+json",
        )

    def within(self, pointer: str) -> Problem:
        """The same, of a body that has what is wrong at `pointer`."""
        inner = self.more.pop("pointer", "")
        inner = inner if inner.startswith("/") else ""
        return Problem(
            self.status, f"{pointer}{self.detail.removeprefix('the payload')}", pointer=pointer + inner, **self.more
        )

    @classmethod
    def of_http(cls, error: HTTPException) -> Problem:
        """What the framework has to say, e.g. that there is no such route."""
        headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        return cls(HTTPStatus(error.code or 500), error.description or "", headers=headers)

    @classmethod
    def of_call(cls, error: OcppError) -> Problem:
        """What became of a call to a station: 422, 502, 503 or 504."""
        status = call_status(error)
        match error:
            case PeerError():
                where = error.description.rpartition(": ")[0]  # the name of a field may hold a colon, the rest does not
                pointer = where if where.startswith("/") else ""  # "the payload"
                return cls(status, error.description, pointer=pointer, code=error.code)
            case CallRefused(code=code, description=description, details=details):
                return cls(
                    status,
                    f"The station answered {error}",
                    error={"code": code, "description": description, "details": details},
                )
            case _:
                return cls(status, str(error))


def call_status(error: OcppError) -> HTTPStatus:
    """The HTTP status for a call to a station that brought no result."""
    match error:
        case PeerError():  # our own request does not fit the schema
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case NotConnected() | NotCallable() | Busy() | ConnectionLost() | NotSent() | NotStored():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case CallTimedOut() | DeadlinePassed():
            return HTTPStatus.GATEWAY_TIMEOUT
        case CallRefused() | InvalidAnswer():
            return HTTPStatus.BAD_GATEWAY
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR
