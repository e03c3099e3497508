"""J Meter values: each sampled value becomes a row; a signed one is kept verbatim."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import orjson

from csms.blocks.conversation import Conversation, Payload
from csms.blocks.numbers import check_integers
from csms.store import Change, Row, Store
from csms.store.moments import to_ms
from csms.store.tables import meter_values as table
from csms.store.texts import storable
from shared.ocppj.date_time import from_wire

REGISTER: Final = "Energy.Active.Import.Register"
CONTEXT: Final = "Sample.Periodic"
LOCATION: Final = "Outlet"
NO_TRANSACTION: Final = 0
_NUMBER_BYTES: Final = 7
_MOST_ZEROS: Final = 30  # a multiplier beyond that is a mistake, and 10 to the power of it could take for ever
_LARGEST_MULTIPLIER: Final = 2**31 - 1  # what is larger is kept as this, for databases keep no integer of any size
_MOST_WH: Final = 1e18  # no meter has counted that; what is computed from larger ones may be infinite


class MeterLog:
    """Writes sampled values."""

    def __init__(self, store: Store) -> None:
        self._insert = store.insert(table).on_conflict_do_nothing()  # a resent message brings the same rows again

    def change(self, rows: list[Row]) -> Change:
        """The Change that writes rows made by rows_of()."""
        return Change(self._insert, rows)


async def meter_values(conversation: Conversation, request: Payload) -> Payload:
    """Keep what was measured outside of transactions, or beside them (J01.FR.18)."""
    check_integers(request, "evseId")
    station_id, values = conversation.station.station_id, request["meterValue"]
    # A MeterValues has no number of its own, and several may be of one EVSE and moment (J01.FR.15).
    number = _number_of(orjson.dumps([request["evseId"], values]))
    rows = rows_of(station_id, request["evseId"], NO_TRANSACTION, number, values)
    await conversation.store.commit(conversation.meter_log.change(rows))
    return {}


def transaction_key(transaction_id: str) -> int:
    """What stands for a transaction of a station in each of its meter values: a quarter of the length of its id."""
    return _number_of(transaction_id.encode())


def _number_of(data: bytes) -> int:
    """A number that every database keeps; that two of one station are the same is not to be expected."""
    return int.from_bytes(blake2b(data, digest_size=_NUMBER_BYTES).digest())


def rows_of(station_id: str, evse_id: int | None, key: int, seq_no: int, values: Iterable[Payload]) -> list[Row]:
    """Rows of meter_values for MeterValueType objects. key: transaction_key() or NO_TRANSACTION."""
    rows: list[Row] = []
    position = 0
    for meter_value in values:
        sampled_at = to_ms(from_wire(meter_value["timestamp"]))
        for sample in meter_value["sampledValue"]:
            get = sample.get
            measurand = get("measurand", REGISTER)
            unit = get("unitOfMeasure") or {}
            signed = get("signedMeterValue")
            rows.append(
                {
                    "station_id": station_id,
                    "sampled_at": sampled_at,
                    "transaction_key": key,
                    "seq_no": seq_no,
                    "position": position,
                    "evse_id": evse_id,
                    "measurand": measurand,
                    "context": _unless(CONTEXT, get("context")),
                    "phase": get("phase"),
                    "location": _unless(LOCATION, get("location")),
                    "unit": _unit(unit.get("unit"), measurand),
                    "multiplier": _limited(unit.get("multiplier", 0)),
                    "value": float(sample["value"]),
                    "signed": None if signed is None else orjson.dumps(signed).decode(),
                }
            )
            position += 1
    return rows


def _unless(default: str, value: str | None) -> str | None:
    return None if value == default else value


def _unit(unit: str | None, measurand: str) -> str | None:
    """UnitOfMeasureType has a default for energy alone."""
    if unit:
        return storable(unit)
    return "Wh" if measurand.startswith("Energy") else None


def _limited(multiplier: float) -> int:
    return int(max(-_LARGEST_MULTIPLIER, min(_LARGEST_MULTIPLIER, multiplier)))


def register_wh(meter_value: Payload) -> float | None:
    """What the meter of the EVSE reads in a MeterValueType: imported active energy at the outlet in Wh.

    Where it reads phases alone, their sum. None when it holds no such reading, or one that cannot be.
    """
    phases: float | None = None
    for sample in meter_value["sampledValue"]:
        if sample.get("measurand", REGISTER) != REGISTER or sample.get("location", LOCATION) != LOCATION:
            continue
        wh = _in_wh(sample)
        if wh is None:
            continue
        if "phase" not in sample:
            return wh
        phases = wh if phases is None else phases + wh
    return phases


def _in_wh(sample: Payload) -> float | None:
    value = float(sample["value"])
    unit = sample.get("unitOfMeasure")
    if unit is not None:
        multiplier = unit.get("multiplier", 0)
        name = unit.get("unit", "Wh")
        if name not in ("Wh", "kWh") or abs(multiplier) > _MOST_ZEROS:
            return None
        value *= 10.0 ** int(multiplier) * (1000.0 if name == "kWh" else 1.0)
    return value if abs(value) <= _MOST_WH else None
