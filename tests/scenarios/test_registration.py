"""Who may connect, and who must wait: passwords, closed registration, Pending and Rejected (A00, B02, B03)."""

from __future__ import annotations

from station.settings import TEST_BENCH_PASSWORD
from tests.processes import Program, Programs, messages

TRIGGER = {"requestedMessage": "StatusNotification"}


async def test_b02_a_pending_station_asks_again_sends_what_it_is_asked_for_and_is_accepted_later(
    programs: Programs,
) -> None:
    csms = await programs.csms("--boot-retry-interval", "1")
    await csms.put("CP_1", password=TEST_BENCH_PASSWORD, registration="Pending")
    station = await programs.station("CP_1", csms.url)
    await csms.heard("CP_1", "BootNotification")
    await station.says("CP_1: pending, asking again in 1 s")
    assert await csms.listed() == ["CP_1"], "it is connected"
    assert (await csms.reserve("CP_1"))[0] == 503, "but not accepted"
    assert (await csms.reserve())[0] == 503
    assert sent(station) <= {"BootNotification", "NotifyReport"}, "and says nothing but what it is asked (B02.FR.02)"

    csms.forget()
    assert await csms.call("CP_1", "TriggerMessage", TRIGGER) == (200, {"result": {"status": "Accepted"}})
    await csms.heard("CP_1", "StatusNotification")
    assert (await csms.reserve("CP_1"))[0] == 503, "it is still Pending"

    csms.forget()
    await csms.patch("CP_1", registration="Accepted")
    await csms.heard("CP_1", "BootNotification")
    await csms.is_ready("CP_1")
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})


async def test_b03_a_rejected_station_is_left_alone_asks_again_and_is_accepted_later(programs: Programs) -> None:
    csms = await programs.csms("--boot-retry-interval", "1")
    await csms.put("CP_1", password=TEST_BENCH_PASSWORD, registration="Rejected")
    station = await programs.station("CP_1", csms.url)
    await station.says("CP_1: rejected, asking again in 1 s")
    assert (await csms.reserve("CP_1"))[0] == 503
    assert (await csms.call("CP_1", "TriggerMessage", TRIGGER))[0] == 503, "B03.FR.03"
    assert sent(station) == {"BootNotification"}

    await csms.patch("CP_1", registration="Accepted")
    await csms.is_ready("CP_1")
    assert await csms.reserve("CP_1") == (200, {"status": "Accepted"})


def sent(station: Program) -> set[str]:
    """The actions of all CALLs CP_1 has sent so far."""
    said = messages(station.lines, "CP_1")
    return {message[2] for direction, message in said if direction == "send" and message[0] == 2}


async def test_a_station_that_was_accepted_must_boot_again_when_that_is_withdrawn(programs: Programs) -> None:
    csms = await programs.csms()
    station = await programs.ready_station("CP_1", csms)
    await csms.patch("CP_1", registration="Rejected")
    await station.says("disconnected (1008 registration is now Rejected: boot again)")
    assert (await csms.reserve("CP_1"))[0] == 503


async def test_with_closed_registration_only_stations_made_through_rest_may_connect(programs: Programs) -> None:
    csms = await programs.csms("--registration", "closed")
    await csms.put("CP_1", password="made by the operator")
    stranger = await programs.station("CP_2", csms.url)
    line = await stranger.says("(404)")
    assert "register the station CP_2 with the CSMS" in line
    await programs.ready_station("CP_1", csms, "--password", "made by the operator")
    assert await csms.listed() == ["CP_1"]


async def test_the_first_password_is_kept_and_another_is_refused_in_a_clear_line(programs: Programs) -> None:
    csms = await programs.csms()
    first = await programs.ready_station("CP_1", csms, "--password", "first come")
    await first.stop()
    impostor = await programs.station("CP_1", csms.url, "--password", "another one")
    line = await impostor.says("refuses the password (401)")
    assert line.startswith(f"WARNING:root:CP_1: {csms.url}/CP_1 refuses the password (401)")
    assert "--password" in line, "it says what to do"
    assert "connecting again in 6" in line, "a minute and the back-off: trying often looks like an attack"
    await csms.says("401 Wrong password")
    assert await csms.listed() == []
    shown = [line for program in programs.started for line in program.lines]
    assert not [line for line in shown if "another one" in line or "first come" in line], "passwords are not shown"
