"""The states of a durable command, and what an answer means."""

from __future__ import annotations

from typing import Any

import pytest

from csms.commands.states import MAX_SENT, NEXT, REPEATABLE, CommandState, Step, after, step_after
from csms.switchboard import DeadlinePassed, NotSent
from shared.ocppj.errors import (
    CallRefused,
    CallTimedOut,
    ConnectionLost,
    InvalidAnswer,
    OcppError,
    PropertyConstraintViolation,
)
from shared.ocppj.versions import V201

ONCE = sorted(V201.csms_actions - REPEATABLE)


@pytest.mark.parametrize(
    ("response", "step"),
    [
        ({"status": "Accepted"}, Step.ACCEPTED),
        ({"status": "Scheduled"}, Step.ACCEPTED),
        ({"status": "Unlocked"}, Step.ACCEPTED),
        ({}, Step.ACCEPTED),
        ({"getVariableResult": []}, Step.ACCEPTED),
        ({"status": "Rejected"}, Step.REFUSED),
        ({"status": "Occupied"}, Step.REFUSED),
        ({"status": "UnlockFailed"}, Step.REFUSED),
        ({"status": "NotSupported"}, Step.REFUSED),
        (CallRefused("InternalError"), Step.ERROR),
        (PropertyConstraintViolation("/id: must be at least 0"), Step.ERROR),
        (NotSent("the database does not answer"), Step.RETRY),
        (InvalidAnswer("?"), Step.LOST),
        (DeadlinePassed("its time is over"), Step.LOST),
    ],
)
def test_what_an_answer_means(response: dict[str, Any] | OcppError, step: Step) -> None:
    assert step_after(response, "Reset", 1) is step


@pytest.mark.parametrize("error", [CallTimedOut("x"), ConnectionLost("x")])
def test_without_an_answer_only_what_may_be_done_twice_is_sent_again_and_not_for_ever(error: OcppError) -> None:
    for action in ONCE:
        assert step_after(error, action, 1) is Step.LOST
    for action in REPEATABLE:
        assert step_after(error, action, MAX_SENT - 1) is Step.RETRY
        assert step_after(error, action, MAX_SENT) is Step.LOST


def test_what_may_be_done_twice_is_of_this_version_and_starts_are_not_among_it() -> None:
    assert V201.csms_actions >= REPEATABLE
    assert {"RequestStartTransaction", "RequestStopTransaction", "Reset", "UnlockConnector"} <= set(ONCE)


def test_what_is_final_is_never_sent_again() -> None:
    for (state, _), following in NEXT.items():
        if state.is_final:
            assert following.is_final


@pytest.mark.parametrize("sent", [0, 1])
def test_every_state_that_is_not_final_ends_at_expiry(sent: int) -> None:
    for state in CommandState:
        following = after(state, Step.EXPIRY, sent)
        assert following is None if state.is_final else following is not None and following.is_final


@pytest.mark.parametrize("step", [Step.EXPIRY, Step.CANCEL])
def test_what_was_sent_before_may_have_been_done(step: Step) -> None:
    assert after(CommandState.QUEUED, step, 1) is CommandState.UNKNOWN
