"""TransactionEvents on their way to a CSMS that is slow, refuses or is not there (E04, E11, E13, B01).

The events are appended by hand, so that nothing but their delivery is looked at.
"""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock

from shared.ocppj import errors
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.device_model import MESSAGE_ATTEMPT_INTERVAL, MESSAGE_ATTEMPTS, DeviceModel
from tests.station.fake_csms import FakeCsms, station_on_fake_csms
from tests.station.test_transaction_queue import event


def example() -> DeviceModel:
    """The variables of the example in E13."""
    variables = DeviceModel()
    variables[MESSAGE_ATTEMPTS] = 3
    variables[MESSAGE_ATTEMPT_INTERVAL] = 60
    return variables


def queue(station: Station, *payloads: dict[str, Any]) -> None:
    assert station.firmware is not None, "the station is off"
    for payload in payloads:
        station.firmware.transactions.queue.append(payload)
    station.firmware.hardware_changed()


def received(csms: FakeCsms) -> list[tuple[float, int]]:
    """When which event came, by its seqNo."""
    return [(call.at, call.payload["seqNo"]) for call in csms.received if call.action == "TransactionEvent"]


async def test_e13_example_a_refused_event_is_sent_again_after_60_and_another_120_seconds(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=example()) as (station, csms):
        csms.refuses["TransactionEvent"] = errors.InternalError()
        queue(station, event(7), event(8))
        await trio.sleep(179)
        csms.refuses.clear()
        await trio.sleep(1000)
        assert received(csms) == [(0, 7), (60, 7), (180, 7), (180, 8)]


async def test_e13_fr_04_what_is_refused_at_last_is_discarded_and_the_next_one_is_sent(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=example()) as (station, csms):
        csms.refuses["TransactionEvent"] = errors.FormatViolation()
        queue(station, event(7), event(8))
        await trio.sleep(1000)
        assert received(csms) == [(at, 7) for at in (0, 60, 180)] + [(at, 8) for at in (180, 240, 360)]


async def test_e13_an_event_without_an_answer_in_time_waits_for_its_interval(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=example()) as (station, csms):
        csms.thinks_s["TransactionEvent"] = 35.0  # MessageTimeout is 30
        csms.refuses["TransactionEvent"] = errors.InternalError()  # so the answer tells nothing when it comes late
        queue(station, event(7), event(8))
        await trio.sleep(269)
        csms.thinks_s.clear()
        csms.refuses.clear()
        await trio.sleep(1000)
        # The fake CSMS answers in order, so it looks at the last one only when it has answered the one before.
        assert received(csms) == [(0, 7), (90, 7), (240, 7), (275, 8)]


async def test_a_late_answer_ends_the_wait_for_the_next_attempt(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=example()) as (station, csms):
        csms.thinks_s["TransactionEvent"] = 40.0
        queue(station, event(7), event(8))
        await trio.sleep(39)
        csms.thinks_s.clear()
        await trio.sleep(1000)
        assert received(csms) == [(0, 7), (40, 8)]


async def test_other_messages_do_not_wait_for_an_event_that_waits(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=example()) as (station, csms):
        csms.refuses["TransactionEvent"] = errors.InternalError()
        queue(station, event(7))
        await trio.sleep(1)
        csms.forget()
        station.hardware.switch(operative=False)
        await trio.sleep(1)
        assert csms.actions == ["StatusNotification"]


async def test_e11_what_was_under_way_and_what_came_while_offline_is_sent_in_order_when_the_connection_is_back(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.thinks_s["TransactionEvent"] = 2.0
        queue(station, event(0))
        await trio.sleep(1)
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(3600)
        queue(station, event(1, offline=True), event(2, offline=True))
        csms.unreachable = None
        await trio.sleep(120)
        queue(station, event(3))
        await trio.sleep(10)
        payloads = [call.payload for call in csms.received if call.action == "TransactionEvent"]
        assert [(payload["seqNo"], payload.get("offline", False)) for payload in payloads] == [
            (0, False),
            (0, True),  # E11.FR.07
            (1, True),
            (2, True),
            (3, False),
        ]


async def test_b01_fr_08_b12_fr_05_what_a_reboot_interrupts_is_sent_again_when_the_station_is_accepted(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.thinks_s["TransactionEvent"] = 20.0
        queue(station, event(0, kind="Started"), event(1, kind="Ended"))
        await trio.sleep(10)
        csms.boot_status, csms.interval_s = "Pending", 50
        station.reboot("RemoteReset")
        await trio.sleep(1)
        csms.forget()
        csms.thinks_s.clear()
        await trio.sleep(40)
        assert csms.actions == ["BootNotification"]
        csms.boot_status = "Accepted"
        await trio.sleep(60)
        assert [seq_no for _, seq_no in received(csms)] == [0, 1]


async def test_a_power_cut_neither_loses_nor_repeats_what_the_csms_has_answered(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.thinks_s["TransactionEvent"] = 10.0
        queue(station, *(event(number) for number in range(4)))
        await trio.sleep(25)
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(200)
        assert [seq_no for _, seq_no in received(csms)] == [0, 1, 2, 2, 3]
