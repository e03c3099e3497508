"""Which parts of the station are switched off, also after a boot (B01.FR.07, B11.FR.02, G03.FR.08, G04.FR.09)."""

from __future__ import annotations

from collections.abc import Iterator

from station.hardware import Connector, Evse, Hardware
from station.state import State
from station.state.keys import AVAILABILITY


def switch_as_remembered(hardware: Hardware, state: State) -> None:
    """Switch every part on or off, as it was when that was remembered."""
    switched_off: list[list[int]] = state.get(AVAILABILITY) or []
    for path, part in _parts(hardware):
        part.switch(operative=path not in switched_off)


def remember_switches(hardware: Hardware, state: State) -> None:
    """Put into the state which parts are switched off."""
    switched_off = [path for path, part in _parts(hardware) if not part.operative]
    if switched_off:
        state.put(AVAILABILITY, switched_off)
    else:
        state.delete(AVAILABILITY)


def part_at(hardware: Hardware, path: list[int]) -> Hardware | Evse | Connector | None:
    """The station, EVSE or connector of a path [], [evseId] or [evseId, connectorId]; None where there is none."""
    return next((part for other, part in _parts(hardware) if other == path), None)


def _parts(hardware: Hardware) -> Iterator[tuple[list[int], Hardware | Evse | Connector]]:
    yield [], hardware
    for evse in hardware.evses:
        yield [evse.evse_id], evse
    for evse, connector in hardware.connectors():
        yield [evse.evse_id, connector.connector_id], connector
