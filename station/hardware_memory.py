"""The hardware outlives the process where the station's state does: registers, cables, vehicles and defects."""

from __future__ import annotations

from station.hardware import Hardware
from station.state import State, StateUnavailable
from station.state.keys import HARDWARE


def remember_hardware(hardware: Hardware, state: State) -> None:
    """Make the hardware, which nobody has touched yet, as it was, and have it remembered from now on.

    It is kept with every change of what the firmware remembers. So what the CSMS was told of a meter that meter has
    counted, whenever the process ends. Raises StateUnavailable when the station was built otherwise.
    """
    before = state.get(HARDWARE)
    if before is not None:
        try:
            hardware.restore(before)
        except ValueError as error:
            raise StateUnavailable(
                "the state directory is that of a station with other EVSEs and connectors: "
                "start it with those, or with another directory"
            ) from error
    state.keep_along(HARDWARE, hardware.snapshot)
