"""What is due is sent when it is due, whatever becomes of what was sent before."""

import threading
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from bench.messages import Action
from bench.open_loop import Duty, Latencies, OpenLoop
from bench.stations import LoadFailed
from tests.bench.servers import DEADLINE_S, accept, csms

NO_REST = 9  # nothing is asked there


def test_latencies_are_of_all_samples() -> None:
    assert Latencies.of([]) is None
    assert Latencies.of([0.004, 0.001, 0.003, 0.002]) == Latencies(4, 0.002, 0.004, 0.004)


def test_a_duty_is_due_at_its_rate_from_its_offset_on() -> None:
    duty = Duty(10, lambda: None, offset=0.5)
    assert duty.due_at(100) == pytest.approx(100.05)
    duty.times = 3
    assert duty.due_at(100) == pytest.approx(100.35)


def test_so_many_are_sent_in_turn_as_the_rate_has_it() -> None:
    senders: list[str] = []

    def note(connection: ServerConnection, call: list[Any]) -> None:
        if call[2] == "Heartbeat":
            senders.append(call[1][:8])
        accept(connection, call)

    with csms(note) as port, OpenLoop(port, NO_REST) as loop:
        loop.connect(5, deadline_s=DEADLINE_S)
        loop.take_up(Action.HEARTBEAT, 3)
        duty = Duty(100, loop.send_next)
        lasted = loop.work(0.3, [duty])
        assert not loop.take_errors()
    assert 0.3 <= lasted < DEADLINE_S
    assert 10 <= duty.times <= 30, "fewer when the machine is busy, never more"
    assert len(loop.took) == loop.sent == len(senders)
    assert set(senders) == {"00000000", "00000001", "00000002"}


def test_a_station_that_awaits_an_answer_is_passed_over_and_the_others_are_not() -> None:
    gate = threading.Event()

    def hold_the_first(connection: ServerConnection, call: list[Any]) -> None:
        if call[2] == "Heartbeat" and call[1].startswith("00000000"):
            gate.wait(DEADLINE_S)
        accept(connection, call)

    with csms(hold_the_first) as port, OpenLoop(port, NO_REST) as loop:
        loop.connect(2, deadline_s=DEADLINE_S)
        loop.take_up(Action.HEARTBEAT, 2)
        duties = [Duty(100, loop.send_next), Duty(5, gate.set, offset=1)]
        loop.work(0.25, duties)
        assert not loop.take_errors()
    assert 5 < loop.sent < duties[0].times
    assert max(loop.took) > 0.15


def test_all_say_it_once_or_it_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.open_loop.DRAIN_S", 0.1)
    heard: list[str] = []

    def all_but_the_last(connection: ServerConnection, call: list[Any]) -> None:
        heard.append(call[2])
        if not (call[2] == "StatusNotification" and call[1].startswith("00000002")):
            accept(connection, call)

    with csms(all_but_the_last) as port, OpenLoop(port, NO_REST) as loop:
        loop.connect(2, deadline_s=DEADLINE_S)
        loop.say_once(Action.STATUS_NOTIFICATION)
        assert heard.count("StatusNotification") == 2
        loop.connect(1, deadline_s=DEADLINE_S)
        with pytest.raises(LoadFailed, match="2 of 3 StatusNotification"):
            loop.say_once(Action.STATUS_NOTIFICATION)
