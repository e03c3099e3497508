"""The three messages of OCPP-J: parse and serialise (OCPP 2.0.1 Part 4 §4.2).

CALL        [2, "<messageId>", "<action>", {payload}]
CALLRESULT  [3, "<messageId>", {payload}]
CALLERROR   [4, "<messageId>", "<errorCode>", "<errorDescription>", {errorDetails}]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from shared.ocppj.errors import (
    MAX_DESCRIPTION_LENGTH,
    UNREADABLE_MESSAGE_ID,
    FormatViolation,
    MessageTypeNotSupported,
    OcppError,
    PeerError,
    RpcFrameworkError,
)

CALL: Final = 2
CALLRESULT: Final = 3
CALLERROR: Final = 4
MAX_MESSAGE_ID_LENGTH: Final = 36
# What OCPP defines is not ten levels deep. orjson reads 1024 levels and writes 254: a message beyond that could neither
# be stored nor passed on.
MAX_DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class Call:
    """A request. payload: the wire's camelCase dict."""

    message_id: str
    action: str
    payload: dict[str, Any]

    def to_text(self) -> str:
        """The message as it goes on the wire."""
        return orjson.dumps([CALL, self.message_id, self.action, self.payload]).decode()


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a CALL that was served. payload: the wire's camelCase dict."""

    message_id: str
    payload: dict[str, Any]

    def to_text(self) -> str:
        """The message as it goes on the wire."""
        return orjson.dumps([CALLRESULT, self.message_id, self.payload]).decode()


@dataclass(frozen=True, slots=True)
class CallError:
    """The answer to a CALL that was not served: one of the RPC error codes of Part 4 §4.3, and why."""

    message_id: str
    code: str
    description: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: PeerError, message_id: str) -> CallError:
        """The CALLERROR that tells the peer of `error`, in answer to its message `message_id`."""
        return cls(message_id, error.code, error.description, error.details)

    def to_text(self) -> str:
        """The message as it goes on the wire."""
        return orjson.dumps([CALLERROR, self.message_id, self.code, self.description, self.details]).decode()


class UnreadableAnswer(OcppError):
    """A CALLRESULT or CALLERROR that is not built like one. It is not answered: nothing answers an answer.

    message_id: the id it carries, UNREADABLE_MESSAGE_ID when it has none.
    """

    def __init__(self, description: str, *, message_id: str) -> None:
        super().__init__(description)
        self.message_id = message_id


def parse(text: str) -> Call | CallResult | CallError:
    """Read one message.

    Raises a PeerError with the code and message id of the CALLERROR to send (RpcFrameworkError: not JSON, not an
    array, no readable id, id over 36 characters, not the four elements of a CALL; MessageTypeNotSupported;
    FormatViolation: payload not an object, or arrays and objects nested more than MAX_DEPTH deep), or UnreadableAnswer
    for a CALLRESULT or CALLERROR with such a fault. What it returns can be written again.
    """
    try:
        message = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise RpcFrameworkError("The message is not valid JSON") from None
    if type(message) is not list or not message:
        raise RpcFrameworkError("The message is not a JSON array of [messageTypeId, messageId, ...]")
    if _may_be_too_deep(text) and _is_too_deep(message):
        raise _too_deep(message)
    match message[0]:
        case True | False:
            raise _unknown_type(message)
        case 2:
            return _call(message)
        case 3:
            return _call_result(message)
        case 4:
            return _call_error(message)
        case _:
            raise _unknown_type(message)


def _call(message: list[Any]) -> Call:
    message_id = _message_id(message)
    if message_id == UNREADABLE_MESSAGE_ID:
        raise RpcFrameworkError(
            f'messageId (element 1) must be a string of 1 to {MAX_MESSAGE_ID_LENGTH} characters and not "-1"'
        )
    if len(message) != 4:
        raise RpcFrameworkError(
            f"A CALL has 4 elements [2, messageId, action, payload], this one has {len(message)}", message_id=message_id
        )
    action, payload = message[2], message[3]
    if type(action) is not str:
        raise RpcFrameworkError("The action (element 2) must be a string", message_id=message_id)
    if payload is None:  # Part 4 §4.1.5: null and {} both say that there is no payload
        payload = {}
    if type(payload) is not dict:
        raise FormatViolation("The payload (element 3) must be a JSON object", message_id=message_id)
    return Call(message_id, action, payload)


def _call_result(message: list[Any]) -> CallResult:
    message_id = _message_id(message)
    if message_id == UNREADABLE_MESSAGE_ID:
        raise _unreadable_id()
    if len(message) != 3:
        raise UnreadableAnswer("A CALLRESULT has 3 elements [3, messageId, payload]", message_id=message_id)
    payload = {} if message[2] is None else message[2]
    if type(payload) is not dict:
        raise UnreadableAnswer("The payload (element 2) must be a JSON object", message_id=message_id)
    return CallResult(message_id, payload)


def _call_error(message: list[Any]) -> CallError:
    message_id = _message_id(message)
    if message_id == UNREADABLE_MESSAGE_ID and message[1:2] != [UNREADABLE_MESSAGE_ID]:
        raise _unreadable_id()
    if not 3 <= len(message) <= 5 or not all(type(element) is str for element in message[2:4]):
        raise UnreadableAnswer(
            "A CALLERROR is [4, messageId, errorCode, errorDescription, errorDetails]",
            message_id=message_id,
        )
    code = message[2]
    description = message[3] if len(message) > 3 else ""
    details = message[4] if len(message) > 4 and type(message[4]) is dict else {}
    return CallError(message_id, code, description[:MAX_DESCRIPTION_LENGTH], details)


def _message_id(message: list[Any]) -> str:
    message_id = message[1] if len(message) > 1 else None
    if type(message_id) is not str or not 1 <= len(message_id) <= MAX_MESSAGE_ID_LENGTH:
        return UNREADABLE_MESSAGE_ID
    return message_id


def _unknown_type(message: list[Any]) -> PeerError:
    return MessageTypeNotSupported(
        "messageTypeId must be 2 (CALL), 3 (CALLRESULT) or 4 (CALLERROR)", message_id=_message_id(message)
    )


def _unreadable_id() -> UnreadableAnswer:
    return UnreadableAnswer("An answer carries the messageId (element 1) of a CALL", message_id=UNREADABLE_MESSAGE_ID)


def _too_deep(message: list[Any]) -> PeerError | UnreadableAnswer:
    description = f"The message is nested more than {MAX_DEPTH} levels deep"
    message_id = _message_id(message)
    if message[0] in (CALLRESULT, CALLERROR):
        return UnreadableAnswer(description, message_id=message_id)
    return FormatViolation(description, message_id=message_id)


def _may_be_too_deep(text: str) -> bool:
    # Half a microsecond at most, which spares nearly every message the walk.
    return len(text) > 2 * MAX_DEPTH and text.count("[") + text.count("{") > MAX_DEPTH


def _is_too_deep(message: list[Any]) -> bool:
    level: list[Any] = [message]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _children(outer) if isinstance(inner, (list, dict))]
        if not level:
            return False
    return True


def _children(value: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return value if isinstance(value, list) else value.values()
