"""What people watch while a station and a CSMS talk: every message, one line each, without secrets."""

from __future__ import annotations

import logging
import re
from typing import Final

from shared.ocppj.frames import Call, CallError, CallResult
from shared.ocppj.redaction import CARRIES_SECRETS, redact

_log: Final = logging.getLogger("ocpp")
_UNREADABLE_SHOWN: Final = 500  # characters: it may be anything
# What cannot be parsed cannot be redacted either.
_SUSPICIOUS: Final = re.compile("|".join(["password", *CARRIES_SECRETS]), re.IGNORECASE)


class MessageLog:
    """Writes the messages of one connection to the logger `ocpp` at INFO."""

    __slots__ = ("station_id",)

    def __init__(self, station_id: str) -> None:
        self.station_id = station_id

    def received(self, text: str, message: Call | CallResult | CallError, action: str | None) -> None:
        """A message that came as `text`; action: the one it asks for or answers, None when that is unknown."""
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s: receive message %s", self.station_id, _readable(text, message, action))

    def received_unreadable(self, text: str) -> None:
        """Something came that is not a message. What looks as if it held a secret is not shown."""
        if _log.isEnabledFor(logging.INFO):
            shown = f"of {len(text)} characters" if _SUSPICIOUS.search(text) else repr(text[:_UNREADABLE_SHOWN])
            _log.info("%s: receive unreadable message %s", self.station_id, shown)

    def sent(self, text: str, message: Call | CallResult | CallError, action: str | None) -> None:
        """A message that is about to go as `text`."""
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s: send %s", self.station_id, _readable(text, message, action))


def one_line(text: str) -> str:
    """`text` with what could start a new line, or steer a terminal, escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _readable(text: str, message: Call | CallResult | CallError, action: str | None) -> str:
    match message:
        case Call(message_id, _, payload) if action in CARRIES_SECRETS:
            text = Call(message_id, message.action, redact(payload)).to_text()
        case CallResult(message_id, payload) if action is None or action in CARRIES_SECRETS:
            text = CallResult(message_id, redact(payload)).to_text()
        case _:
            pass
    return one_line(text)
