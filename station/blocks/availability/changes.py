"""Parts of the station go out of use and come back, at once or when their transactions are over (G03, G04)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from station.blocks.availability.switches import part_at, remember_switches, switch_as_remembered
from station.hardware import Hardware
from station.state import State
from station.state.keys import SCHEDULED_INOPERATIVE

ChangeStatus = Literal["Accepted", "Rejected", "Scheduled"]


class Changes:
    """What is switched off, and what will be; both outlast a power cycle (G03.FR.08, G04.FR.09)."""

    def __init__(self, hardware: Hardware, state: State, *, ongoing: Callable[[int | None], bool]) -> None:
        """Switches the hardware as remembered. ongoing: whether a transaction is, on this EVSE or on any."""
        self._hardware = hardware
        self._state = state
        self._ongoing = ongoing
        self._scheduled: list[list[int]] = state.get(SCHEDULED_INOPERATIVE) or []
        switch_as_remembered(hardware, state)

    def request(self, path: list[int], *, operative: bool) -> ChangeStatus:
        """Take a part into or out of use, now or when its transaction is over (G03.FR.05, G04.FR.06).

        path: [] for the station, [evseId], or [evseId, connectorId]; Rejected for a part that is not there.
        """
        part = part_at(self._hardware, path)
        if part is None:
            return "Rejected"
        self._scheduled = [other for other in self._scheduled if other != path]
        if not operative and part.operative and self._ongoing(_evse_id(path)):
            self._scheduled.append(path)
            self._remember()
            return "Scheduled"
        self._remember()
        part.switch(operative=operative)
        return "Accepted"

    def settle(self) -> bool:
        """Carry out what was waiting for a transaction that is over now. Returns whether there was anything."""
        due = [path for path in self._scheduled if not self._ongoing(_evse_id(path))]
        if not due:
            return False
        self._scheduled = [path for path in self._scheduled if path not in due]
        self._remember()
        for path in due:
            part = part_at(self._hardware, path)
            if part is not None:
                part.switch(operative=False)
        return True

    def closes(self, evse_id: int) -> bool:
        """Nobody new may charge at this EVSE, as the station will go out of use when others are done."""
        return [] in self._scheduled and not self._ongoing(evse_id)

    def hardware_changed(self) -> None:
        """What is switched off stays so over a reboot."""
        remember_switches(self._hardware, self._state)

    def _remember(self) -> None:
        if self._scheduled:
            self._state.put(SCHEDULED_INOPERATIVE, self._scheduled)
        else:
            self._state.delete(SCHEDULED_INOPERATIVE)


def _evse_id(path: list[int]) -> int | None:
    return path[0] if path else None
