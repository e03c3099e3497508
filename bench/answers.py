"""What a server's message means to a station that awaits one answer, sans-IO."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

_SHOWN_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True)
class Right:
    """The CALLRESULT that is awaited."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A CALLERROR to the CALL whose answer is awaited. error: its code and description."""

    error: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A CALL of the server."""

    message_id: str
    action: str


@dataclass(frozen=True, slots=True)
class Stray:
    """Anything else: an answer to nothing that is awaited, or not OCPP-J at all. error: which."""

    error: str


def judge(text: bytes, awaited: str | None) -> Right | Refused | Asked | Stray:
    """awaited: the messageId of the outstanding CALL, None if there is none."""
    try:
        message = json.loads(text)
    except ValueError:
        message = None
    match message:
        case [3, str(message_id), dict(payload)] if message_id == awaited:
            return Right(payload)
        case [4, str(message_id), str(code), str(description), *_] if message_id == awaited:
            return Refused(f"CALLERROR {code} {description}"[:_SHOWN_CHARACTERS])
        case [2, str(message_id), str(action), *_]:
            return Asked(message_id, action)
        case [3 | 4, str(), *_]:
            return Stray("answer to a CALL that was not asked, or not now")
        case _:
            return Stray(f"not OCPP-J: {text[:_SHOWN_CHARACTERS]!r}")


def reply(message_id: str, action: str) -> bytes | None:
    """The text of the CALLRESULT to what these stations do as they are told, at once; None for any other action."""
    if action not in ("ReserveNow", "CancelReservation"):
        return None
    return json.dumps([3, message_id, {"status": "Accepted"}]).encode()


def not_implemented(message_id: str) -> bytes:
    """The text of the CALLERROR that these stations answer every other CALL with."""
    return json.dumps([4, message_id, "NotImplemented", "", {}]).encode()
