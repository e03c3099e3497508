"""Samples are due once an interval, whatever fractions of a second the clock has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from station.blocks.meter_values import Sampling, Signer
from station.blocks.transactions.pace import Kind, Pace
from station.device_model import SAMPLED_DATA_TX_UPDATED_INTERVAL, DeviceModel
from station.state import MemoryState
from tests.station.life.chance import Chance

INTERVAL_S = 300


class HandClock:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self._monotonic())


@example(began=3924.7659171056287)  # 300 s later is less than 300 s after that, by a hair
@given(began=st.floats(0, 10**7))
def test_j02_fr_11_a_sample_is_due_once_each_time_it_was_waited_for(began: float) -> None:
    now = began
    clock = HandClock(lambda: now)
    variables = DeviceModel(MemoryState())
    variables[SAMPLED_DATA_TX_UPDATED_INTERVAL] = INTERVAL_S
    signer = Signer("CP_1", MemoryState(), variables, Chance(1, "signer").random)
    pace = Pace(Sampling(variables, clock, signer), clock, lambda: now)
    pace.begin()
    taken = Counter[Kind]()
    while now < began + 20.5 * INTERVAL_S:
        now = pace.next_at()
        due = pace.due()
        assert due
        assert pace.due() == []
        taken.update(due)
    assert taken[Kind.UPDATED] in {20, 21}, "the last one may be just out of reach"
