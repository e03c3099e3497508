"""What is told of the messages between a station and a CSMS: to people a line each, to a recorder each CALL.

Lines hold no secrets; what a recorder keeps, it must redact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from shared.ocppj.frames import Call, CallError, CallResult
from shared.ocppj.redaction import may_hold_secrets, redact, redact_text, redact_unreadable

_log: Final = logging.getLogger("ocpp")
_UNREADABLE_SHOWN: Final = 500  # characters: it may be anything

Direction = Literal["received", "sent"]


class Failure(NamedTuple):
    """Why a CALL brought no result: the CALLERROR, or in its place CallTimedOut, ConnectionLost or InvalidAnswer."""

    code: str
    description: str
    details: dict[str, Any]


class Exchange(NamedTuple):
    """A CALL and what came of it.

    direction: of the CALL. action: None when it could not be read; request is then the beginning of what came.
    request, response: payloads as they were on the wire, secrets included; nobody changes them. latency_s: from the
    CALL to its answer, or to when that was given up.
    """

    station_id: str
    direction: Direction
    action: str | None
    message_id: str
    request: dict[str, Any] | str
    response: dict[str, Any] | None
    failure: Failure | None
    latency_s: float


Recorder = Callable[[Exchange], None]
"""Takes note of an Exchange. It is called between two messages: it must be quick, and must not raise."""


class MessageLog:
    """Writes the messages of one connection to the logger `ocpp` at INFO, and shows each CALL to a recorder."""

    __slots__ = ("_recorder", "station_id")

    def __init__(self, station_id: str, recorder: Recorder | None = None) -> None:
        self.station_id = station_id
        self._recorder = recorder

    @property
    def is_recorded(self) -> bool:
        """Whether anybody keeps what `over()` tells."""
        return self._recorder is not None

    def received(self, text: str, message: Call | CallResult | CallError) -> None:
        """A message that came as `text`."""
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s: receive message %s", self.station_id, _readable(text, message))

    def received_unreadable(self, text: str) -> None:
        """Something came that is not a message. What looks as if it held a secret is not shown."""
        if _log.isEnabledFor(logging.INFO):
            is_shown = redact_unreadable(text) == text
            shown = repr(text[:_UNREADABLE_SHOWN]) if is_shown else f"of {len(text)} characters"
            _log.info("%s: receive unreadable message %s", self.station_id, shown)

    def sent(self, text: str, message: Call | CallResult | CallError) -> None:
        """A message that is about to go as `text`."""
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s: send %s", self.station_id, _readable(text, message))

    def answered(self, call: Call, answer: CallResult | CallError | None, latency_s: float) -> None:
        """A CALL of the peer's was answered; None: the connection ended first."""
        if self._recorder is None:
            return
        response, failure = None, None
        match answer:
            case CallResult(_, payload):
                response = payload
            case CallError(_, code, description, details):
                failure = Failure(code, description, details)
            case None:
                failure = Failure("ConnectionLost", "The connection ended before the answer", {})
        self._recorder(
            Exchange(
                self.station_id, "received", call.action, call.message_id, call.payload, response, failure, latency_s
            )
        )

    def refused(self, text: str, error: CallError) -> None:
        """What came could not be read as a CALL, and was answered with `error`."""
        if self._recorder is not None:
            failure = Failure(error.code, error.description, error.details)
            shown = redact_unreadable(text)[:_UNREADABLE_SHOWN]
            self._recorder(Exchange(self.station_id, "received", None, error.message_id, shown, None, failure, 0.0))

    def over(self, call: Call, response: dict[str, Any] | None, failure: Failure | None, latency_s: float) -> None:
        """A CALL of ours was answered, or will not be."""
        if self._recorder is not None:
            self._recorder(
                Exchange(
                    self.station_id, "sent", call.action, call.message_id, call.payload, response, failure, latency_s
                )
            )


def one_line(text: str) -> str:
    """`text` with what could start a new line, or steer a terminal, escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _readable(text: str, message: Call | CallResult | CallError) -> str:
    if may_hold_secrets(text):
        match message:
            case Call(message_id, action, payload):
                text = Call(message_id, action, redact(payload)).to_text()
            case CallResult(message_id, payload):
                text = CallResult(message_id, redact(payload)).to_text()
            case CallError(message_id, code, description, details):
                text = CallError(message_id, code, redact_text(description), redact(details)).to_text()
    return one_line(text)
