"""Faults between a station and its CSMS: what each does to the messages, as the CSMS sees it."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj.errors import CallRefused, CallTimedOut
from shared.ocppj.schemas import Schemas
from station.app import REBOOT_S, Station
from station.device_model import WEB_SOCKET_PING_INTERVAL, DeviceModel
from station.faults import Faults
from station.faults.rules import Message
from station.faults.wire import damaged
from station.fields import Invalid
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

HEARTBEAT = {"requestedMessage": "Heartbeat"}


def fail(station: Station, **rule: Any) -> None:
    """Put a rule in force, and no other."""
    station.faults.put({"rules": [rule]})


def struck(station: Station) -> list[tuple[int, int]]:
    """Of each rule, how many messages it was about and how many it struck."""
    return [(rule["seen"], rule["struck"]) for rule in station.faults.report()["rules"]]


def plug(station: Station) -> None:
    """Have the station send a StatusNotification."""
    connector = station.hardware.evses[0].connectors[0]
    (connector.unplug if connector.plugged_in else connector.plug_in)()


def arrivals(csms: FakeCsms) -> list[tuple[float, str]]:
    return [(call.at, call.action) for call in csms.received]


async def test_what_is_dropped_never_arrives_and_its_caller_times_out(
    autojump_clock: MockClock, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        fail(station, kind="drop", action="StatusNotification", direction="sent", count=1)
        plug(station)
        await trio.sleep(20)
        assert csms.received == []
        await trio.sleep(15)
        assert "CP_1: StatusNotification brought no result: no answer to StatusNotification within 30 s" in caplog.text
        assert struck(station) == [(1, 1)]


async def test_of_an_answer_that_is_dropped_the_call_has_arrived(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        fail(station, kind="drop", action="ReserveNow", message="answer")
        with pytest.raises(CallTimedOut):
            await csms.call(
                "ReserveNow",
                {
                    "id": 1,
                    "expiryDateTime": "2027-01-01T00:00:00Z",
                    "evseId": 1,
                    "idToken": {"idToken": "guest", "type": "Central"},
                },
            )
        assert csms.statuses() == [(1, 1, "Reserved")]


async def test_what_is_delayed_arrives_later_and_what_comes_behind_it_waits(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        fail(station, kind="delay", direction="sent", message="call", seconds=10, count=1)
        plug(station)
        await trio.sleep(2)
        with trio.move_on_after(100):
            await csms.call("TriggerMessage", HEARTBEAT)
        assert trio.current_time() == 10  # the answer was behind the StatusNotification
        await wait_all_tasks_blocked()
        assert arrivals(csms) == [(10, "StatusNotification"), (10, "Heartbeat")]


async def test_a_delay_on_the_way_in_holds_up_everything_behind_it(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        fail(station, kind="delay", action="StatusNotification", direction="received", seconds=10)
        plug(station)
        await trio.sleep(2)
        await csms.call("TriggerMessage", HEARTBEAT)
        assert arrivals(csms) == [(0, "StatusNotification"), (10, "Heartbeat")]


async def test_a_late_answer_is_overtaken(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        fail(station, kind="late-answer", direction="received", action="StatusNotification", seconds=40)
        csms.forget()
        plug(station)
        assert await csms.call("TriggerMessage", HEARTBEAT) == {"status": "Accepted"}
        await trio.sleep(29)
        assert arrivals(csms) == [(0, "StatusNotification")]
        await trio.sleep(2)  # the station has given up waiting, and the answer is still on its way
        assert arrivals(csms) == [(0, "StatusNotification"), (30, "Heartbeat")]
        await trio.sleep(20)
        assert csms.goodbyes == []


async def test_a_late_answer_of_the_station_is_overtaken_by_its_calls(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        fail(station, kind="late-answer", direction="sent", seconds=5)
        csms.forget()
        await csms.call("TriggerMessage", HEARTBEAT)
        assert trio.current_time() == 5
        assert arrivals(csms) == [(0, "Heartbeat")]


async def test_what_is_duplicated_arrives_twice_and_is_answered_twice(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.wire.texts.clear()
        fail(station, kind="duplicate", direction="sent", message="call")
        plug(station)
        await wait_all_tasks_blocked()
        messages = [json.loads(text)[:2] for text in csms.wire.texts]
        assert sorted(kind for kind, _ in messages) == [2, 2, 3, 3]
        assert len({message_id for _, message_id in messages}) == 1


async def test_a_call_of_the_csms_that_arrives_twice_is_served_once(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        csms.wire.texts.clear()
        fail(station, kind="duplicate", direction="received", message="call")
        await csms.call("TriggerMessage", HEARTBEAT)
        await wait_all_tasks_blocked()
        assert csms.actions == ["Heartbeat"]
        answers = [text for text in csms.wire.texts if text.startswith('[3,"csms-')]
        assert len(answers) == 2


async def test_what_is_reordered_arrives_behind_the_next(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.wire.texts.clear()
        fail(station, kind="reorder", direction="sent", message="call", count=1, seconds=9)
        plug(station)
        await wait_all_tasks_blocked()
        assert csms.wire.texts == []
        await csms.call("TriggerMessage", HEARTBEAT)
        kinds = [json.loads(text) for text in csms.wire.texts]
        assert [kind[2] if kind[0] == 2 else kind[0] for kind in kinds[:3]] == [
            "TriggerMessage",
            3,
            "StatusNotification",
        ]
        assert trio.current_time() == 0


async def test_what_is_reordered_and_nothing_follows_arrives_in_the_end(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        fail(station, kind="reorder", direction="sent", count=1, seconds=9)
        plug(station)
        await trio.sleep(10)
        assert arrivals(csms) == [(9, "StatusNotification")]


async def test_what_is_corrupt_is_no_message(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        rule = {"kind": "corrupt", "direction": "sent", "action": "StatusNotification", "count": 1}
        station.faults.put({"rules": [rule], "seed": 2})  # with which it is cut short
        plug(station)
        await trio.sleep(29)
        assert csms.received == []
        assert struck(station) == [(1, 1)]
        await trio.sleep(60)
        assert csms.statuses() == [(1, 1, "Occupied")]


def test_what_is_damaged_always_differs() -> None:
    random = Random(1)  # noqa: S311  # repeatable on purpose
    texts = [damaged("[3,1]", random) for _ in range(200)]
    assert "[3,1]" not in texts
    assert {len(text) for text in texts} == {1, 2, 3, 4, 5}
    assert damaged("x", random) != "x"
    assert len(damaged("", random)) == 1


@pytest.mark.parametrize("rules", [{}, [{"kind": "drop"}] * 101])
def test_rules_are_a_list_and_not_too_many(rules: Any) -> None:
    faults = Faults("CP_1", Random(1), half_open=lambda: None, power_cut=lambda: None)  # noqa: S311  # repeatable on purpose
    with pytest.raises(Invalid, match=r"^/rules: expected a list of at most 100, got "):
        faults.put({"rules": rules})


async def test_a_call_that_is_refused_is_not_served(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        station.faults.put(
            {
                "rules": [
                    {"kind": "refuse", "action": "TriggerMessage", "code": "NotSupported", "description": "Not now"}
                ]
            }
        )
        with pytest.raises(CallRefused, match="NotSupported: Not now"):
            await csms.call("TriggerMessage", HEARTBEAT)
        assert csms.received == []
        assert await csms.call("ClearCache", {}) == {"status": "Accepted"}


async def test_half_open_from_a_message_on_neither_side_hears_of_the_other(
    autojump_clock: MockClock, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    variables = DeviceModel()
    variables[WEB_SOCKET_PING_INTERVAL] = 10
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        csms.forget()
        fail(station, kind="half-open", action="StatusNotification", count=1)
        plug(station)
        await trio.sleep(15)
        assert (len(csms.received), len(csms.goodbyes)) == (0, 0)
        await trio.sleep(15)
        assert "CP_1: disconnected (1006 no answer to ping)" in caplog.text
        assert csms.statuses() == [(1, 1, "Occupied")]  # on a new connection


async def test_a_power_cut_behind_what_was_sent_leaves_the_station_without_knowing_that(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        fail(station, kind="power-cut", action="StatusNotification", direction="sent", count=1)
        plug(station)
        await wait_all_tasks_blocked()
        assert station.firmware is None
        assert arrivals(csms) == [(0, "StatusNotification")]
        assert [goodbye.code for goodbye in csms.goodbyes] == [1006]
        await trio.sleep(REBOOT_S + 1)
        assert arrivals(csms)[1:] == [(REBOOT_S, "BootNotification"), (REBOOT_S, "StatusNotification")]


async def test_a_power_cut_waits_for_the_message_that_is_behind_a_delayed_one(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms), trio.open_nursery() as nursery:
        csms.forget()
        delay = {"kind": "delay", "action": "StatusNotification", "direction": "sent", "seconds": 10}
        cut = {"kind": "power-cut", "message": "answer", "direction": "sent"}
        station.faults.put({"rules": [delay, cut]})
        plug(station)
        await trio.sleep(1)
        answered = trio.Event()

        async def trigger() -> None:
            assert await csms.call("TriggerMessage", HEARTBEAT) == {"status": "Accepted"}
            answered.set()

        nursery.start_soon(trigger)
        await trio.sleep(8)
        assert csms.received == []
        await trio.sleep(2)
        assert station.firmware is None
        assert arrivals(csms) == [(10, "StatusNotification")]
        assert answered.is_set()


async def test_what_comes_with_a_power_cut_is_not_read(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        fail(station, kind="power-cut", action="StatusNotification", direction="received", count=1)
        plug(station)
        await wait_all_tasks_blocked()
        assert station.firmware is None
        csms.forget()
        await trio.sleep(REBOOT_S + 1)
        assert csms.statuses() == [(1, 1, "Occupied")]  # for it has no answer to the first one


async def test_a_rule_lets_some_pass_and_then_strikes_so_often(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, interval_s=10) as (station, csms):
        csms.forget()
        fail(station, kind="delay", action="Heartbeat", direction="sent", after=2, count=1, seconds=3)
        await trio.sleep(45)
        assert [call.at for call in csms.received] == [10, 20, 33, 40]
        assert struck(station) == [(4, 1)]


async def test_the_first_rule_that_strikes_is_the_only_one(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, interval_s=10) as (station, csms):
        csms.forget()
        delay = {"kind": "delay", "action": "Heartbeat", "direction": "sent"}
        station.faults.put({"rules": [delay | {"seconds": 1, "count": 1}, delay | {"seconds": 2}]})
        await trio.sleep(25)
        assert [call.at for call in csms.received] == [11, 22]
        assert struck(station) == [(2, 1), (1, 1)]


async def test_without_rules_everything_passes_again_and_what_waits_still_goes(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        fail(station, kind="delay", direction="sent", seconds=10)
        plug(station)
        await trio.sleep(1)
        station.faults.clear()
        assert station.faults.report() == {"rules": []}
        await trio.sleep(10)
        assert arrivals(csms) == [(10, "StatusNotification")]
        plug(station)
        await wait_all_tasks_blocked()
        assert arrivals(csms)[1:] == [(11, "StatusNotification")]


async def test_a_peer_that_sends_on_while_all_is_delayed_is_held_back(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, interval_s=1) as (station, csms):
        csms.forget()
        fail(station, kind="delay", direction="received", message="answer", seconds=1000)
        await trio.sleep(100)
        assert len(csms.received) < 5
        await trio.sleep(1000)
        assert csms.goodbyes == []


def strikes(seed: int | None) -> list[bool]:
    faults = Faults("CP_1", Random(1), half_open=lambda: None, power_cut=lambda: None)  # noqa: S311  # repeatable
    faults.put({"rules": [{"kind": "drop", "probability": 0.3}]} | ({} if seed is None else {"seed": seed}))
    return [faults.strike(Message("sent", "call", "Heartbeat", "1")) is not None for _ in range(1000)]


def test_chance_is_as_likely_as_it_says_and_repeats_itself() -> None:
    assert strikes(None) == strikes(None)
    assert strikes(7) == strikes(7) != strikes(8)
    assert 250 < Counter(strikes(7))[True] < 350


def test_a_mistake_leaves_the_rules_as_they_were() -> None:
    faults = Faults("CP_1", Random(1), half_open=lambda: None, power_cut=lambda: None)  # noqa: S311  # repeatable
    faults.put({"rules": [{"kind": "drop"}], "seed": 3})
    before = faults.report()
    with pytest.raises(Invalid, match="/rules/1/kind"):
        faults.put({"rules": [{"kind": "drop"}, {"kind": "droop"}]})
    with pytest.raises(Invalid, match="/rules: expected a list of at most 100, but it is missing"):
        faults.put({})
    assert faults.report() == before
    assert before == {"rules": [{"kind": "drop", "probability": 1, "after": 0, "seen": 0, "struck": 0}], "seed": 3}
