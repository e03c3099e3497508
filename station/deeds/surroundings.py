"""What is done around a station: its network, its power, and single messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from station.app import REBOOT_S, Station
from station.deeds.deed import Deed, Impossible, Values
from station.faults import FAULTS_FIELDS
from station.fields import Field, flag, number

_LONGEST_S: Final = 1_000_000


def _cycle_power(station: Station, values: Values) -> None:
    if station.firmware is None:
        raise Impossible("the station is off already")
    graceful: bool = values["graceful"]
    station.reboot("LocalReset" if graceful else "PowerUp", graceful=graceful, off_s=values["seconds"])


STATION_DEEDS: Final[Mapping[str, Deed[Station]]] = MappingProxyType(
    {
        "network-down": Deed.with_values(
            {"seconds": Field(number(above=0, most=_LONGEST_S)), "half_open": Field(flag, default=False)},
            lambda station, values: station.network.down(values["seconds"], half_open=values["half_open"]),
        ),
        "network-up": Deed.simple(lambda station: station.network.up()),
        "power-cycle": Deed.with_values(
            {
                "graceful": Field(flag, default=False),
                "seconds": Field(number(least=0, most=_LONGEST_S), default=REBOOT_S),
            },
            _cycle_power,
        ),
        "faults": Deed.with_values(
            FAULTS_FIELDS, lambda station, values: station.faults.replace(values["rules"], values["seed"])
        ),
        "clear-faults": Deed.simple(lambda station: station.faults.clear()),
    }
)
