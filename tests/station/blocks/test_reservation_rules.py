"""H Reservation: the rules alone, as the requirements have them (H01, H02, H04)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from station.blocks.reservation.rules import Book, Condition, Place, Reservation, cancel, expire, reserve, settle

NOW = datetime(2026, 11, 22, tzinfo=UTC)
USABLE, FAULTED, UNAVAILABLE = Condition.USABLE, Condition.FAULTED, Condition.UNAVAILABLE


def place(evse_id: int, *types: str, condition: Condition = USABLE, taken: bool = False) -> Place:
    return Place(evse_id, tuple((name, condition) for name in types or ("t",)), taken)


def wish(number: int, evse_id: int | None = None, connector_type: str | None = None, lasts_s: int = 60) -> Reservation:
    return Reservation(number, NOW + timedelta(seconds=lasts_s), evse_id, connector_type)


def booked(places: list[Place], *wishes: Reservation) -> Book:
    book = Book()
    for wanted in wishes:
        book, status = reserve(book, wanted, places)
        assert status == "Accepted"
    return book


def ids(reservations: Iterable[Reservation]) -> list[int]:
    return [reservation.id for reservation in reservations]


def test_h01_fr_23_an_available_evse_is_reserved() -> None:
    places = [place(1), place(2)]
    book, status = reserve(Book(), wish(7, evse_id=2), places)
    assert status == "Accepted"
    assert book == Book((wish(7, evse_id=2),), frozenset({2}))


@pytest.mark.parametrize(
    ("there", "status"),
    [
        ([place(1, taken=True)], "Occupied"),  # H01.FR.11
        ([place(1, condition=FAULTED)], "Faulted"),  # H01.FR.12
        ([place(1, condition=UNAVAILABLE)], "Unavailable"),  # H01.FR.14
        ([place(1, "a", condition=UNAVAILABLE, taken=True)], "Unavailable"),
        ([Place(1, (("a", FAULTED), ("b", UNAVAILABLE)))], "Faulted"),
        ([Place(1, (("a", FAULTED), ("b", USABLE)), taken=True)], "Occupied"),
        ([place(2)], "Rejected"),
    ],
)
def test_h01_what_cannot_be_reserved_is_answered_with_how_it_is(there: list[Place], status: str) -> None:
    assert reserve(Book(), wish(1, evse_id=1), there) == (Book(), status)


@pytest.mark.parametrize(
    ("there", "status"),
    [
        ([place(1, taken=True), place(2, taken=True)], "Occupied"),
        ([place(1, condition=FAULTED), place(2, condition=FAULTED)], "Faulted"),
        ([place(1, condition=UNAVAILABLE), place(2, condition=UNAVAILABLE)], "Unavailable"),
        ([place(1, condition=FAULTED), place(2, taken=True)], "Occupied"),
        ([place(1, condition=UNAVAILABLE), place(2, condition=FAULTED)], "Faulted"),
    ],
)
def test_h01_of_several_evses_the_one_that_would_be_free_first_is_answered(there: list[Place], status: str) -> None:
    assert reserve(Book(), wish(1), there) == (Book(), status)


def test_h01_fr_11_a_reserved_evse_is_answered_with_occupied() -> None:
    places = [place(1), place(2)]
    book = booked(places, wish(1, evse_id=1))
    assert reserve(book, wish(2, evse_id=1), places) == (book, "Occupied")


def test_h01_fr_02_the_same_id_replaces_the_reservation() -> None:
    places = [place(1), place(2)]
    book = booked(places, wish(1, evse_id=1), wish(1, evse_id=2))
    assert book == Book((wish(1, evse_id=2),), frozenset({2}))
    book = booked(places, wish(1, evse_id=1), wish(1, evse_id=1, lasts_s=99))
    assert book == Book((wish(1, evse_id=1, lasts_s=99),), frozenset({1}))


def test_h01_fr_02_a_reservation_is_not_lost_to_one_that_cannot_be_kept() -> None:
    places = [place(1), place(2, taken=True)]
    book = booked(places, wish(1, evse_id=1))
    assert reserve(book, wish(1, evse_id=2), places) == (book, "Occupied")


def test_h01_fr_04_h01_fr_20_evses_are_held_when_as_many_are_available_as_are_reserved() -> None:
    places = [place(1), place(2), place(3, condition=FAULTED)]
    assert booked(places, wish(1)).held == frozenset()
    assert booked(places, wish(1), wish(2)).held == {1, 2}


def test_h01_fr_06_h01_fr_24_evses_with_the_type_are_held_when_as_many_are_available_as_are_reserved() -> None:
    places = [place(1, "a"), place(2, "a", "b"), place(3, "b")]
    assert booked(places, wish(1, connector_type="a")).held == frozenset()
    assert booked(places, wish(1, connector_type="a"), wish(2, connector_type="a")).held == {1, 2}
    assert reserve(Book(), wish(1, connector_type="c"), places) == (Book(), "Rejected")


def test_h01_fr_09_the_connector_that_was_asked_for_must_be_usable() -> None:
    places = [Place(1, (("a", FAULTED), ("b", USABLE)))]
    assert reserve(Book(), wish(1, connector_type="a"), places) == (Book(), "Faulted")
    assert reserve(Book(), wish(1, evse_id=1, connector_type="b"), places)[1] == "Accepted"


def test_h01_an_evse_and_a_type_it_does_not_have_is_rejected() -> None:
    assert reserve(Book(), wish(1, evse_id=1, connector_type="b"), [place(1, "a"), place(2, "b")])[1] == "Rejected"


def test_h01_fr_07_reservations_of_different_kinds_do_not_take_each_other_s_evse() -> None:
    places = [place(1, "a"), place(2, "a", "b")]
    book = booked(places, wish(1), wish(2, connector_type="a"))
    assert book.held == {1, 2}
    book = booked(places, wish(1, connector_type="a"), wish(2, connector_type="b"))
    assert book.held == {1, 2}
    assert reserve(book, wish(3), places) == (book, "Occupied")


def test_h01_fr_07_a_vehicle_at_one_evse_leaves_the_last_other_one_reserved() -> None:
    places = [place(1), place(2)]
    book, removed = settle(booked(places, wish(1)), [replace(places[0], taken=True), places[1]])
    assert (book.held, removed) == (frozenset({2}), ())


def test_g01_fr_09_a_vehicle_at_a_reserved_evse_leaves_it_reserved() -> None:
    places = [place(1), place(2)]
    book = booked(places, wish(1, evse_id=1))
    places[0] = replace(places[0], taken=True)
    assert settle(book, places) == (book, ())
    assert reserve(book, wish(1, evse_id=1), places)[1] == "Accepted"
    assert reserve(book, wish(2, evse_id=1), places)[1] == "Occupied"


def test_g01_fr_09_a_vehicle_that_waits_at_a_reserved_evse_has_it_when_another_becomes_free() -> None:
    here, there = place(1), place(2)
    waiting = replace(there, taken=True)
    book, _ = settle(booked([here, there], wish(1)), [replace(here, taken=True), there])
    book, _ = settle(book, [replace(here, taken=True), waiting])
    assert book.held == {2}
    book, _ = settle(book, [here, waiting])
    assert book.held == {1}


@pytest.mark.parametrize("condition", [FAULTED, UNAVAILABLE])
def test_h01_fr_16_h01_fr_17_a_reservation_ends_with_its_evse(condition: Condition) -> None:
    places = [place(1), place(2)]
    book = booked(places, wish(1, evse_id=1), wish(2, evse_id=2))
    book, removed = settle(book, [place(1, condition=condition), place(2)])
    assert (ids(removed), ids(book.reservations), book.held) == ([1], [2], frozenset({2}))


def test_h01_fr_16_a_reservation_of_any_evse_goes_on_as_long_as_there_is_one_for_it() -> None:
    places = [place(1), place(2)]
    book, removed = settle(booked(places, wish(1)), [place(1, condition=FAULTED), place(2)])
    assert (removed, book.held) == ((), frozenset({2}))


def test_h01_fr_16_of_more_reservations_than_evses_those_made_first_stay() -> None:
    places = [place(1), place(2), place(3)]
    book = booked(places, wish(3), wish(2), wish(1))
    book, removed = settle(book, [place(1, condition=FAULTED), place(2), place(3)])
    assert (ids(removed), ids(book.reservations)) == ([1], [3, 2])


def test_h02_fr_01_what_is_not_reserved_cannot_be_cancelled() -> None:
    assert cancel(booked([place(1)], wish(1)), 2, [place(1)]) is None


def test_h02_fr_02_h02_fr_03_a_cancelled_reservation_frees_its_evse() -> None:
    places = [place(1), place(2)]
    assert cancel(booked(places, wish(1, evse_id=1)), 1, places) == Book()


def test_h02_fr_06_evses_that_were_held_for_any_reservation_are_free_when_one_is_cancelled() -> None:
    places = [place(1), place(2)]
    book = cancel(booked(places, wish(1), wish(2)), 1, places)
    assert book == Book((wish(2),), frozenset())


def test_h04_fr_01_h04_fr_02_an_expired_reservation_frees_its_evse() -> None:
    places = [place(1), place(2)]
    book = booked(places, wish(1, evse_id=1, lasts_s=10), wish(2, evse_id=2, lasts_s=20))
    assert book.next_expiry == NOW + timedelta(seconds=10)
    assert expire(book, NOW + timedelta(seconds=9.9), places) == (book, ())
    book, expired = expire(book, NOW + timedelta(seconds=10), places)
    assert (ids(expired), ids(book.reservations), book.held) == ([1], [2], frozenset({2}))
    book, expired = expire(book, NOW + timedelta(seconds=20), places)
    assert (ids(expired), book, book.next_expiry) == ([2], Book(), None)
