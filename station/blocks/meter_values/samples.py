"""A reading of a meter as a MeterValueType; values in, values out (J01.FR.07 ff., J02.FR.02 ff.)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from station.hardware import Reading
from station.outgoing import Payload

Signature = Callable[[float], Payload]
"""Makes a SignedMeterValueType of what the register shows, in Wh."""

_DECIMALS: Final = 3


class _Sample(NamedTuple):
    value: float
    phase: str | None = None


def _per_phase(values: Callable[[Reading], tuple[float, ...]], suffix: str = "") -> Callable[[Reading], list[_Sample]]:
    """One sample a phase; direct current has none."""

    def samples(reading: Reading) -> list[_Sample]:
        return [
            _Sample(value, None if phase is None else f"{phase}{suffix}")
            for phase, value in zip(reading.phases, values(reading), strict=True)
        ]

    return samples


def _one(value: Callable[[Reading], float]) -> Callable[[Reading], list[_Sample]]:
    return lambda reading: [_Sample(value(reading))]


_UNITS: Final[Mapping[str, str]] = {
    "Energy.Active.Import.Register": "Wh",
    "Energy.Active.Import.Interval": "Wh",
    "Power.Active.Import": "W",
    "Power.Offered": "W",
    "Current.Import": "A",
    "Current.Offered": "A",
    "Voltage": "V",
    "Frequency": "Hz",
    "SoC": "Percent",
}  # Power.Factor has none
_SAMPLES: Final[Mapping[str, Callable[[Reading], list[_Sample]]]] = {
    "Energy.Active.Import.Register": _one(lambda reading: reading.energy_wh),
    "Energy.Active.Import.Interval": _one(lambda reading: reading.energy_interval_wh),
    "Power.Active.Import": lambda reading: [
        _Sample(reading.power_w),
        *(_per_phase(lambda reading: reading.powers_w)(reading) if len(reading.phases) > 1 else ()),
    ],
    "Power.Offered": _one(lambda reading: reading.power_offered_w),
    "Power.Factor": _one(lambda reading: reading.power_factor),
    "Current.Import": _per_phase(lambda reading: reading.currents_a),
    "Current.Offered": _one(lambda reading: reading.current_offered_a),
    "Voltage": _per_phase(lambda reading: reading.voltages_v, "-N"),
    "Frequency": _one(lambda reading: reading.frequency_hz),
    "SoC": lambda reading: [] if reading.soc is None else [_Sample(reading.soc * 100)],
}
MEASURANDS: Final = frozenset(_SAMPLES)
_SIGNED: Final = frozenset({"Energy.Active.Import.Register"})
"""Only the register is signed, as it is what a bill is made of."""


def meter_value(
    reading: Reading, timestamp: str, measurands: Collection[str], context: str, signature: Signature | None = None
) -> Payload | None:
    """A MeterValueType with what the reading has of these measurands, None if it has nothing.

    context: a value of ReadingContextEnumType. signature: signs what can be signed (J02.FR.21); None: nothing is.
    """
    values = [
        _sampled_value(measurand, sample, context, signature)
        for measurand in measurands
        for sample in _SAMPLES[measurand](reading)
    ]
    return {"timestamp": timestamp, "sampledValue": values} if values else None


def _sampled_value(measurand: str, sample: _Sample, context: str, signature: Signature | None) -> Payload:
    value: Payload = {"value": round(sample.value, _DECIMALS), "measurand": measurand, "context": context}
    if measurand != "SoC":
        value["location"] = "Outlet"
    else:
        value["location"] = "EV"
    if sample.phase is not None:
        value["phase"] = sample.phase
    if measurand in _UNITS:
        value["unitOfMeasure"] = {"unit": _UNITS[measurand]}
    if signature is not None and measurand in _SIGNED:
        value["signedMeterValue"] = signature(value["value"])
    return value
