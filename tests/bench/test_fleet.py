"""The report on a fleet: medians over rounds, ratios within them, and its target."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.contenders import CONTENDERS, Place
from bench.crowd import Crowd
from bench.fleet import Driven, FleetResults, Weighed, heartbeating, render
from bench.load import Window
from bench.machine import Busy


def crowd(kind: str, kilobytes: float = 50.0, *, messages: int = 10_000, cpu_s: float = 5.0) -> Crowd:
    return Crowd(kind, 2000, 100_000_000, 100_000_000 + int(kilobytes * 2_000_000), messages, 10.0, cpu_s)


def window(rate: float, share: float) -> Window:
    busy = Busy(server=1.0, load=share, others=0.0)
    return Window(answers=1, seconds=10, rate=rate, p50_s=0.01, p99_s=0.1, busy=busy, warm=True)


@pytest.fixture
def results() -> FleetResults:
    return FleetResults(
        quiet=[
            Weighed(1, 10, crowd("fleet", 50)),
            Weighed(1, 10, crowd("trio-websocket", 25)),
            Weighed(2, 10, crowd("fleet", 56)),
            Weighed(2, 10, crowd("trio-websocket", 20)),
        ],
        busy=[Weighed(1, 1, crowd("fleet", messages=8_000, cpu_s=4.0)), Weighed(1, 1, crowd("trio-websocket"))],
        load=[Driven(1, window(rate=20_000, share=0.5))],
    )


def line_of(report: str, start: str) -> str:
    return " ".join(next(line for line in report.splitlines() if line.strip().startswith(start)).split())


def test_a_station_weighs_what_a_process_has_grown_by() -> None:
    assert crowd("fleet", 50).bytes_per_station == 50_000
    assert (crowd("fleet").rate, crowd("fleet").per_cpu_s) == (1000, 2000)


def test_memory_is_a_median_and_its_ratio_is_taken_within_rounds(results: FleetResults) -> None:
    memory = render(results, {}).partition("Messages")[0]
    assert "Memory, 2,000 stations in one process, a heartbeat every 10 s" in memory
    assert line_of(memory, "fleet") == "fleet 53.0 (50.0..56.0) 2.40 (2.00..2.80)"
    assert line_of(memory, "trio-websocket") == "trio-websocket 22.5 (20.0..25.0) 1.00"


def test_messages_are_told_beside_those_of_the_load_generator(results: FleetResults) -> None:
    messages = render(results, {}).partition("Messages")[2]
    assert line_of(messages, "fleet") == "fleet 800 40% 2,000 0.05"
    assert line_of(messages, "bench.load") == "bench.load 20,000 50% 40,000 1.00"


def test_the_target_is_judged_by_the_median(results: FleetResults) -> None:
    assert "below 60 KB for each station of a fleet: 53.0, met" in render(results, {})
    results.quiet = [Weighed(1, 10, crowd("fleet", 61))]
    assert "below 60 KB for each station of a fleet: 61.0, MISSED" in render(results, {})


def test_what_failed_is_in_the_report() -> None:
    report = render(FleetResults(trouble=["round 1, fleet: nothing"]), {"machine": "small"})
    assert report == "machine: small\n\nTrouble\n  round 1, fleet: nothing"


def test_the_csms_is_told_the_interval_of_heartbeats(tmp_path: Path) -> None:
    contender = next(contender for contender in CONTENDERS if contender.name == "csms")
    command = heartbeating(contender, 7).command(Place(1, 2, tmp_path))
    assert command[-2:] == ["--heartbeat-interval", "7"]
