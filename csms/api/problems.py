"""Errors of REST version 1: problem details (RFC 9457), and which failure of a call becomes which status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from csms.switchboard import Busy, DeadlinePassed, NotCallable, NotConnected, NotSent, NotStored
from shared.ocppj.errors import CallRefused, CallTimedOut, ConnectionLost, InvalidAnswer, OcppError, PeerError
from shared.rest import problems

STORE_UNAVAILABLE: Final = "The database does not answer; nothing was changed"


class Problem(problems.Problem):
    """Ends a request with an error that may be about a call to a station."""

    def within(self, pointer: str) -> Problem:
        """The same, of a body that has what is wrong at `pointer`."""
        inner = self.more.pop("pointer", "")
        inner = inner if inner.startswith("/") else ""
        return Problem(
            self.status, f"{pointer}{self.detail.removeprefix('the payload')}", pointer=pointer + inner, **self.more
        )

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
