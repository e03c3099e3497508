"""Weighs the stations of a fleet and what it can drive: `python -m bench.fleet`. bench/README.md says what it means."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

from bench.columns import middle, ranged, table
from bench.contenders import CONTENDERS, OURS, ROOT, Contender, Place
from bench.crowd import KINDS, Crowd
from bench.figures import ratio, spread
from bench.load import Load, Window
from bench.machine import facts, make_room
from bench.messages import Action
from bench.server import ServerFailed, running
from bench.stations import LoadFailed

TARGET_KB: Final = 60.0
QUIET_INTERVAL_S: Final = 10
BUSY_INTERVAL_S: Final = 1
_KB: Final = 1000
_FLEET: Final = KINDS[0]
_PEER: Final = KINDS[1]
_LOAD: Final = "bench.load"
_IN_FLIGHT: Final = 50
_DEADLINE_S: Final = 600.0


class CrowdFailed(Exception):
    """A process with stations did not measure; the text is its last line."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One process with stations, connected and heartbeating every so many seconds."""

    round: int
    interval_s: int
    crowd: Crowd


@dataclass(frozen=True, slots=True)
class Driven:
    """The bare load generator, in the same round."""

    round: int
    window: Window


@dataclass(slots=True)
class FleetResults:
    """Everything measured in one run."""

    quiet: list[Weighed] = field(default_factory=list)
    busy: list[Weighed] = field(default_factory=list)
    load: list[Driven] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def heartbeating(contender: Contender, interval_s: int) -> Contender:
    """The same CSMS, which has its stations send heartbeats so often."""

    def command(place: Place) -> list[str]:
        return [*contender.command(place), "--heartbeat-interval", str(interval_s)]

    return replace(contender, command=command)


def render(results: FleetResults, about: Mapping[str, str]) -> str:
    """The report. about: the machine, by label."""
    sections = ["\n".join(f"{label}: {value}" for label, value in about.items()), _memory(results), _messages(results)]
    fleet = spread(list(_by_round(results.quiet, _FLEET, lambda crowd: crowd.bytes_per_station / _KB).values()))
    if fleet is not None:
        verdict = "met" if fleet.median < TARGET_KB else "MISSED"
        sections.append(f"Target: below {TARGET_KB:.0f} KB for each station of a fleet: {fleet.median:.1f}, {verdict}")
    if results.trouble:
        sections.append("\n".join(["Trouble", *(f"  {line}" for line in results.trouble)]))
    return "\n\n".join(section for section in sections if section)


def _memory(results: FleetResults) -> str:
    if not results.quiet:
        return ""
    peer = _by_round(results.quiet, _PEER, lambda crowd: crowd.bytes_per_station)
    rows = []
    for kind in KINDS:
        mine = _by_round(results.quiet, kind, lambda crowd: crowd.bytes_per_station)
        kilobytes = spread([value / _KB for value in mine.values()])
        rows.append([kind, *ranged(kilobytes, "{:.1f}"), *ranged(ratio(mine, peer), "{:.2f}")])
    stations = results.quiet[0].crowd.stations
    head = ["", "KB each", "", f"x {_PEER}", ""]
    return f"Memory, {stations:,} stations in one process, a heartbeat every {QUIET_INTERVAL_S} s\n" + table(head, rows)


def _messages(results: FleetResults) -> str:
    if not results.busy:
        return ""
    load_rate = {driven.round: driven.window.rate for driven in results.load}
    load_per_cpu = {
        driven.round: driven.window.rate / driven.window.busy.load for driven in results.load if driven.window.busy.load
    }
    rows = []
    for kind in KINDS:
        rates = _by_round(results.busy, kind, lambda crowd: crowd.rate)
        per_cpu = _by_round(results.busy, kind, lambda crowd: crowd.per_cpu_s)
        shares = [weighed.crowd.cpu_s / weighed.crowd.seconds for weighed in results.busy if weighed.crowd.kind == kind]
        rows.append(_row(kind, rates, shares, per_cpu, load_per_cpu))
    rows.append(_row(_LOAD, load_rate, [one.window.busy.load for one in results.load], load_per_cpu, load_per_cpu))
    head = ["", "messages/s", "", "core", "per CPU s", "", f"x {_LOAD}", ""]
    crowd = results.busy[0].crowd
    title = f"Messages, {crowd.stations:,} stations: a heartbeat every {BUSY_INTERVAL_S} s; {_LOAD} as many as it can"
    return f"{title}\n{table(head, rows)}"


def _row(
    name: str,
    rates: Mapping[int, float],
    shares: Sequence[float],
    per_cpu: Mapping[int, float],
    load_per_cpu: Mapping[int, float],
) -> list[str]:
    return [
        name,
        *ranged(spread(list(rates.values())), "{:,.0f}"),
        middle(shares, "{:.0%}"),
        *ranged(spread(list(per_cpu.values())), "{:,.0f}"),
        *ranged(ratio(per_cpu, load_per_cpu), "{:.2f}"),
    ]


def _by_round(measured: Sequence[Weighed], kind: str, figure: Callable[[Crowd], float]) -> dict[int, float]:
    return {weighed.round: figure(weighed.crowd) for weighed in measured if weighed.crowd.kind == kind}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0, or 1 if nothing was measured, or 2 if this machine cannot do what was asked."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    cores = sorted(os.sched_getaffinity(0))
    problem = "it needs two cores" if len(cores) < 2 else make_room(max(options.stations, options.busy_stations))
    if problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    server_core, load_core = cores[:2]
    os.sched_setaffinity(0, {load_core})
    about = facts(server_core=server_core, load_core=load_core)
    results = FleetResults()
    ours = next(contender for contender in CONTENDERS if contender.name == OURS)
    for number in range(1, options.rounds + 1):
        for kind in KINDS if number % 2 else reversed(KINDS):
            for interval_s, stations, kept in (
                (QUIET_INTERVAL_S, options.stations, results.quiet),
                (BUSY_INTERVAL_S, options.busy_stations, results.busy),
            ):
                _say(f"round {number}: {kind}, {stations} stations, a heartbeat every {interval_s} s")
                with running(heartbeating(ours, interval_s), server_core=server_core, load_core=load_core) as server:
                    try:
                        crowd = _crowd(kind, server.port, stations, options)
                        kept.append(Weighed(number, interval_s, crowd))
                    except (CrowdFailed, ServerFailed) as failure:
                        results.trouble.append(f"round {number}, {kind}: {failure}")
        _say(f"round {number}: {_LOAD}")
        with running(ours, server_core=server_core, load_core=load_core) as server, Load(server.port) as load:
            try:
                load.connect(options.busy_stations, in_flight=_IN_FLIGHT, deadline_s=_DEADLINE_S)
                window = load.exchange(
                    Action.HEARTBEAT, warm_up_s=1, seconds=options.seconds, cpu_times=server.cpu_times
                )
                results.load.append(Driven(number, window))
            except (LoadFailed, ServerFailed) as failure:
                results.trouble.append(f"round {number}, {_LOAD}: {failure}")
    print(render(results, about))
    if options.json is not None:
        document: dict[str, Any] = {"facts": about, **asdict(results)}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0 if results.quiet or results.busy else 1


def _crowd(kind: str, port: int, stations: int, options: argparse.Namespace) -> Crowd:
    """What such a process measures. Raises CrowdFailed."""
    command = [
        *(sys.executable, "-m", "bench.crowd", kind, "--port", str(port), "--stations", str(stations)),
        *("--rate", str(options.rate), "--seconds", str(options.seconds)),
    ]
    try:
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=_DEADLINE_S)
    except subprocess.TimeoutExpired:
        raise CrowdFailed(f"not done within {_DEADLINE_S:.0f} s") from None
    if done.returncode:
        raise CrowdFailed((done.stderr.splitlines() or ["it said nothing"])[-1])
    return Crowd(**json.loads(done.stdout))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description="Weighs a fleet, beside a bare client.")
    parser.add_argument("--stations", type=int, default=2000, help="to be weighed, default 2000")
    parser.add_argument("--busy-stations", type=int, default=1000, help="that send as much as they can, default 1000")
    parser.add_argument("--rate", type=float, default=50.0, help="stations that connect per second, default 50")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a measured window, default 20")
    parser.add_argument("--rounds", type=int, default=1, help="default 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every measurement there")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # As an exception it passes every `finally`, and no process is left behind.
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
