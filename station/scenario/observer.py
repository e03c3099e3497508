"""What has happened at a station: its messages, the events of its transactions, what became of tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from shared.message_log import Direction
from shared.ocppj.frames import Call, CallError, CallResult
from station.id_token import IdTokenInfo
from station.outgoing import Payload
from station.pulse import Pulse
from station.witness import Witness

_MOST_NOTED: Final = 10_000
_MOST_CALLS: Final = 64

What = Literal["call", "answer", "error", "event", "token"]


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that has happened. number: the later, the greater.

    direction: of a message; action: of the CALL, also for its answer, "" where that is not known. payload: of the
    message; of an error {"code", "description", "details"}; of an event the TransactionEventRequest; of a token the
    idTokenInfo, and evse_id where it was presented.
    """

    number: int
    what: What
    payload: Payload
    direction: Direction | None = None
    action: str = ""
    evse_id: int | None = None


class Observer(Witness):
    """Takes notes of one station, since it was last told to forget; of too many the first go."""

    __slots__ = ("_actions", "_noted", "_number", "_taken", "changed")

    def __init__(self, station_id: str) -> None:
        super().__init__(station_id)
        self.changed: Final = Pulse()
        self._noted: deque[Noted] = deque(maxlen=_MOST_NOTED)
        self._taken: set[int] = set()
        self._number = 0
        self._actions: dict[tuple[Direction, str], str] = {}

    @property
    def now(self) -> int:
        """The number of what was noted last."""
        return self._number

    def forget(self) -> None:
        """Take notes afresh."""
        self._noted.clear()
        self._taken.clear()

    def since(self, number: int, wanted: Callable[[Noted], bool]) -> Iterator[Noted]:
        """What was noted after that number, is wanted, and was not taken."""
        return (
            note for note in self._noted if note.number > number and note.number not in self._taken and wanted(note)
        )

    def take(self, note: Noted) -> None:
        """It was what was expected, and is no other that is."""
        self._taken.add(note.number)

    def received(self, text: str, message: Call | CallResult | CallError) -> None:
        super().received(text, message)
        self._message("received", message)

    def sent(self, text: str, message: Call | CallResult | CallError) -> None:
        super().sent(text, message)
        self._message("sent", message)

    def happened(self, event: Payload) -> None:
        self._note("event", event, action=event["eventType"], evse_id=event["evse"]["id"])

    def token_decided(self, evse_id: int, info: IdTokenInfo) -> None:
        """Somebody who presented a token has been told what becomes of it."""
        self._note("token", dict(info), evse_id=evse_id)

    def _message(self, direction: Direction, message: Call | CallResult | CallError) -> None:
        asked: Direction = "received" if direction == "sent" else "sent"
        match message:
            case Call(message_id, action, payload):
                self._actions[direction, message_id] = action
                if len(self._actions) > _MOST_CALLS:
                    del self._actions[next(iter(self._actions))]
                self._note("call", payload, direction=direction, action=action)
            case CallResult(message_id, payload):
                self._note("answer", payload, direction=direction, action=self._actions.get((asked, message_id), ""))
            case CallError(message_id, code, description, details):
                error = {"code": code, "description": description, "details": details}
                self._note("error", error, direction=direction, action=self._actions.get((asked, message_id), ""))

    def _note(self, what: What, payload: Payload, **more: Any) -> None:
        self._number += 1
        self._noted.append(Noted(self._number, what, payload, **more))
        self.changed.beat()
