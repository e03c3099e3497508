"""E01, E06: what begins and what ends a transaction; values in, values out."""

from __future__ import annotations

import pytest

from station.blocks.transactions.points import NOTHING, TX_POINTS, Facts, end_with_authorization, ends, starts
from station.device_model import TX_POINTS as CONFIGURABLE

CHARGING = Facts(bay_occupied=True, ev_connected=True, authorized=True, signs=True, energy_flows=True)


def test_every_point_that_can_be_configured_is_known() -> None:
    assert frozenset(CONFIGURABLE) == TX_POINTS


@pytest.mark.parametrize(
    ("point", "now"),
    [
        ("ParkingBayOccupancy", Facts(bay_occupied=True)),  # E01.FR.01
        ("EVConnected", Facts(ev_connected=True)),  # E01.FR.02
        ("Authorized", Facts(authorized=True)),  # E01.FR.03
        ("DataSigned", Facts(authorized=True, ev_connected=True, signs=True)),  # E01.FR.04
        ("PowerPathClosed", Facts(authorized=True, ev_connected=True)),  # E01.FR.05
        ("EnergyTransfer", Facts(energy_flows=True)),  # E01.FR.06
    ],
)
def test_e01_a_point_starts_a_transaction_when_it_comes_to_hold(point: str, now: Facts) -> None:
    assert starts([point], NOTHING, now)
    assert not starts(TX_POINTS - {point}, now, now)
    assert not starts([point], now, now)


@pytest.mark.parametrize(
    ("point", "lost"),
    [
        ("ParkingBayOccupancy", {"bay_occupied"}),  # E06.FR.01
        ("EVConnected", {"ev_connected"}),  # E06.FR.02
        ("Authorized", {"authorized"}),  # E06.FR.03, E06.FR.04
        ("DataSigned", set()),  # E06.FR.05 was deleted
        ("PowerPathClosed", {"ev_connected", "authorized"}),  # E06.FR.06
        ("EnergyTransfer", {"energy_flows", "authorized"}),  # E06.FR.07, E05.FR.10
    ],
)
def test_e06_a_stop_point_ends_a_transaction_when_something_it_is_about_holds_no_more(
    point: str, lost: set[str]
) -> None:
    assert {
        name for name in Facts._fields if ends(TX_POINTS, [point], CHARGING, CHARGING._replace(**{name: False}))
    } == lost
    assert not ends(TX_POINTS, [point], CHARGING, CHARGING)


def test_e06_fr_06_half_of_the_power_path_is_enough_to_end_a_transaction() -> None:
    parked, points = Facts(bay_occupied=True), ["PowerPathClosed"]
    assert ends(["ParkingBayOccupancy"], points, parked._replace(ev_connected=True), parked)
    assert ends(["ParkingBayOccupancy"], points, parked._replace(authorized=True), parked)


def test_e01_fr_02_a_vehicle_that_stays_begins_the_next_transaction_only_with_a_token() -> None:
    stays = Facts(ev_connected=True)
    assert not starts(["EVConnected"], stays, stays)
    assert starts(["EVConnected"], stays, stays._replace(authorized=True))


def test_e06_what_no_stop_point_would_ever_end_ends_when_nothing_is_left_to_wait_for() -> None:
    assert ends(["EVConnected"], ["Authorized"], Facts(ev_connected=True), NOTHING)
    parked = Facts(bay_occupied=True)
    assert not ends(["ParkingBayOccupancy"], ["Authorized"], Facts(bay_occupied=True, ev_connected=True), parked)
    assert ends(["EVConnected"], ["Authorized"], Facts(bay_occupied=True, ev_connected=True), parked)


@pytest.mark.parametrize(
    ("points", "ended"),
    [
        (["Authorized"], True),
        (["PowerPathClosed", "EVConnected"], True),
        (["EnergyTransfer"], True),
        (["EVConnected"], False),
        (["DataSigned", "ParkingBayOccupancy"], False),
    ],
)
def test_f03_fr_02_f03_fr_03_which_stop_points_a_remote_stop_reaches(points: list[str], *, ended: bool) -> None:
    assert end_with_authorization(points) is ended
