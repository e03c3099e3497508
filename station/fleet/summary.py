"""What is left of a fleet's run: figures as JSON."""

from __future__ import annotations

import json
from typing import Any

from station.fleet.figures import Figures, Outcome
from station.fleet.outlook import View
from station.fleet.settings import FleetSettings


def summary(settings: FleetSettings, seed: int, view: View, figures: Figures, most_connected: int) -> dict[str, Any]:
    """Of a whole run. view: its last moment, when the stations were still connected.

    Rates are per second of the whole run, latencies of all answers in it; null where there were none.
    """
    latency = figures.latency
    return {
        "seed": seed,
        "duration_s": round(view.elapsed_s, 3),
        "csms": settings.csms,
        "stations": {
            "wanted": settings.count,
            "started": view.built,
            "connected": view.connected,
            "accepted": view.accepted,
            "most_connected": most_connected,
            "crashed": view.crashed,
        },
        "messages": {
            "answered": view.messages,
            "per_s": round(view.messages / view.elapsed_s, 3) if view.elapsed_s else 0.0,
            "by_action": dict(sorted(figures.actions.items())),
        },
        "answer_time_s": {
            "count": latency.count,
            "p50": _rounded(latency.quantile(0.50)),
            "p99": _rounded(latency.quantile(0.99)),
            "greatest": _rounded(latency.greatest_s) if latency.count else None,
        },
        "charging": {
            "evses_charging": view.charging,
            "evses_plugged_in": view.plugged_in,
            "power_kw": round(view.power_w / 1000, 3),
            "energy_kwh": round(view.energy_wh / 1000, 3),
        },
        "drivers": {
            "arrived": view.arrived,
            **{outcome.value: view.visits.get(outcome, 0) for outcome in Outcome},
            "still_there": view.arrived - sum(view.visits.values()),
        },
        "errors": {"count": view.errors_in_all, "by_kind": dict(sorted(view.errors.items()))},
    }


def as_text(document: dict[str, Any]) -> str:
    """As it is printed and written."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
