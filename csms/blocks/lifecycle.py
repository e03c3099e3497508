"""Where a connected station is between being plugged in and being ready for drivers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class State(enum.StrEnum):
    """Off: has not booted. Pending, Rejected: has, and must wait. PoweredUp: accepted. Ready: told of a connector."""

    OFF = "Off"
    PENDING = "Pending"
    REJECTED = "Rejected"
    POWERED_UP = "PoweredUp"
    READY = "Ready"

    @property
    def is_accepted(self) -> bool:
        """Whether all messages may be exchanged."""
        return self in (State.POWERED_UP, State.READY)


class Step(enum.StrEnum):
    """What moves a station on: how its boot was answered, or that it reported a connector."""

    BOOT_ACCEPTED = "Accepted"
    BOOT_PENDING = "Pending"
    BOOT_REJECTED = "Rejected"
    STATUS_REPORTED = "StatusNotification"


_AFTER_BOOT: Final[Mapping[Step, State]] = {
    Step.BOOT_ACCEPTED: State.POWERED_UP,  # B01
    Step.BOOT_PENDING: State.PENDING,  # B02
    Step.BOOT_REJECTED: State.REJECTED,  # B03
}

NEXT: Final[Mapping[tuple[State, Step], State]] = {
    **{
        (state, step): after for state in State for step, after in _AFTER_BOOT.items()
    },  # a station may boot at any time
    (State.POWERED_UP, Step.STATUS_REPORTED): State.READY,
    (State.READY, Step.STATUS_REPORTED): State.READY,
    (State.PENDING, Step.STATUS_REPORTED): State.PENDING,  # B02.FR.02: sent because the CSMS triggered it
}


def after(state: State, step: Step) -> State:
    """The state that `step` leads to. Raises KeyError for a step that cannot be taken in `state`."""
    return NEXT[state, step]
