"""Command line: `python -m bench` measures and prints the report on stdout, its progress on stderr."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bench import round_trip
from bench.contenders import ACTIONS, CONTENDERS, Contender
from bench.machine import facts, make_room
from bench.plan import Plan, Run
from bench.report import as_data, render
from bench.storage import DATABASES

KINDS = (*ACTIONS, "connect", "memory", "reserve", "size")
DEFAULT_CONTENDERS = "csms,csms-info,ocpp-library,ocpp-rpc"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0, or 1 if nothing was measured, or 2 if this machine cannot do what was asked."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return _cannot("it needs two cores: one for the server and one for the load generator")
    if problem := make_room(max(options.stations[-1], round_trip.STATIONS)):
        return _cannot(problem)
    contenders, left_out = _prepared(options.contenders)
    if not contenders:
        return _cannot("no contender can run; " + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
    databases = DATABASES if "size" in options.only else ()
    left_out |= {f"size on {one.name}": reason for one in databases if (reason := one.lacks()) is not None}
    plan = Plan(
        contenders=contenders,
        actions=tuple(ACTIONS[kind] for kind in options.only if kind in ACTIONS),
        stations=options.stations,
        seconds=options.seconds,
        rounds=options.rounds,
        connect="connect" in options.only,
        memory="memory" in options.only,
        connect_stations=min(options.connect_stations, options.stations[-1]),
        reserve="reserve" in options.only,
        databases=tuple(database for database in databases if f"size on {database.name}" not in left_out),
        server_core=cores[0],
        load_core=cores[1],
    )
    about = facts(server_core=plan.server_core, load_core=plan.load_core)
    os.sched_setaffinity(0, {plan.load_core})
    results = Run(plan, _say).run()
    print(render(plan, results, about, left_out))
    if options.json is not None:
        options.json.write_text(json.dumps(as_data(plan, results, about, left_out), indent=1) + "\n")
    return 0 if results.measured else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures our CSMS beside its peers. bench/README.md says what it means.",
    )
    parser.add_argument("--stations", type=_counts, default=(500, 5000), metavar="N,N", help="default 500,5000")
    parser.add_argument("--connect-stations", type=_positive, default=2000, metavar="N", help="default 2000")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a measured window, default 5")
    parser.add_argument("--rounds", type=_positive, default=3, help="default 3")
    parser.add_argument(
        "--only",
        type=_some_of(KINDS),
        default=KINDS,
        metavar="KIND,KIND",
        help=f"of {','.join(KINDS)}; default all",
    )
    names = tuple(contender.name for contender in CONTENDERS)
    parser.add_argument(
        "--contenders",
        type=_some_of(names),
        default=_some_of(names)(DEFAULT_CONTENDERS),
        metavar="NAME,NAME",
        help=f"of {','.join(names)}; default {DEFAULT_CONTENDERS}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every measurement there")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({_positive(part) for part in text.split(",")}))


class _some_of:  # noqa: N801 - used as a function: argparse names it in its error messages
    def __init__(self, known: Sequence[str]) -> None:
        self._known = known

    def __call__(self, text: str) -> tuple[str, ...]:
        asked = text.split(",")
        if unknown := [name for name in asked if name not in self._known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(self._known)}")
        return tuple(name for name in self._known if name in asked)


def _prepared(names: Sequence[str]) -> tuple[tuple[Contender, ...], dict[str, str]]:
    """The contenders that can run, and why the others are left out."""
    reasons = {}
    ready = []
    for contender in CONTENDERS:
        if contender.name in names:
            _say(f"preparing {contender.name}")
            reason = contender.prepare()
            if reason is None:
                ready.append(contender)
            else:
                reasons[contender.name] = reason
    return tuple(ready), reasons


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _cannot(reason: str) -> int:
    _say(f"bench: {reason}")
    return 2


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # As an exception it passes every `finally`, and no server is left behind.
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
