"""Stations and the CSMS come and go: in order, by force, twice at a time."""

from __future__ import annotations

from signal import Signals
from typing import Final

from tests.processes import Programs

AT_ONCE_S: Final = 5.0
"""A person would call it at once, on a busy machine, too."""
RECONNECTED_S: Final = 20.0
"""The station's back-off is 2 to 5 s (Part 4 §5.3); the rest is for a busy machine."""


async def test_a_station_that_ends_leaves_the_list_at_once_and_the_next_appears(programs: Programs) -> None:
    csms = await programs.csms()
    stopped = await programs.ready_station("CP_1", csms)
    killed = await programs.ready_station("CP_2", csms)
    assert await csms.listed() == ["CP_1", "CP_2"]

    stopped.interrupt(Signals.SIGINT)
    await csms.says("CP_1: disconnected (1001 the station stops)", within_s=AT_ONCE_S)
    assert await csms.listed() == ["CP_2"]
    killed.interrupt(Signals.SIGKILL)
    await csms.says("CP_2: disconnected (1006", within_s=AT_ONCE_S)
    assert await csms.listed() == []
    assert (await csms.reserve("CP_1"))[0] == 503

    await programs.ready_station("CP_3", csms)
    assert await csms.listed() == ["CP_3"]


async def test_after_a_restart_of_the_csms_its_stations_go_on(programs: Programs) -> None:
    csms = await programs.csms("--heartbeat-interval", "1")
    station = await programs.ready_station("CP_1", csms)
    assert await csms.stop(Signals.SIGTERM) == 0
    await station.says("disconnected (1001 the CSMS shuts down); connecting again in", within_s=AT_ONCE_S)

    csms = await programs.csms("--heartbeat-interval", "1", port=csms.port)
    await csms.heard("CP_1", "Heartbeat", within_s=RECONNECTED_S)
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})
    await csms.heard("CP_1", "StatusNotification", connectorStatus="Reserved")
    await csms.stop(Signals.SIGKILL)

    csms = await programs.csms("--heartbeat-interval", "1", port=csms.port)
    await csms.heard("CP_1", "Heartbeat", within_s=RECONNECTED_S)
    status, _ = await csms.reserve("CP_1")
    assert status == 503, "the CSMS has forgotten nothing"


async def test_a_csms_that_lost_its_memory_has_its_stations_boot_again(programs: Programs) -> None:
    forgetful = ("--heartbeat-interval", "1", "--database", "sqlite://")
    csms = await programs.csms(*forgetful)
    station = await programs.ready_station("CP_1", csms)
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})
    await csms.heard("CP_1", "StatusNotification", connectorStatus="Reserved")
    await csms.stop(Signals.SIGKILL)
    await station.says("connecting again in", within_s=AT_ONCE_S)

    csms = await programs.csms(*forgetful, port=csms.port)
    await csms.heard("CP_1", "BootNotification", within_s=RECONNECTED_S)
    report = await csms.heard("CP_1", "StatusNotification")
    assert report["connectorStatus"] == "Reserved", "the station has forgotten nothing"


async def test_part_4_5_3_a_station_that_was_away_goes_on_without_booting_again(programs: Programs) -> None:
    csms = await programs.csms("--heartbeat-interval", "1", "--ping-interval", "0.5")
    station = await programs.ready_station("CP_1", csms)
    station.interrupt(Signals.SIGSTOP)  # as if its network were gone
    await csms.says("CP_1: disconnected (1006 no answer to ping)")
    assert await csms.listed() == []

    csms.forget()
    station.interrupt(Signals.SIGCONT)
    await csms.heard("CP_1", "Heartbeat", within_s=RECONNECTED_S)
    assert await csms.listed() == ["CP_1"]
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})
    assert not [line for line in csms.latest if "BootNotification" in line], "it need not boot again"


async def test_of_two_connections_of_one_identity_the_newer_takes_over(programs: Programs) -> None:
    csms = await programs.csms()
    older = await programs.ready_station("CP_1", csms)
    csms.forget()
    newer = await programs.ready_station("CP_1", csms)

    await older.says("disconnected (1008 replaced by a newer connection)")
    assert await csms.listed() == ["CP_1"]
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})
    await newer.says('"ReserveNow"')
