"""How scenarios are played: what counts, for how long, and what is told when it is otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.scenario import Outcome, Verdict
from tests.station.fake_csms import FakeCsms
from tests.station.scenario.theatre import play, written

REGISTERED = '[[step]]\nexpect = "registered"\n'


async def played(
    text: str, folder: Path, schemas: Schemas, ask: Callable[..., Any] | None = None, **behaviour: Any
) -> tuple[Outcome, list[str]]:
    """How a scenario goes against the fake CSMS, and the report. behaviour: attributes of FakeCsms."""
    lines: list[str] = []
    async with trio.open_nursery() as nursery:
        csms = FakeCsms(nursery, schemas)
        for name, value in behaviour.items():
            setattr(csms, name, value)
        outcome = await play(written(folder, text), csms.open_stream, schemas, ask=ask, lines=lines)
        nursery.cancel_scope.cancel()
    return outcome, lines


def verdicts(outcome: Outcome) -> list[str]:
    return [over.verdict.value for over in outcome.steps]


async def test_the_first_step_finds_a_station_that_is_switched_on(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    outcome, _ = await played('[[step]]\ndo = "present-token"\nidToken = "A"\n', tmp_path, schemas)
    assert outcome.passed


async def test_the_first_step_that_fails_ends_it_and_what_was_seen_is_told(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    text = REGISTERED + '[[step]]\nexpect = "connector"\nstatus = "Faulted"\nwithin = 3\n[[step]]\ndo = "stop"\n'
    outcome, lines = await played(text, tmp_path, schemas)
    assert not outcome.passed
    assert verdicts(outcome) == ["passed", "failed", "skipped"]
    assert lines[1:] == [
        "      0.0 s  ✓   1  expect registered",
        "      3.0 s  ✗   2  expect connector: status Faulted within 3 s",
        '                   but: status "Available"',
        "             -   3  stop",
        "Failed at step 2 of 3 in 3.0 s: scenario",
    ]
    assert outcome.failure is not None
    assert outcome.failure.took_s == 3


async def test_a_csms_that_refuses_the_station_is_told(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    outcome, _ = await played(REGISTERED, tmp_path, schemas, boot_status="Rejected")
    assert outcome.failure is not None
    assert outcome.failure.seen == "connected, not registered"
    outcome, _ = await played(REGISTERED, tmp_path, schemas, unreachable=OSError("down"))
    assert outcome.failure is not None
    assert outcome.failure.seen == "disconnected"


async def test_steps_wait_for_their_time_and_tell_when_they_are_late(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    text = '[[step]]\nat = 10\ndo = "plug-in"\n[[step]]\ndo = "wait"\nseconds = 5\n[[step]]\nat = 12\ndo = "unplug"\n'
    outcome, _ = await played(text, tmp_path, schemas)
    assert [over.at for over in outcome.steps] == [10, 15, 15]
    assert [over.seen for over in outcome.steps] == ["", "", "3.0 s late"]


async def test_what_the_world_does_not_let_happen_fails_the_step(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    outcome, _ = await played('[[step]]\ndo = "plug-in"\n' * 2, tmp_path, schemas)
    assert outcome.failure is not None
    assert (outcome.failure.step.number, outcome.failure.seen) == (2, "connector 1 has a vehicle already")
    off = '[[step]]\ndo = "power-cycle"\n[[step]]\nexpect = "off"\n[[step]]\ndo = "{}"\n'
    for deed, why in [
        ("stop", "there is no power: nothing notices the button"),
        ('present-token"\nidToken = "A', "the station is off"),
        ("power-cycle", "the station is off already"),
    ]:
        outcome, _ = await played(REGISTERED + off.format(deed), tmp_path, schemas)
        assert outcome.failure is not None
        assert (outcome.failure.step.number, outcome.failure.seen) == (4, why)


async def test_what_happened_since_the_last_action_counts_in_any_order_and_once(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    token = '[[step]]\ndo = "present-token"\nidToken = "A"\n'
    wait = '[[step]]\ndo = "wait"\nseconds = 2\n'
    started = '[[step]]\nexpect = "transaction"\nevent = "Started"\nwithin = 1\n'
    authorize = '[[step]]\nexpect = "sent"\naction = "Authorize"\nwithin = 1\n'
    outcome, _ = await played(
        REGISTERED + '[[step]]\ndo = "plug-in"\n' + wait + token + wait + started + authorize + authorize,
        tmp_path,
        schemas,
    )
    assert verdicts(outcome)[-3:] == ["passed", "passed", "failed"]
    assert outcome.failure is not None
    assert outcome.failure.seen == "sent: TransactionEvent"


async def test_what_happened_before_the_last_action_does_not_count(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    text = '[[step]]\nexpect = "registered"\n[[step]]\ndo = "wait"\nseconds = 2\n[[step]]\ndo = "jam"\n'
    boot = '[[step]]\nexpect = "sent"\naction = "BootNotification"\nwithin = 1\n'
    outcome, _ = await played(text + boot, tmp_path, schemas)
    assert outcome.failure is not None
    assert outcome.failure.seen == "nothing was sent"
    outcome, _ = await played(text.replace('[[step]]\ndo = "jam"\n', "") + boot, tmp_path, schemas)
    assert outcome.passed


async def test_what_differs_in_a_message_is_told(autojump_clock: MockClock, schemas: Schemas, tmp_path: Path) -> None:
    text = '[[step]]\nexpect = "sent"\naction = "BootNotification"\npayload = { reason = "Watchdog" }\n'
    outcome, _ = await played(text, tmp_path, schemas)
    assert outcome.failure is not None
    assert outcome.failure.seen == 'BootNotification in which /reason is "PowerUp"'


async def test_never_for_is_about_what_comes_and_fails_as_soon_as_it_does(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    wait = '[[step]]\ndo = "wait"\nseconds = 1\n'
    boot = '[[step]]\nexpect = "sent"\naction = "BootNotification"\nnever_for = 7\n'
    outcome, _ = await played(wait + boot, tmp_path, schemas)
    assert outcome.passed
    assert outcome.took_s == 8
    heartbeat = '[[step]]\nexpect = "sent"\naction = "Heartbeat"\nnever_for = 70\n'
    outcome, _ = await played(wait + heartbeat, tmp_path, schemas, interval_s=30)
    assert outcome.failure is not None
    assert outcome.failure.seen == "Heartbeat {}"
    assert 29 <= outcome.took_s <= 31


async def test_always_for_fails_as_soon_as_it_is_not_so(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    down = '[[step]]\ndo = "network-down"\nseconds = 5\n'
    steady = '[[step]]\nexpect = "{}"\nalways_for = 20\n'
    outcome, _ = await played(REGISTERED + steady.format("connected"), tmp_path, schemas)
    assert (outcome.passed, outcome.took_s) == (True, 20)
    text = REGISTERED + down + '[[step]]\nexpect = "disconnected"\n' + steady.format("disconnected")
    outcome, _ = await played(text, tmp_path, schemas)
    assert outcome.failure is not None
    assert outcome.failure.seen == "registered"
    assert 5 <= outcome.took_s < 20


async def test_a_transaction_is_seen_although_nobody_can_be_told(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    text = (
        '[station.variables]\n"TxCtrlr.TxStartPoint" = "EVConnected"\n'
        + REGISTERED
        + '[[step]]\ndo = "network-down"\n[[step]]\nexpect = "disconnected"\n[[step]]\ndo = "plug-in"\n'
        + '[[step]]\nexpect = "transaction"\nevent = "Started"\noffline = true\nstate = "EVConnected"\n'
        + '[[step]]\nexpect = "queued"\nat_least = 1\n'
        + '[[step]]\nexpect = "sent"\naction = "TransactionEvent"\nnever_for = 30\n'
    )
    outcome, lines = await played(text, tmp_path, schemas)
    assert outcome.passed, lines


async def test_names_stand_for_what_was_kept(autojump_clock: MockClock, schemas: Schemas, tmp_path: Path) -> None:
    asked: list[tuple[str, str, Any]] = []

    async def ask(method: str, path: str, body: Any) -> tuple[int, Any]:
        await trio.lowlevel.checkpoint()
        asked.append((method, path, body))
        return 200, {"result": {"status": "Accepted", "list": [{"n": 1}, {"n": 2}]}}

    text = REGISTERED + (
        '[[step]]\ndo = "call"\naction = "Heartbeat"\nkeep = { time = "/currentTime" }\n'
        '[[step]]\ndo = "csms"\nmethod = "POST"\npath = "/x/${identity}"\n'
        'body = { at = "${now+60}", n = ["${time}!"] }\n'
        'answer = { result = { list = [{ n = 2 }] } }\nkeep = { number = "/result/list/1/n" }\n'
        '[[step]]\ndo = "csms"\npath = "/y/${number}"\nbody = "${number}"\n'
        '[[step]]\ndo = "csms"\npath = "/z"\nanswer = { result = { list = [{ n = 3 }] } }\n'
    )
    outcome, _ = await played(text, tmp_path, schemas, ask)
    body = {"at": "2026-11-22T03:53:53.000Z", "n": ["2026-11-22T03:52:53.000Z!"]}
    assert asked[:2] == [("POST", "/x/CP_1", body), ("GET", "/y/2", 2)]
    assert outcome.failure is not None
    assert outcome.failure.step.number == 5
    assert outcome.failure.seen.startswith('of the answer /result/list has no {"n":3}: {"result":')


async def test_a_status_that_is_not_expected_fails_the_step(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    async def ask(*_: Any) -> tuple[int, Any]:
        await trio.lowlevel.checkpoint()
        return 404, {"detail": "gone"}

    step = '[[step]]\ndo = "csms"\npath = "/x"\n'
    outcome, _ = await played(step + "status = 404\n" + step, tmp_path, schemas, ask)
    assert verdicts(outcome) == ["passed", "failed"]
    assert outcome.failure is not None
    assert outcome.failure.seen == 'status 404: {"detail":"gone"}'


async def test_a_call_that_brings_no_result_fails_the_step(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    call = '[[step]]\ndo = "call"\naction = "DataTransfer"\npayload = {}\n'
    outcome, _ = await played(REGISTERED + call.format('{ vendorId = "x" }'), tmp_path, schemas)
    assert outcome.failure is not None  # the fake CSMS's answer has no status
    outcome, _ = await played(REGISTERED + call, tmp_path, schemas)
    assert outcome.failure is not None
    assert "vendorId" in outcome.failure.seen


async def test_the_station_comes_with_the_variables_of_the_scenario(
    autojump_clock: MockClock, schemas: Schemas, tmp_path: Path
) -> None:
    text = (
        '[station.variables]\n"TxCtrlr.EVConnectionTimeOut" = 20\n"DeviceDataCtrlr.ItemsPerMessage[GetReport]" = 7\n'
        '"AuthCtrlr.LocalPreAuthorize" = true\n'
        + REGISTERED
        + '[[step]]\ndo = "power-cycle"\n[[step]]\nexpect = "off"\n'
        + REGISTERED
    )
    for component, name, value in [
        ("TxCtrlr", "EVConnectionTimeOut", "20"),
        ("DeviceDataCtrlr", 'ItemsPerMessage"\ninstance = "GetReport', "7"),
        ("AuthCtrlr", "LocalPreAuthorize", "true"),
    ]:
        text += f'[[step]]\nexpect = "variable"\ncomponent = "{component}"\nvariable = "{name}"\nvalue = "{value}"\n'
    text += (
        '[[step]]\nexpect = "variable"\ncomponent = "TxCtrlr"\nvariable = "TxStartPoint"\nvalue = "red"\nwithin = 0\n'
    )
    outcome, _ = await played(text, tmp_path, schemas)
    assert outcome.failure is not None
    assert (outcome.failure.step.number, outcome.failure.seen) == (len(outcome.steps), '"PowerPathClosed"')


async def test_what_was_not_played_is_skipped(autojump_clock: MockClock, schemas: Schemas, tmp_path: Path) -> None:
    outcome = Outcome.not_played(written(tmp_path, REGISTERED))
    assert not outcome.passed
    assert [over.verdict for over in outcome.steps] == [Verdict.SKIPPED]


async def test_a_seed_makes_it_the_same_twice(autojump_clock: MockClock, schemas: Schemas, tmp_path: Path) -> None:
    text = (
        REGISTERED
        + '[[step]]\nat = 5\ndo = "network-down"\nseconds = 60\n[[step]]\nexpect = "disconnected"\n'
        + '[[step]]\nexpect = "registered"\nwithin = 200\n'
    )
    reports = [(await played("[station]\nseed = 5\n" + text, tmp_path, schemas))[1] for _ in range(2)]
    assert reports[0] == reports[1]
    other = (await played("[station]\nseed = 6\n" + text, tmp_path, schemas))[1]
    assert other[1:] != reports[0][1:]


async def test_secrets_in_messages_are_not_told(autojump_clock: MockClock, schemas: Schemas, tmp_path: Path) -> None:
    text = REGISTERED + '[[step]]\ndo = "present-token"\nidToken = "4711"\ntype = "KeyCode"\ntitle = "a PIN"\n'
    other = (
        '[[step]]\nexpect = "sent"\naction = "Authorize"\npayload = { idToken = { idToken = "4712" } }\nwithin = 1\n'
    )
    outcome, lines = await played(text + other, tmp_path, schemas)
    assert "4711" not in "".join(lines)
    assert outcome.failure is not None
    assert outcome.failure.seen == 'Authorize in which /idToken/idToken is "***"'
