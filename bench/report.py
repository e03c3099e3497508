"""What was measured, as a plain text for people and as data for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from bench import report_kept
from bench.columns import both, middle, ranged, table
from bench.contenders import BASELINE, OURS
from bench.figures import Spread, ratio, spread
from bench.load import Window
from bench.messages import Action
from bench.plan import Plan, Results, Throughput

# Times the ocpp library's rate (issue 2; of TransactionEvents that are on disk, issue 3), share of the rate with few
# stations left with many, KB a connection.
TARGET_RATIOS: Final[Mapping[str, float]] = {"Heartbeat": 1.5, "TransactionEvent": 3.0}
TARGET_SHARE: Final = 0.7
TARGET_KB: Final = 40.0

_KB: Final = 1000
_BUSY: Final = 0.95
_DISTURBED: Final = 0.1

ByRound = dict[int, float]
Measure = Callable[[Window], float]


def render(plan: Plan, results: Results, facts: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    """The whole report. facts: about the machine, by label.   left_out: contenders that do not run, and why."""
    tables = _Tables(plan, results)
    sections = [
        _about(plan, facts, left_out),
        *tables.messages(),
        tables.shares(),
        tables.connecting(),
        tables.memory(),
        report_kept.reserving(results.round_trips),
        report_kept.room(results.storage),
        tables.targets(),
        _trouble(results),
    ]
    return "\n\n".join(section for section in sections if section)


def as_data(plan: Plan, results: Results, facts: Mapping[str, str], left_out: Mapping[str, str]) -> dict[str, Any]:
    """Every single measurement, for JSON. Times in seconds, sizes in bytes, rates per second."""
    return {
        "facts": dict(facts),
        "left_out": dict(left_out),
        "plan": {
            "contenders": [contender.name for contender in plan.contenders],
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "stations": plan.stations,
        },
        **asdict(results),
    }


class _Tables:
    def __init__(self, plan: Plan, results: Results) -> None:
        self._plan = plan
        self._results = results
        self._names = [contender.name for contender in plan.contenders]

    def messages(self) -> list[str]:
        return [self._exchange(action.value, count) for action in self._plan.actions for count in self._plan.stations]

    def _exchange(self, action: str, stations: int) -> str:
        head = [
            "",
            "messages/s",
            "",
            "p50 ms",
            "p99 ms",
            f"x {BASELINE}",
            "",
            "per CPU s",
            "server",
            "load",
            "others",
            "server MB",
        ]
        rows = []
        for name in self._names:
            measured = self._windows(name, action, stations)
            rows.append([
                name,
                *ranged(spread(list(self._rates(name, action, stations, _rate).values())), "{:,.0f}"),
                middle((one.window.p50_s * 1000 for one in measured), "{:,.1f}"),
                middle((one.window.p99_s * 1000 for one in measured), "{:,.1f}"),
                *ranged(self._against_baseline(name, action, stations, _rate), "{:.2f}"),
                middle((one.window.per_cpu_s for one in measured), "{:,.0f}"),
                middle((one.window.busy.server for one in measured), "{:.0%}"),
                middle((one.window.busy.load for one in measured), "{:.0%}"),
                middle((one.window.busy.others for one in measured), "{:.0%}"),
                middle((one.server_bytes / 1e6 for one in measured), "{:,.0f}"),
            ])  # fmt: skip
        notes = "".join(
            f"\n  {name}: {note}" for name in self._names for note in _doubts(self._windows(name, action, stations))
        )
        return f"{action}, {stations:,} stations\n{table(head, rows)}{notes}"

    def shares(self) -> str:
        fewest, most = self._plan.stations[0], self._plan.stations[-1]
        if fewest == most or not self._plan.actions:
            return ""
        actions = [action.value for action in self._plan.actions]
        head = ["", *(cell for action in actions for cell in (action, ""))]
        rows = [
            [name, *(cell for action in actions for cell in ranged(self._share(name, action, _rate), "{:.2f}"))]
            for name in self._names
        ]
        return f"Rate at {most:,} stations as a share of the rate at {fewest:,}\n{table(head, rows)}"

    def connecting(self) -> str:
        if not self._plan.connect:
            return ""
        rows = [
            [
                name,
                *ranged(spread(list(seconds.values())), "{:.2f}"),
                middle((self._plan.connect_stations / value for value in seconds.values()), "{:,.0f}"),
                *ranged(ratio(self._seconds(BASELINE), seconds), "{:.2f}"),
            ]
            for name in self._connection_names()
            for seconds in [self._seconds(name)]
        ]
        shown = table(["", "seconds", "", "stations/s", f"x {BASELINE}", ""], rows)
        note = f"\n  {OURS} hashes each password; the others compare it as it is." if OURS in self._names else ""
        return f"{self._plan.connect_stations:,} stations connect, authenticate and boot\n{shown}{note}"

    def memory(self) -> str:
        if not self._plan.memory:
            return ""
        rows = [
            [
                name,
                *ranged(self._kilobytes(name), "{:.1f}"),
                middle((one.bytes_before / 1e6 for one in measured), "{:,.0f}"),
                middle((one.bytes_after / 1e6 for one in measured), "{:,.0f}"),
            ]
            for name in self._connection_names()
            for measured in [[one for one in self._results.memory if one.contender == name]]
        ]
        shown = table(["", "KB a connection", "", "MB before", "MB after"], rows)
        stations = max((one.stations for one in self._results.memory), default=self._plan.stations[-1])
        return f"Memory with {stations:,} stations connected, booted and idle (1 KB = 1,000 bytes)\n{shown}"

    def targets(self) -> str:
        if OURS not in self._names:
            return ""
        rows = []
        for action in (action.value for action in self._plan.actions):
            wanted = f">= {TARGET_RATIOS[action]:.1f}"
            for count in self._plan.stations:
                against = [self._against_baseline(OURS, action, count, measure) for measure in (_rate, _per_cpu_s)]
                durable = ", on disk" if action == Action.TRANSACTION_EVENT.value else ""
                rows.append([f"{action} at {count:,}{durable}, x {BASELINE}", wanted, *both(against)])
        if self._plan.stations[0] != self._plan.stations[-1]:
            for action in (action.value for action in self._plan.actions):
                share = [self._share(OURS, action, measure) for measure in (_rate, _per_cpu_s)]
                rows.append([f"{action}, most stations / fewest", f">= {TARGET_SHARE:.1f}", *both(share)])
        if self._plan.memory:
            kilobytes = ranged(self._kilobytes(OURS), "{:.1f}")
            rows.append(["KB a connection", f"< {TARGET_KB:.0f}", *kilobytes, "", ""])
        head = ["", "target", "measured", "", "per CPU s", ""]
        return f"Targets for {OURS}, beside what was measured\n{table(head, rows)}"

    # The measurements of one contender, by round

    def _windows(self, name: str, action: str, stations: int) -> list[Throughput]:
        return [
            one
            for one in self._results.throughput
            if (one.contender, one.action, one.stations) == (name, action, stations)
        ]

    def _rates(self, name: str, action: str, stations: int, measure: Measure) -> ByRound:
        return {one.round: measure(one.window) for one in self._windows(name, action, stations)}

    def _seconds(self, name: str) -> ByRound:
        return {one.round: one.seconds for one in self._results.connecting if one.contender == name}

    def _against_baseline(self, name: str, action: str, stations: int, measure: Measure) -> Spread | None:
        ours, theirs = (self._rates(one, action, stations, measure) for one in (name, BASELINE))
        return ratio(ours, theirs)

    def _share(self, name: str, action: str, measure: Measure) -> Spread | None:
        fewest, most = self._plan.stations[0], self._plan.stations[-1]
        return ratio(self._rates(name, action, most, measure), self._rates(name, action, fewest, measure))

    def _kilobytes(self, name: str) -> Spread | None:
        return spread([one.bytes_per_connection / _KB for one in self._results.memory if one.contender == name])

    def _connection_names(self) -> list[str]:
        return [contender.name for contender in self._plan.contenders if contender.measures_connections]


def _rate(window: Window) -> float:
    return window.rate


def _per_cpu_s(window: Window) -> float:
    return window.per_cpu_s


def _about(plan: Plan, facts: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    width = max(map(len, [*facts, *left_out, *(contender.name for contender in plan.contenders)]))
    lines = [f"  {label:{width}}  {value}" for label, value in facts.items()]
    lines += ["", "Contenders"]
    lines += [f"  {contender.name:{width}}  {contender.what}" for contender in plan.contenders]
    lines += [f"  {name:{width}}  left out: {reason}" for name, reason in left_out.items()]
    lines += [
        "",
        f"Medians of {plan.rounds} rounds of {plan.seconds:g} s, beside them (the least..the greatest of the rounds).",
        "Ratios compare what was measured in the same round.",
        "per CPU s: messages for each CPU second that the server used.",
        f"{OURS} answers a TransactionEvent when it is on disk; the others keep nothing.",
        "server, load, others: CPU seconds used per second by each, and by all else on the busier of the two cores.",
    ]
    return "Benchmark of CSMSs, OCPP 2.0.1\n" + "\n".join(lines)


def _doubts(measured: Sequence[Throughput]) -> list[str]:
    """What a reader has to know before believing these."""
    doubts = []
    if any(one.window.busy.load > _BUSY for one in measured):
        doubts.append("the load generator was busy all the time; the server may be faster than this.")
    if disturbed := [str(one.round) for one in measured if one.window.busy.others > _DISTURBED]:
        doubts.append(f"something else ran on these cores in round {', '.join(disturbed)}; repeat on a quiet machine.")
    if not all(one.window.warm for one in measured):
        doubts.append("not every station had had an answer when the window began.")
    return doubts


def _trouble(results: Results) -> str:
    if not results.trouble:
        return "Errors: none. Every answer was the CALLRESULT of its CALL."
    lines = [
        f"  {one.contender}, round {one.round}, {one.during}: {one.times} times: {one.what}" for one in results.trouble
    ]
    return "Errors\n" + "\n".join(lines)
