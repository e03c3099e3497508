"""When stations that must wait may boot again (B02.FR.08, B03.FR.06)."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from csms.blocks.provisioning.stagger import BOOTS_PER_SECOND, BootRetries

NOW = 1_000_000


def retries(seed: int = 7) -> BootRetries:
    return BootRetries(Random(seed))  # noqa: S311 - to be the same every time


def test_one_alone_waits_as_long_as_the_operator_says() -> None:
    assert retries().interval_s("CP_1", NOW, 30) == 30


def test_one_that_boots_again_and_again_is_alone_all_the_same() -> None:
    booking = retries()
    assert {booking.interval_s("CP_1", NOW, 30) for _ in range(1000)} == {30}


def test_five_thousand_at_once_come_back_at_no_more_than_so_many_a_second() -> None:
    booking = retries()
    intervals = [booking.interval_s(f"CP_{number}", NOW, 30) for number in range(5000)]
    assert max(Counter(intervals).values()) <= BOOTS_PER_SECOND
    assert min(intervals) >= 30
    assert max(intervals) <= 30 + 2 * 5000 // BOOTS_PER_SECOND


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others() -> None:
    def intervals(seed: int) -> list[int]:
        booking = retries(seed)
        return [booking.interval_s(f"CP_{number}", NOW, 30) for number in range(500)]

    assert intervals(1) == intervals(1)
    assert intervals(1) != intervals(2)


def test_who_has_come_back_or_was_accepted_makes_room() -> None:
    booking = retries()
    for number in range(1000):
        booking.interval_s(f"CP_{number}", NOW, 30)
    for number in range(500):
        booking.release(f"CP_{number}")
    assert booking.interval_s("CP_x", NOW, 30) <= 30 + 2 * 500 // BOOTS_PER_SECOND
    assert booking.interval_s("CP_y", NOW + 10_000, 30) == 30


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.integers(1, 60)), max_size=300))
def test_no_second_is_ever_given_to_more_than_so_many(boots: list[tuple[int, int, int]]) -> None:
    booking = retries()
    now, comes = NOW, dict[int, int]()
    for station, later, least in boots:
        now += later
        interval = booking.interval_s(str(station), now, least)
        assert interval >= least
        comes[station] = now + interval
        assert max(Counter(comes.values()).values()) <= BOOTS_PER_SECOND
