"""The queue of TransactionEvents: order, attempts, offline, what is dropped (E04, E11, E12, E13, E14)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.ocppj.errors import CallFailed, CallRefused, CallTimedOut, ConnectionLost, InvalidAnswer
from station.device_model import MESSAGE_ATTEMPT_INTERVAL, MESSAGE_ATTEMPTS, DeviceModel
from station.outgoing import Outgoing
from station.state import MemoryState
from station.transaction_queue import TransactionQueue

NOT_ACCEPTED: list[CallFailed] = [
    CallRefused("InternalError"),
    CallRefused("FormatViolation"),
    InvalidAnswer("TransactionEventResponse: totalCost is no number"),
    CallTimedOut("no answer"),
]


def event(seq_no: int, transaction_id: str = "T1", kind: str = "Updated", **more: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": "2026-11-22T03:52:53.938Z",
        "triggerReason": "ChargingStateChanged",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": transaction_id},
        **more,
    }


def sample(seq_no: int, transaction_id: str = "T1") -> dict[str, Any]:
    return event(seq_no, transaction_id, triggerReason="MeterValuePeriodic")


class Bench:
    """A queue on a clock that is turned by hand, and the answers it has handed on."""

    def __init__(self, capacity: int = 100) -> None:
        self.now = 1000.0
        self.state = MemoryState()
        self.variables = DeviceModel()
        self.variables[MESSAGE_ATTEMPTS] = 3
        self.variables[MESSAGE_ATTEMPT_INTERVAL] = 60
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.capacity = capacity
        self.boot()

    def boot(self) -> None:
        self.queue = TransactionQueue(
            "CP_1",
            self.state,
            self.variables,
            monotonic=lambda: self.now,
            answered=lambda request, response: self.answers.append((request["seqNo"], response)),
            capacity=self.capacity,
        )

    async def add(self, *payloads: dict[str, Any]) -> None:
        for payload in payloads:
            self.queue.append(payload)
        await self.state.keep()

    async def power_cycle(self) -> None:
        self.state.lose_power()
        self.boot()

    def sent(self) -> Outgoing:
        outgoing = self.queue.next_call()
        assert outgoing is not None, "there is nothing to send now"
        assert outgoing.action == "TransactionEvent"
        return outgoing

    async def drain(self) -> list[dict[str, Any]]:
        """Answer everything, and return what it was."""
        payloads = []
        while len(self.queue):
            await self.state.keep()
            outgoing = self.sent()
            payloads.append(outgoing.payload)
            outgoing.answered({})
        return payloads


def seq_nos(payloads: list[dict[str, Any]]) -> list[int]:
    return [payload["seqNo"] for payload in payloads]


async def test_e04_fr_02_events_are_sent_in_order_each_behind_the_answer_to_the_one_before() -> None:
    bench = Bench()
    await bench.add(event(0, kind="Started"), event(1), event(2, kind="Ended"))
    assert bench.sent().payload == event(0, kind="Started")
    assert bench.sent().payload["seqNo"] == 0  # it has not been answered
    bench.sent().answered({"idTokenInfo": {"status": "Accepted"}})
    assert bench.answers == [(0, {"idTokenInfo": {"status": "Accepted"}})]
    assert seq_nos(await bench.drain()) == [1, 2]
    assert bench.queue.next_call() is None
    assert bench.queue.due_at() == float("inf")


async def test_an_event_is_on_disk_before_it_is_sent() -> None:
    bench = Bench()
    bench.queue.append(event(0, kind="Started"))
    assert bench.queue.next_call() is None
    await bench.state.keep()
    assert bench.sent().payload["seqNo"] == 0


async def test_what_is_queued_outlives_a_loss_of_power_and_what_is_answered_does_not_come_back() -> None:
    bench = Bench()
    await bench.add(event(0, kind="Started"), event(1), event(2))
    bench.sent().answered({})
    await bench.state.keep()
    await bench.power_cycle()
    assert seq_nos(await bench.drain()) == [1, 2]


async def test_an_answer_that_was_not_kept_is_asked_for_again_with_the_same_content() -> None:
    bench = Bench()
    await bench.add(event(0, kind="Started", offline=True), event(1))
    before = bench.sent()
    before.answered({})
    await bench.power_cycle()
    assert bench.sent().payload == before.payload
    assert seq_nos(await bench.drain()) == [0, 1]


async def test_events_that_are_added_after_a_loss_of_power_go_behind_those_before() -> None:
    bench = Bench()
    await bench.add(*(event(number) for number in range(12)))
    for _ in range(9):
        bench.sent().answered({})
    await bench.state.keep()
    await bench.power_cycle()
    await bench.add(event(12))
    assert seq_nos(await bench.drain()) == [9, 10, 11, 12]


async def test_e11_fr_07_what_waits_when_the_connection_is_lost_is_offline_from_then_on() -> None:
    bench = Bench()
    await bench.add(event(0, kind="Started"), event(1))
    assert "offline" not in bench.sent().payload
    bench.sent().failed(ConnectionLost())
    bench.queue.disconnected()
    await bench.add(event(2, offline=True))
    bench.queue.connected(10.0)
    await bench.add(event(3, offline=False))
    assert [payload.get("offline") for payload in await bench.drain()] == [True, True, True, False]


async def test_e11_fr_07_b12_fr_05_what_waited_during_a_reboot_is_offline() -> None:
    bench = Bench()
    await bench.add(event(0, kind="Ended"))
    await bench.power_cycle()
    await bench.add(event(0, "T2", kind="Started"))
    assert [payload.get("offline") for payload in await bench.drain()] == [True, None]


@pytest.mark.parametrize("failure", NOT_ACCEPTED, ids=str)
async def test_e13_what_is_not_accepted_is_sent_again_after_one_and_two_intervals_and_then_discarded(
    failure: CallFailed, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()
    await bench.add(event(7), event(8))
    bench.sent().failed(failure)
    for wait_s in (60, 120):
        await bench.state.keep()
        assert bench.queue.due_at() == bench.now + wait_s
        bench.now += wait_s - 1
        assert bench.queue.next_call() is None
        bench.now += 1
        assert bench.sent().payload == event(7)
        bench.sent().failed(failure)
    assert seq_nos(await bench.drain()) == [8]  # E13.FR.04
    assert bench.answers == [(8, {})]
    assert [record.message for record in caplog.records] == [
        f"CP_1: TransactionEvent 7 of T1 is discarded: not accepted 3 times, at last: {failure}"
    ]


async def test_e13_a_lost_connection_is_no_failure() -> None:
    bench = Bench()
    await bench.add(event(0))
    for _ in range(10):
        bench.sent().failed(ConnectionLost())
    bench.sent().failed(CallTimedOut())
    await bench.state.keep()
    assert bench.queue.due_at() == bench.now + 60
    assert len(bench.queue) == 1


async def test_e13_fr_02_attempts_are_counted_over_a_loss_of_power_and_the_wait_starts_with_the_boot() -> None:
    bench = Bench()
    await bench.add(event(0), event(1))
    bench.sent().failed(CallTimedOut())
    await bench.state.keep()
    bench.now += 60
    bench.sent().failed(CallTimedOut())
    await bench.state.keep()
    bench.now += 7
    await bench.power_cycle()
    assert bench.queue.next_call() is None
    assert bench.queue.due_at() == bench.now + 120
    bench.now += 120
    bench.sent().failed(CallTimedOut())
    assert bench.sent().payload["seqNo"] == 1


async def test_e13_fr_01_the_attempts_are_those_of_the_variable_as_it_is_now() -> None:
    bench = Bench()
    bench.variables[MESSAGE_ATTEMPTS] = 1
    await bench.add(event(0), event(1))
    bench.sent().failed(CallTimedOut())
    assert bench.sent().payload["seqNo"] == 1
    bench.variables[MESSAGE_ATTEMPTS] = 2
    bench.variables[MESSAGE_ATTEMPT_INTERVAL] = 5
    bench.sent().failed(CallTimedOut())
    assert bench.queue.due_at() == bench.now + 5


async def test_b01_fr_10_a_csms_that_has_forgotten_the_station_has_not_failed_to_process_the_event() -> None:
    bench = Bench()
    await bench.add(event(0))
    bench.sent().failed(CallRefused("SecurityError"))
    await bench.state.keep()
    assert bench.sent().payload == event(0)  # as soon as the station is registered again


async def test_e13_an_event_that_is_refused_as_insecure_again_does_not_block_the_others_for_ever() -> None:
    bench = Bench()
    await bench.add(event(0), event(1))
    for _ in range(4):
        await bench.state.keep()
        bench.now += 1000
        bench.sent().failed(CallRefused("SecurityError"))
    assert bench.sent().payload["seqNo"] == 1


async def test_a_late_answer_is_an_answer() -> None:
    bench = Bench()
    await bench.add(event(0), event(1))
    outgoing = bench.sent()
    outgoing.failed(CallTimedOut())
    assert outgoing.late is not None
    outgoing.late({"chargingPriority": 1})
    assert bench.answers == [(0, {"chargingPriority": 1})]
    assert bench.sent().payload["seqNo"] == 1


async def test_a_late_answer_while_the_event_is_sent_again_counts_once() -> None:
    bench = Bench()
    await bench.add(event(0), event(1))
    first = bench.sent()
    first.failed(CallTimedOut())
    await bench.state.keep()
    bench.now += 60
    second = bench.sent()
    assert first.late is not None
    first.late({"chargingPriority": 1})
    second.answered({"chargingPriority": 2})
    assert bench.answers == [(0, {"chargingPriority": 1})]
    assert seq_nos(await bench.drain()) == [1]


async def test_a_failure_of_what_was_answered_late_meanwhile_is_no_failure_of_the_next_one() -> None:
    bench = Bench()
    await bench.add(event(0), event(1))
    first = bench.sent()
    first.failed(CallTimedOut())
    await bench.state.keep()
    bench.now += 60
    second = bench.sent()
    assert first.late is not None
    first.late({})
    second.failed(CallTimedOut())
    assert bench.sent().payload["seqNo"] == 1


async def test_a_late_refusal_does_not_count_twice() -> None:
    bench = Bench()
    await bench.add(event(0))
    outgoing = bench.sent()
    outgoing.failed(CallTimedOut())
    assert outgoing.late is not None
    outgoing.late(CallRefused("InternalError"))
    assert bench.queue.due_at() == bench.now + 60


async def test_an_answer_that_comes_after_the_event_was_discarded_is_still_handed_on() -> None:
    bench = Bench()
    bench.variables[MESSAGE_ATTEMPTS] = 1
    await bench.add(event(0), event(1))
    outgoing = bench.sent()
    outgoing.failed(CallTimedOut())
    assert outgoing.late is not None
    outgoing.late({"idTokenInfo": {"status": "Invalid"}})
    assert bench.answers == [(0, {"idTokenInfo": {"status": "Invalid"}})]
    assert bench.sent().payload["seqNo"] == 1


async def test_e14_there_are_messages_in_the_queue_until_the_last_one_is_answered() -> None:
    bench = Bench()
    assert not bench.queue.pending()
    bench.queue.append(event(0, "T1", kind="Ended"))
    bench.queue.append(event(0, "T2", kind="Started"))
    await bench.state.keep()
    assert [bench.queue.pending(which) for which in (None, "T1", "T2", "T3")] == [True, True, True, False]
    bench.sent().answered({})
    assert [bench.queue.pending(which) for which in (None, "T1", "T2", "T3")] == [True, False, True, False]
    bench.sent().answered({})
    assert not bench.queue.pending()


async def test_e04_fr_08_when_there_is_no_room_every_other_sample_goes_first() -> None:
    bench = Bench(capacity=8)
    await bench.add(event(0, kind="Started"), event(1), *(sample(number) for number in range(2, 8)))
    assert not bench.queue.is_full
    await bench.add(sample(8))
    assert seq_nos(await bench.drain()) == [0, 1, 3, 5, 7]


async def test_e04_fr_08_the_transaction_with_most_samples_gives_and_then_other_updates_do() -> None:
    bench = Bench(capacity=6)
    await bench.add(event(0, "T1", kind="Started"), sample(1, "T1"))
    await bench.add(event(0, "T2", kind="Started"), event(1, "T2"), sample(2, "T2"), sample(3, "T2"), sample(4, "T2"))
    left = [("T1", 0), ("T1", 1), ("T2", 0), ("T2", 1), ("T2", 3)]
    assert [(entry["transactionInfo"]["transactionId"], entry["seqNo"]) for entry in await bench.drain()] == left
    await bench.add(*(event(number) for number in range(7)))
    assert seq_nos(await bench.drain()) == [0, 2, 4, 6]  # the first was on its way, perhaps


async def test_e04_fr_07_started_and_ended_are_never_dropped() -> None:
    bench = Bench(capacity=4)
    frames = [event(0, f"T{number}", kind=kind) for number in range(4) for kind in ("Started", "Ended")]
    await bench.add(*frames)
    assert bench.queue.is_full
    await bench.add(sample(9), event(9))
    assert await bench.drain() == frames
    assert not bench.queue.is_full


async def test_what_is_dropped_does_not_come_back_with_the_power() -> None:
    bench = Bench(capacity=4)
    await bench.add(*(sample(number) for number in range(5)))
    await bench.power_cycle()
    assert seq_nos(await bench.drain()) == [0, 2, 4]
    assert bench.state.keys() == []
