"""The life of a durable command: its states, what moves it on, and what an answer means.

A command is sent at most once, unless doing it twice is as good as once. Those are sent again when no answer came, up
to MAX_SENT times in all. Of the others nobody knows then whether they were done: they are Unknown, and not sent again.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

from csms.switchboard import DeadlinePassed, NotSent
from shared.ocppj.errors import CallRefused, InvalidAnswer, OcppError, PeerError

MAX_SENT: Final = 3

REPEATABLE: Final = frozenset(
    """
    ChangeAvailability ClearCache ClearChargingProfile CostUpdated GetBaseReport GetChargingProfiles
    GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion GetMonitoringReport GetReport
    GetTransactionStatus GetVariables ReserveNow SetChargingProfile SetDisplayMessage SetMonitoringBase
    SetMonitoringLevel SetNetworkProfile SetVariables TriggerMessage
    """.split()
)
"""What may be sent again: it asks, or it sets what is then as it was set before (ReserveNow: H01.FR.02)."""

_SAYS_YES: Final = frozenset({"Accepted", "AcceptedCanceled", "Scheduled", "Unlocked", "Unpublished"})


class CommandState(enum.StrEnum):
    """How a command stands."""

    QUEUED = "Queued"
    SENT = "Sent"
    SUCCEEDED = "Succeeded"
    REFUSED = "Refused"
    FAILED = "Failed"
    EXPIRED = "Expired"
    CANCELLED = "Cancelled"
    UNKNOWN = "Unknown"

    @property
    def is_final(self) -> bool:
        """Whether it is not sent (again). Only Unknown moves on from here, when the station's answer comes late."""
        return self not in (CommandState.QUEUED, CommandState.SENT)


class Step(enum.StrEnum):
    """What happens to a command."""

    TURN = "its turn to be sent has come"
    ACCEPTED = "the station has done it"
    REFUSED = "the station has refused it"
    ERROR = "the station could not process it"
    LOST = "no answer came, and it must not be sent again"
    RETRY = "no answer came, and it may be sent again"
    EXPIRY = "its time is over"
    CANCEL = "the operator wants it no more"
    REMOVAL = "its station was deleted"


_ANSWERED: Final[Mapping[Step, CommandState]] = {
    Step.ACCEPTED: CommandState.SUCCEEDED,
    Step.REFUSED: CommandState.REFUSED,
    Step.ERROR: CommandState.FAILED,
}

NEXT: Final[Mapping[tuple[CommandState, Step], CommandState]] = {
    (CommandState.QUEUED, Step.TURN): CommandState.SENT,
    (CommandState.QUEUED, Step.EXPIRY): CommandState.EXPIRED,
    (CommandState.QUEUED, Step.CANCEL): CommandState.CANCELLED,
    (CommandState.QUEUED, Step.REMOVAL): CommandState.CANCELLED,
    (CommandState.SENT, Step.REMOVAL): CommandState.UNKNOWN,
    (CommandState.SENT, Step.LOST): CommandState.UNKNOWN,
    (CommandState.SENT, Step.EXPIRY): CommandState.UNKNOWN,
    (CommandState.SENT, Step.RETRY): CommandState.QUEUED,
    # An answer counts whenever it comes: before the command is sent again, or after nobody reckoned with it any more.
    **{
        (state, step): after
        for state in (CommandState.QUEUED, CommandState.SENT, CommandState.UNKNOWN)
        for step, after in _ANSWERED.items()
    },
}


def after(state: CommandState, step: Step, sent: int) -> CommandState | None:
    """The state that `step` leads to for a command sent so many times; None: it changes nothing any more."""
    following = NEXT.get((state, step))
    if sent and following in (CommandState.EXPIRED, CommandState.CANCELLED):
        return CommandState.UNKNOWN  # it waits to be sent again, and may have been done the first time
    return following


def step_after(answer: dict[str, Any] | OcppError, action: str, sent: int) -> Step:
    """What it means for a command of `action`, sent so many times, that a CALL brought this result or failed so.

    DeadlinePassed: the answer had not come when the time of the command was over.
    """
    match answer:
        case dict():
            return Step.ACCEPTED if answer.get("status", "Accepted") in _SAYS_YES else Step.REFUSED
        case CallRefused() | PeerError():
            return Step.ERROR
        case NotSent():
            return Step.RETRY
        case InvalidAnswer() | DeadlinePassed():
            return Step.LOST
        case _:
            return Step.RETRY if action in REPEATABLE and sent < MAX_SENT else Step.LOST


def is_answer(result: dict[str, Any] | OcppError) -> bool:
    """Whether it is the station's word on what became of a request."""
    return isinstance(result, dict | CallRefused)
