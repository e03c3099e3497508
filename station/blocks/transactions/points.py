"""When a transaction starts and when it ends: TxStartPoint and TxStopPoint (E01, E06); values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple


class Facts(NamedTuple):
    """What an EVSE looks like to a transaction at one moment.

    bay_occupied: by the parking bay's detector. ev_connected: there is a vehicle on the cable. authorized: somebody
    may charge. signs: its meter delivers signed values. energy_flows: into the vehicle.
    """

    bay_occupied: bool = False
    ev_connected: bool = False
    authorized: bool = False
    signs: bool = False
    energy_flows: bool = False


NOTHING: Final = Facts()

_HOLDS: Final[Mapping[str, Callable[[Facts], bool]]] = {
    "ParkingBayOccupancy": lambda facts: facts.bay_occupied,  # E01.FR.01
    "EVConnected": lambda facts: facts.ev_connected,  # E01.FR.02
    "Authorized": lambda facts: facts.authorized,  # E01.FR.03
    "DataSigned": lambda facts: facts.signs and facts.authorized and facts.ev_connected,  # E01.FR.04
    "PowerPathClosed": lambda facts: facts.authorized and facts.ev_connected,  # E01.FR.05
    "EnergyTransfer": lambda facts: facts.energy_flows,  # E01.FR.06
}
_LASTS_WHILE: Final[Mapping[str, Collection[str]]] = {
    "ParkingBayOccupancy": ("bay_occupied",),  # E06.FR.01
    "EVConnected": ("ev_connected",),  # E06.FR.02
    "Authorized": ("authorized",),  # E06.FR.03, E06.FR.04
    "DataSigned": (),  # means nothing as a stop point (the errata of 2025-02 delete E06.FR.05)
    "PowerPathClosed": ("ev_connected", "authorized"),  # E06.FR.06: one of them is enough, also without the other
    "EnergyTransfer": ("energy_flows", "authorized"),  # E06.FR.07, and E05.FR.10 where nothing flows yet
}
"""The facts that a stop point is about: a transaction is over when one of them holds no more."""
TX_POINTS: Final = frozenset(_HOLDS)
"""The values of TxStartPoint and of TxStopPoint."""


def starts(start_points: Collection[str], before: Facts, now: Facts) -> bool:
    """Whether one of the start points has come to hold, or holds when somebody is authorized.

    A point that has held all the time starts nothing by itself: a vehicle that stays when its transaction has ended
    does not start the next one by being there, but its driver does with a token.
    """
    newly_authorized = now.authorized and not before.authorized
    return any(_HOLDS[point](now) and (newly_authorized or not _HOLDS[point](before)) for point in start_points)


def ends(start_points: Collection[str], stop_points: Collection[str], before: Facts, now: Facts) -> bool:
    """Whether an ongoing transaction is over: by one of its stop points, or because nothing is left to wait for.

    The latter is for settings whose stop point was never reached, as when a vehicle leaves unauthorized where only
    the end of an authorization is to end a transaction: it would last for ever.
    """
    lost = {name for name in Facts._fields if getattr(before, name) and not getattr(now, name)}
    if any(not lost.isdisjoint(_LASTS_WHILE[point]) for point in stop_points):
        return True
    waits_in_bay = now.bay_occupied and "ParkingBayOccupancy" in {*start_points, *stop_points}
    return not (now.ev_connected or now.authorized or waits_in_bay)


def end_with_authorization(stop_points: Collection[str]) -> bool:
    """Whether a transaction is over when its authorization is (E05.FR.10, F03.FR.03)."""
    return any("authorized" in _LASTS_WHILE[point] for point in stop_points)
