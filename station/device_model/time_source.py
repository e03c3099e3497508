"""Where the station has its time from (B01.FR.06, G02.FR.06)."""

from __future__ import annotations

from station.device_model.communication import TIME_SOURCE
from station.device_model.model import DeviceModel


def follows_csms(variables: DeviceModel) -> bool:
    """The clock is set by what the CSMS says in its answers."""
    return variables[TIME_SOURCE][0] == "Heartbeat"
