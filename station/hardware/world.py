"""What the parts of one station share: the time, the mains, and whom to tell of a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from station.hardware.watchers import Watchers

SLICE_S: Final = 300.0
"""For so long voltage, frequency and ambient temperature stay as they are."""
NOMINAL_VOLTAGE_V: Final = 230.0
VOLTAGE_DROP: Final = 0.03
"""At most this share of the nominal voltage is lost on the way to the outlet. The nominal voltage is never exceeded: so
a limit in watts that was turned into amperes with it, as stations do, holds whatever the mains do."""
_NOMINAL_FREQUENCY_HZ: Final = 50.0
_FREQUENCY_SPREAD_HZ: Final = 0.04
_AMBIENT_C: Final = 18.0
_AMBIENT_SPREAD_C: Final = 1.0

_MASK: Final = (1 << 64) - 1
_SHARE: Final = 1.0 / 0xFFFF


class Mains(NamedTuple):
    """What the grid and the weather give: volts from each phase (L1, L2, L3) to neutral, hertz, degrees Celsius."""

    voltages_v: tuple[float, float, float]
    frequency_hz: float
    ambient_c: float


def mains_at(seed: int, index: int) -> Mains:
    """The mains in the slice of time with this index: noise that depends on nothing but the seed and the slice.

    So it is the same whoever looks, and however often. seed: 64 bits.
    """
    first, second = _mixed(seed ^ _mixed(2 * index)), _mixed(seed ^ _mixed(2 * index + 1))
    drops = (first & 0xFFFF, first >> 16 & 0xFFFF, first >> 32 & 0xFFFF)
    one, two, three = (NOMINAL_VOLTAGE_V * (1.0 - VOLTAGE_DROP * drop * _SHARE) for drop in drops)
    return Mains(
        (one, two, three),
        _NOMINAL_FREQUENCY_HZ + _FREQUENCY_SPREAD_HZ * ((first >> 48) * _SHARE - 0.5),
        _AMBIENT_C + _AMBIENT_SPREAD_C * ((second & 0xFFFF) * _SHARE - 0.5),
    )


def _mixed(number: int) -> int:
    """64 bits that look random: a counter, multiplied and folded (the finaliser of SplitMix64)."""
    number = number * 0x9E3779B97F4A7C15 & _MASK
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 31


BEST_MAINS: Final = Mains((NOMINAL_VOLTAGE_V,) * 3, _NOMINAL_FREQUENCY_HZ, _AMBIENT_C)
"""The mains with which energy flows fastest."""


class World:
    """The surroundings of one station. `now` gives seconds that only go forward."""

    __slots__ = ("_index", "_mains", "_seed", "changed", "now", "powered")

    def __init__(self, monotonic: Callable[[], float], seed: int) -> None:
        """seed: 64 bits, for the noise of the mains."""
        self.now = monotonic
        self.changed: Watchers[[]] = Watchers()
        self.powered = True
        self._seed = seed
        self._index: int | None = None
        self._mains: Mains | None = None

    def mains_until(self, at: float) -> float:
        """Until when the mains stay as they are at this moment."""
        return (at // SLICE_S + 1) * SLICE_S

    def mains(self, at: float) -> Mains:
        """The mains at a moment, in seconds as `now` counts them."""
        index = int(at // SLICE_S)
        if self._mains is None or self._index != index:
            self._index, self._mains = index, mains_at(self._seed, index)
        return self._mains
