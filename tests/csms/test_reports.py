"""A report of a station's variables: which parts have come (B07.FR.10, B08.FR.14)."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from csms.reports import MOST_PARTS, Report

NOW = datetime(2026, 11, 22, tzinfo=UTC)
EMPTY = Report(1, "FullInventory", NOW, NOW)


def after(*parts: tuple[int, bool]) -> Report:
    """The report after these parts: seqNo and tbc."""
    report = EMPTY
    for seq_no, tbc in parts:
        report = report.with_part(seq_no, tbc=tbc, now=NOW)
    return report


def test_of_one_part_it_is_complete_with_that() -> None:
    assert not EMPTY.is_complete
    assert after((0, False)).is_complete


def test_until_the_last_part_has_come_it_is_not_complete() -> None:
    report = after((0, True), (1, True))
    assert (report.is_complete, report.missing) == (False, [])


def test_a_part_that_is_missing_is_told() -> None:
    report = after((0, True), (3, False))
    assert (report.is_complete, report.missing) == (False, [1, 2])


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=6))
def test_parts_may_come_in_any_order_and_again(order: list[int], again: list[int]) -> None:
    parts = [(seq_no, seq_no != 5) for seq_no in [*order, *again]]
    for count in range(len(order)):
        assert after(*parts[:count]).is_complete == (set(order[:count]) == set(range(6)))
    assert after(*parts).is_complete


def test_a_part_that_could_not_be_kept_is_missing_again() -> None:
    assert after((0, True), (1, False)).without_part(0).missing == [0]
    assert after((0, True), (1, False)).without_part(1).missing == [1]


def test_numbers_out_of_all_reason_take_no_memory() -> None:
    for seq_no in (-1, MOST_PARTS, 2**31 - 1):
        report = after((0, True), (seq_no, False))
        assert (report.seen, report.is_complete) == (1, False)
        assert report.without_part(seq_no) == report
