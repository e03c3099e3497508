"""The lifecycle of a connected station: which step leads where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csms.blocks.lifecycle import NEXT, State, Step, after

BOOTS = (Step.BOOT_ACCEPTED, Step.BOOT_PENDING, Step.BOOT_REJECTED)


@given(st.lists(st.sampled_from(Step)))
def test_b01_ready_means_that_the_last_boot_was_accepted_and_a_connector_was_reported_since(steps: list[Step]) -> None:
    state = State.OFF
    last_boot: Step | None = None
    reported = False
    for step in steps:
        if (state, step) not in NEXT:
            with pytest.raises(KeyError):
                after(state, step)
            continue
        state = after(state, step)
        if step in BOOTS:
            last_boot, reported = step, False
        else:
            reported = True
        assert state.is_accepted == (last_boot is Step.BOOT_ACCEPTED)
        assert (state is State.READY) == (last_boot is Step.BOOT_ACCEPTED and reported)
        assert (state is State.PENDING) == (last_boot is Step.BOOT_PENDING)
        assert (state is State.REJECTED) == (last_boot is Step.BOOT_REJECTED)


@pytest.mark.parametrize("state", State)
def test_a_station_may_boot_at_any_time(state: State) -> None:
    assert after(state, Step.BOOT_ACCEPTED) is State.POWERED_UP
    assert after(state, Step.BOOT_PENDING) is State.PENDING
    assert after(state, Step.BOOT_REJECTED) is State.REJECTED


@pytest.mark.parametrize("state", [State.OFF, State.REJECTED])
def test_b01_fr_10_no_connector_is_reported_before_boot_nor_after_a_rejection(state: State) -> None:
    with pytest.raises(KeyError):
        after(state, Step.STATUS_REPORTED)
