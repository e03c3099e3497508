"""`python -m station fleet` against `python -m csms`, as processes."""

from __future__ import annotations

import json
from pathlib import Path
from signal import Signals

from tests.processes import Programs


async def test_a_fleet_connects_charges_and_ends_with_a_summary(programs: Programs, tmp_path: Path) -> None:
    csms = await programs.csms("--log-level", "warning")
    summary = tmp_path / "summary.json"
    options = ("--count", "20", "--rate", "40/s", "--csms", csms.url, "--arrivals", "20000", "--seed", "1")
    fleet = await programs.module("station", "fleet", *options, "--duration", "5", "--summary", str(summary))
    await csms.shows("/list", lambda body: len(body["cp_ids"]) == 20)
    assert await fleet.ends() == 0
    document = json.loads(summary.read_text())
    stations = document["stations"]
    assert (stations["started"], stations["connected"], stations["accepted"]) == (20, 20, 20)
    assert document["messages"]["by_action"]["BootNotification"] == 20
    assert document["messages"]["by_action"]["StatusNotification"] >= 20
    assert document["drivers"]["arrived"] > 0
    assert 0 < document["answer_time_s"]["p50"] <= document["answer_time_s"]["p99"]
    assert document["errors"] == {"count": 0, "by_kind": {}}
    await csms.shows("/list", lambda body: body["cp_ids"] == [])


async def test_a_csms_that_is_down_is_shown_as_errors_and_a_signal_ends_the_fleet_in_order(programs: Programs) -> None:
    fleet = await programs.module(
        "station", "fleet", "--count", "5", "--csms", "ws://127.0.0.1:9", "--log-level", "info"
    )
    await fleet.says("CP_5: ws://127.0.0.1:9/CP_5 cannot be reached: Connection refused")
    assert await fleet.stop(Signals.SIGINT) == 0
    document = json.loads("\n".join(fleet.lines[fleet.lines.index("{") :]))
    assert document["errors"]["by_kind"] == {"not connected: Connection refused": 5}


async def test_a_summary_that_cannot_be_written_is_a_users_mistake(programs: Programs) -> None:
    options = ("--count", "1", "--csms", "ws://127.0.0.1:9", "--duration", "0.2", "--log-level", "error")
    fleet = await programs.module("station", "fleet", *options, "--summary", "/proc/summary.json")
    assert await fleet.ends() == 2
    assert [line for line in fleet.lines if line.startswith("station: --summary /proc/summary.json cannot be written")]
