"""The rules by which messages are struck by faults: what can be written in one, and which message it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from shared.ocppj import errors, frames
from shared.ocppj.errors import MAX_DESCRIPTION_LENGTH, OcppError, PeerError
from shared.ocppj.versions import VERSIONS
from station.fields import Field, Invalid, Read, choice, number, record, text, whole

Kind = Literal[
    "delay", "drop", "duplicate", "reorder", "corrupt", "late-answer", "call-error", "refuse", "half-open", "power-cut"
]
Direction = Literal["sent", "received"]
MessageType = Literal["call", "answer"]

MOST_RULES: Final = 100
_LONGEST_S: Final = 1_000_000
_HELD_BACK_S: Final = 5.0
_ACTIONS: Final = tuple(sorted({action for version in VERSIONS for action in version.actions}))
_CODES: Final = tuple(
    sorted({error.code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, PeerError)})
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault, and the messages it strikes.

    direction: seen from the station. message: CALLs or answers. action: of the CALL, also where the message is its
    answer. None of these means any. probability: of striking a message that it is about. count: how often it strikes at
    most; None: no limit. after: how many of these messages it lets pass first. seconds: how long a message waits, at
    most. code, description: of the CALLERROR.
    """

    kind: Kind
    direction: Direction | None = None
    message: MessageType | None = None
    action: str | None = None
    probability: float = 1.0
    count: int | None = None
    after: int = 0
    seconds: float | None = None
    code: str | None = None
    description: str | None = None

    def is_about(self, message: Message) -> bool:
        """Whether this is one of the messages that it may strike."""
        return (
            self.direction in {None, message.direction}
            and self.message in {None, message.type}
            and self.action in {None, message.action}
        )

    def to_document(self) -> dict[str, Any]:
        """As it was written, with what it says by default, without what does not concern it."""
        written = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in written.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way. None is what cannot be read, or the action of the answer to a CALL that was not seen."""

    direction: Direction
    type: MessageType | None
    action: str | None
    message_id: str | None


class Reader:
    """Knows which action an answer belongs to, as long as it has seen the CALL."""

    def __init__(self) -> None:
        self._actions: dict[tuple[Direction, str], str] = {}

    def read(self, direction: Direction, message: str) -> Message:
        """What there is to know of a message."""
        try:
            parsed = frames.parse(message)
        except OcppError:
            return Message(direction, None, None, None)
        if isinstance(parsed, frames.Call):
            self._actions[direction, parsed.message_id] = parsed.action
            if len(self._actions) > _CALLS_KEPT:
                del self._actions[next(iter(self._actions))]
            return Message(direction, "call", parsed.action, parsed.message_id)
        back: Direction = "received" if direction == "sent" else "sent"
        return Message(direction, "answer", self._actions.get((back, parsed.message_id)), parsed.message_id)


_CALLS_KEPT: Final = 64
_COMMON: Final[Mapping[str, Field]] = {
    "direction": Field(choice(("sent", "received"))),
    "message": Field(choice(("call", "answer"))),
    "action": Field(choice(_ACTIONS, "the name of an OCPP action")),
    "probability": Field(number(above=0, most=1), default=1.0),
    "count": Field(whole(least=1)),
    "after": Field(whole(least=0), default=0),
}
_SECONDS: Final = number(above=0, most=_LONGEST_S)
_CALL_ERROR: Final[Mapping[str, Field]] = {
    **_COMMON,
    "direction": Field(choice(("received",)), default="received"),
    "message": Field(choice(("call",)), default="call"),
    "code": Field(choice(_CODES), default="InternalError"),
    "description": Field(text(most=MAX_DESCRIPTION_LENGTH), default=""),
}
_KINDS: Final[Mapping[Kind, Mapping[str, Field]]] = {
    "delay": {**_COMMON, "seconds": Field(_SECONDS, required=True)},
    "drop": _COMMON,
    "duplicate": _COMMON,
    "reorder": {**_COMMON, "seconds": Field(_SECONDS, default=_HELD_BACK_S)},
    "corrupt": _COMMON,
    "late-answer": {
        **_COMMON,
        "message": Field(choice(("answer",)), default="answer"),
        "seconds": Field(_SECONDS, required=True),
    },
    "call-error": _CALL_ERROR,
    "refuse": _CALL_ERROR,
    "half-open": _COMMON,
    "power-cut": _COMMON,
}
"""What can be written for each kind besides `kind` itself."""
_READ_KIND: Final = choice(tuple(_KINDS))
_READ_ANY: Final = record({"kind": Field(_READ_KIND, required=True)})
_READ: Final[Mapping[Kind, Read[dict[str, Any]]]] = {
    kind: record({"kind": Field(_READ_KIND), **known}) for kind, known in _KINDS.items()
}


def read_rule(document: Any, pointer: str) -> Rule:
    """The rule that somebody has written. Raises Invalid."""
    if not isinstance(document, dict):
        raise Invalid.unexpected(pointer, "an object", document)
    kind = _READ_ANY({name: value for name, value in document.items() if name == "kind"}, pointer)["kind"]
    return Rule(**_READ[kind](document, pointer))
