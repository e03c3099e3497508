"""The main job, as a user sees it: a CSMS, a station that boots, a driver who reserves it."""

from __future__ import annotations

import re
from typing import Final

from tests.processes import Programs, messages

ID: Final = r"[0-9a-f-]{36}"
TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
BOOT: Final = (
    rf'\[2,"{ID}","BootNotification",'
    r'\{"chargingStation":\{"model":"Wallbox XYZ","vendorName":"anewone"\},"reason":"PowerUp"\}\]'
)
BOOT_ANSWER: Final = rf'\[3,"{ID}",\{{"currentTime":"{TIME}","interval":10,"status":"Accepted"\}}\]'
STATUS: Final = (
    rf'\[2,"{ID}","StatusNotification",'
    rf'\{{"timestamp":"{TIME}","connectorStatus":"Available","evseId":1,"connectorId":1\}}\]'
)
STATUS_ANSWER: Final = rf'\[3,"{ID}",\{{\}}\]'


def assert_lines_in_order(lines: list[str], *patterns: str) -> None:
    """Each pattern matches a whole line behind the one that matched the pattern before; others may be between."""
    rest = iter(lines)
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in rest), f"missing, or too early: {pattern}"


def assert_both_tell_of_the_boot(csms: list[str], station: list[str]) -> None:
    """What both programs print until the station is ready, line by line."""
    assert_lines_in_order(
        csms,
        r"INFO:root:WebSocket Server Started : 127\.0\.0\.1:\d+",
        r"======== Running on http://127\.0\.0\.1:\d+ ========",
        r"\(Press CTRL\+C to quit\)",
        r"INFO:root:Protocols Matched: ocpp2\.0\.1",
        rf"INFO:ocpp:CP_1: receive message {BOOT}",
        r"INFO:root:CP_1: state transition : Off -> BootNotification -> PoweredUp",
        rf"INFO:ocpp:CP_1: send {BOOT_ANSWER}",
        rf"INFO:ocpp:CP_1: receive message {STATUS}",
        r"INFO:root:CP_1: state transition : PoweredUp -> StatusNotification -> Ready",
        rf"INFO:ocpp:CP_1: send {STATUS_ANSWER}",
    )
    assert_lines_in_order(
        station,
        rf"INFO:ocpp:CP_1: send {BOOT}",
        rf"INFO:ocpp:CP_1: receive message {BOOT_ANSWER}",
        rf"INFO:ocpp:CP_1: send {STATUS}",
        rf"INFO:ocpp:CP_1: receive message {STATUS_ANSWER}",
    )
    as_the_csms_saw_it = [message for _, message in messages(csms, "CP_1")]
    assert [message for _, message in messages(station, "CP_1")] == as_the_csms_saw_it, "the mirror image"


async def test_a_station_boots_and_a_driver_reserves_it(programs: Programs) -> None:
    csms = await programs.csms()
    station = await programs.ready_station("CP_1", csms)
    await station.finds(lambda lines: messages(lines, "CP_1")[3:] or None, "four messages")
    assert_both_tell_of_the_boot(csms.lines, station.lines)

    assert (await csms.rest.get("/list")).text.strip() == '{"cp_ids": ["CP_1"]}'
    first = await csms.rest.post("/reserve/CP_1")
    assert (first.status_code, first.text.strip()) == (200, '{"status": "Accepted"}')
    report = await csms.heard("CP_1", "StatusNotification", connectorStatus="Reserved")
    assert (report["evseId"], report["connectorId"]) == (1, 1)

    second = await csms.rest.post("/reserve/CP_1")
    assert (second.status_code, second.json()["error_code"]) == (503, 503)
    unknown = await csms.rest.post("/reserve/CP_9")
    assert unknown.status_code == 503
    assert unknown.text.strip() == '{"error_code": 503, "message": "No such Charge Point. [CP_9]"}'


async def test_heartbeats_keep_coming_at_the_interval_the_csms_gave(programs: Programs) -> None:
    csms = await programs.csms("--heartbeat-interval", "1")
    await programs.ready_station("CP_1", csms)
    for _ in range(2):
        await csms.heard("CP_1", "Heartbeat")
        csms.forget()
    assert await csms.listed() == ["CP_1"]


async def test_five_stations_are_served_side_by_side(programs: Programs) -> None:
    csms = await programs.csms()
    identities = [f"CP_{number}" for number in range(1, 6)]
    for identity in identities:
        await programs.station(identity, csms.url)
    for identity in identities:
        await csms.is_ready(identity)

    assert sorted(await csms.listed()) == identities
    answers = [await csms.reserve() for _ in identities]
    assert [status for status, _ in answers] == [200] * len(identities)
    assert sorted(answer["cp_id"] for _, answer in answers) == identities, "each of them once"
    assert (await csms.reserve())[0] == 503, "nothing is left"
