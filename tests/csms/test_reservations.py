"""The reservations this CSMS has made: as many as there are, each is found at once."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Final

import pytest

from csms.reservations import Reservations, ReservationState
from shared.clock import TrioClock
from tests.csms.site import START

HOUR: Final = timedelta(hours=1)


@pytest.fixture
async def reservations() -> Reservations:
    return Reservations(TrioClock(START), Random(7))  # noqa: S311 - to be the same every time


def make(reservations: Reservations, station_id: str, reservation_id: int, evse_id: int = 1) -> None:
    reservations.accepted(station_id, {"id": reservation_id, "evseId": evse_id}, START + HOUR)


async def test_one_is_found_by_its_id(reservations: Reservations) -> None:
    make(reservations, "CP_1", 1)
    make(reservations, "CP_2", 2)
    found = reservations.get(2)
    assert found is not None
    assert (found.station_id, found.reservation_id, found.evse_id) == ("CP_2", 2, 1)
    assert reservations.get(3) is None


@pytest.mark.parametrize(("ended", "active"), [("CP_1", "CP_2"), ("CP_2", "CP_1")])
async def test_of_two_with_one_id_the_active_one_is_found(reservations: Reservations, ended: str, active: str) -> None:
    make(reservations, "CP_1", 1)
    make(reservations, "CP_2", 1)
    reservations.end(ended, 1, ReservationState.REMOVED)
    found = reservations.get(1)
    assert found is not None
    assert found.station_id == active


async def test_one_that_is_made_again_is_there_once(reservations: Reservations) -> None:
    make(reservations, "CP_1", 1, evse_id=1)
    make(reservations, "CP_1", 1, evse_id=2)
    found = reservations.get(1)
    assert found is not None
    assert found.evse_id == 2
    assert [one.evse_id for one in reservations] == [2]


async def test_those_that_ended_long_ago_are_forgotten_and_the_active_ones_are_not(reservations: Reservations) -> None:
    for reservation_id in range(1, 301):
        make(reservations, "CP_1", reservation_id, evse_id=reservation_id)
        if reservation_id % 2:
            reservations.end("CP_1", reservation_id, ReservationState.USED)
    kept = [one.reservation_id for one in reservations]
    assert [one for one in kept if one % 2 == 0] == list(range(2, 301, 2))
    assert [one for one in kept if one % 2] == list(range(101, 301, 2))
    assert [one for one in range(1, 301) if reservations.get(one) is not None] == sorted(kept)


async def test_a_new_id_is_nobody_elses(reservations: Reservations) -> None:
    taken = Random(7).randint(1, 2**31 - 1)  # noqa: S311 - what it would draw next
    make(reservations, "CP_1", taken)
    assert reservations.new_id() != taken
