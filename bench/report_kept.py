"""What a reservation takes, and what room transactions take, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from bench import charging, storage
from bench.columns import middle, ranged, table
from bench.figures import ratio, spread
from bench.open_loop import Latencies
from bench.round_trip import REQUESTS_PER_S, SECONDS, RoundTrips
from bench.storage import Storage

_MS: Final = 1000.0
_MB: Final = 1e6
_LOGS: Final = ("messages", "events")  # whose size their retention bounds

Pick = Callable[[RoundTrips], Latencies | None]


def reserving(measured: Sequence[RoundTrips]) -> str:
    """How long reservations took; empty when none was measured."""
    if not measured:
        return ""
    idle = [one for one in measured if one.events is None]
    charging_ones = [one for one in measured if one.events is not None]
    head = ["", "samples", "p50 ms", "", "p99 ms", "", "max ms", "server", "others"]
    rows = [
        *_took("POST /reserve/…, the others idle", idle, _reserve),
        *_took("POST /reserve/…, the others charging", charging_ones, _reserve),
        *_took("GET /healthz, the others idle", idle, _healthz),
        *_took("GET /healthz, the others charging", charging_ones, _healthz),
        *_took("TransactionEvent", charging_ones, _events),
    ]
    events = middle((one.events_per_s for one in charging_ones), "{:,.0f}")
    beside = [
        _times("charging / idle", charging_ones, idle, _reserve, _reserve),
        _times("reserve / healthz, charging", charging_ones, charging_ones, _reserve, _healthz),
    ]
    return (
        f"Reserving at {measured[0].stations:,} stations, {REQUESTS_PER_S:g} times a second for {SECONDS:g} s, "
        f"each of them once; charging: {events} TransactionEvents/s\n{table(head, rows)}\n"
        f"{table(['', 'x p50', '', 'x p99', ''], beside)}"
    )


def _reserve(one: RoundTrips) -> Latencies | None:
    return one.reserve


def _healthz(one: RoundTrips) -> Latencies | None:
    return one.healthz


def _events(one: RoundTrips) -> Latencies | None:
    return one.events


def _took(label: str, measured: Sequence[RoundTrips], pick: Pick) -> list[list[str]]:
    took = [latencies for one in measured if (latencies := pick(one)) is not None]
    if not took:
        return []
    return [
        [
            label,
            f"{sum(one.samples for one in took):,}",
            *ranged(spread([one.p50_s * _MS for one in took]), "{:,.1f}"),
            *ranged(spread([one.p99_s * _MS for one in took]), "{:,.1f}"),
            f"{max(one.max_s for one in took) * _MS:,.1f}",
            middle((one.busy.server for one in measured), "{:.0%}"),
            middle((one.busy.others for one in measured), "{:.0%}"),
        ]
    ]


def _times(
    label: str, above: Sequence[RoundTrips], below: Sequence[RoundTrips], of_above: Pick, of_below: Pick
) -> list[str]:
    """How many times one is the other, compared within each round."""
    cells = [label]
    for measure in (_p50_s, _p99_s):
        cells += ranged(ratio(_by_round(above, of_above, measure), _by_round(below, of_below, measure)), "{:.2f}")
    return cells


def _by_round(measured: Sequence[RoundTrips], pick: Pick, measure: Callable[[Latencies], float]) -> dict[int, float]:
    return {one.round: measure(latencies) for one in measured if (latencies := pick(one)) is not None}


def _p50_s(latencies: Latencies) -> float:
    return latencies.p50_s


def _p99_s(latencies: Latencies) -> float:
    return latencies.p99_s


def room(measured: Sequence[Storage]) -> str:
    """What room transactions take; empty when none was measured."""
    if not measured:
        return ""
    tables = sorted(
        {name for one in measured for name in one.tables},
        key=lambda name: (name in _LOGS, -max(one.tables.get(name, 0) for one in measured)),
    )
    head = ["", *(cell for one in measured for cell in (one.database, "x sent"))]
    rows = [
        ["the whole database grew by", *_cells(measured, lambda one: one.whole)],
        *([f"  {name}", *_cells(measured, partial(_table_bytes, name))] for name in tables),
        ["without the logs", *_cells(measured, lambda one: one.whole - sum(one.tables.get(log, 0) for log in _LOGS))],
    ]
    messages = charging.MESSAGES
    sent = measured[0].wire_bytes / storage.TRANSACTIONS / messages
    return (
        f"Room for 1,000 transactions of {messages} TransactionEvents with {charging.SAMPLES} sampled values each, "
        f"{sent:,.0f} bytes a CALL, in MB\n{table(head, rows)}\n"
        f"  x sent: times the bytes of the CALLs.   {' and '.join(_LOGS)}: logs, which the CSMS keeps to an age and a "
        "count."
    )


def _table_bytes(name: str, one: Storage) -> int:
    return one.tables.get(name, 0)


def _cells(measured: Sequence[Storage], size: Callable[[Storage], int]) -> list[str]:
    cells = []
    for one in measured:
        bytes_of_1000 = size(one) * 1000 / one.transactions
        cells += [f"{bytes_of_1000 / _MB:.1f}", f"{size(one) / one.wire_bytes:.2f}"]
    return cells
