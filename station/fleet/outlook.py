"""How a fleet is at a moment, and has been in the last seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

import trio

from station.fleet.figures import Figures, Outcome
from station.fleet.fleet import Fleet
from station.fleet.histogram import Histogram
from station.hardware import Transfer

RECENT_S: Final = 10.0
_MOMENTS_KEPT: Final = 40


@dataclass(frozen=True, slots=True)
class View:
    """A fleet at a moment.

    elapsed_s: since it began. built: stations that were told to connect. connected: of these; accepted: and booted.
    plugged_in, charging: EVSEs. energy_wh: that has flowed. messages: CALLs answered, on either side. messages_per_s,
    p50_s, p99_s: of the last 10 s; None: nothing was answered.
    """

    elapsed_s: float
    built: int
    connected: int
    accepted: int
    plugged_in: int
    charging: int
    power_w: float
    energy_wh: float
    messages: int
    messages_per_s: float
    p50_s: float | None
    p99_s: float | None
    arrived: int
    visits: dict[Outcome, int]
    errors: dict[str, int]
    crashed: int

    @property
    def errors_in_all(self) -> int:
        return sum(self.errors.values())


class _Moment(NamedTuple):
    at: float
    messages: int
    latency: Histogram


class Outlook:
    """Looks at a fleet again and again."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._began_at = trio.current_time()
        self._moments = deque([_moment(fleet.figures)], _MOMENTS_KEPT)
        self.most_connected = 0

    def look(self) -> View:
        """The fleet as it is now."""
        figures, now = self._fleet.figures, _moment(self._fleet.figures)
        while len(self._moments) > 1 and self._moments[1].at <= now.at - RECENT_S:
            self._moments.popleft()
        before = self._moments[0]
        if now.at > self._moments[-1].at:
            self._moments.append(now)
        recent = now.latency.since(before.latency)
        stations = self._fleet.stations
        running = [station.firmware for station in stations if station.firmware is not None]
        evses = [evse for station in stations for evse in station.hardware.evses]
        charging = [evse for evse in evses if evse.transfer is Transfer.CHARGING]
        connected = sum(firmware.connected for firmware in running)
        self.most_connected = max(self.most_connected, connected)
        return View(
            elapsed_s=now.at - self._began_at,
            built=len(stations),
            connected=connected,
            accepted=sum(firmware.online for firmware in running),
            plugged_in=sum(evse.plugged_in for evse in evses),
            charging=len(charging),
            power_w=sum(evse.meter.power_w for evse in charging),
            energy_wh=sum(evse.meter.energy_wh for evse in evses),
            messages=now.messages,
            messages_per_s=(now.messages - before.messages) / max(now.at - before.at, 1e-3),
            p50_s=recent.quantile(0.50),
            p99_s=recent.quantile(0.99),
            arrived=figures.arrived,
            visits=dict(figures.visits),
            errors=dict(figures.errors),
            crashed=figures.crashed,
        )


def _moment(figures: Figures) -> _Moment:
    return _Moment(trio.current_time(), figures.messages, figures.latency.copy())
