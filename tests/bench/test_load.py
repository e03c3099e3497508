"""The load generator counts right answers, and whatever else a server does is an error with a name."""

import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from bench.load import Load, Played, Window
from bench.machine import CpuTimes
from bench.messages import Action
from bench.stations import LoadFailed
from tests.bench.servers import DEADLINE_S, Answer, accept, csms, unlike

SECONDS = 0.1


def no_cpu() -> CpuTimes:
    return CpuTimes(0, 0, 0, 0)


def exchange(load: Load, action: Action = Action.HEARTBEAT) -> Window:
    return load.exchange(action, warm_up_s=0, seconds=SECONDS, cpu_times=no_cpu)


@pytest.mark.parametrize("action", [Action.HEARTBEAT, Action.TRANSACTION_EVENT])
def test_every_right_answer_counts_and_none_is_an_error(action: Action) -> None:
    answered = []

    def counting(connection: ServerConnection, call: list[Any]) -> None:
        answered.append(call)
        accept(connection, call)

    with csms(counting) as port, Load(port) as load:
        load.connect(5, in_flight=2, deadline_s=DEADLINE_S)
        window = exchange(load, action)
        assert load.ready == 5
        assert not load.errors
        assert window.warm
        assert 0 < window.rate * SECONDS <= len(answered)
        assert 0 < window.p50_s <= window.p99_s < 1
    assert [call[2] for call in answered].count("BootNotification") == 5
    assert len({call[1] for call in answered}) == len(answered)


def test_a_server_that_answers_in_batches_is_measured_over_whole_batches() -> None:
    def work_on_the_batch() -> None:
        threading.Event().wait(2 * SECONDS)

    all_have_asked = threading.Barrier(3, work_on_the_batch, timeout=DEADLINE_S)

    def in_batches(connection: ServerConnection, call: list[Any]) -> None:
        if call[2] != "BootNotification":
            all_have_asked.wait()
        accept(connection, call)

    with csms(in_batches) as port, Load(port) as load:
        load.connect(3, deadline_s=DEADLINE_S)
        window = exchange(load)
        assert window.answers >= 3
        assert window.seconds > SECONDS
        all_have_asked.abort()


def spaced(connection: ServerConnection, call: list[Any]) -> None:
    connection.send(json.dumps([3, call[1], {}], indent=1))


def pinging(connection: ServerConnection, call: list[Any]) -> None:
    def answer_after_the_pong() -> None:
        if connection.ping("anyone there").wait(DEADLINE_S):
            spaced(connection, call)

    threading.Thread(target=answer_after_the_pong).start()


@pytest.mark.parametrize("first", [spaced, pinging])
def test_an_answer_may_be_spaced_and_pings_are_answered(first: Answer) -> None:
    with csms(unlike(first)) as port, Load(port) as load:
        load.connect(1, deadline_s=DEADLINE_S)
        assert exchange(load).rate > 0
        assert not load.errors


def refuse(connection: ServerConnection, call: list[Any]) -> None:
    connection.send(json.dumps([4, call[1], "InternalError", "it broke", {}]))


def answer_another(connection: ServerConnection, call: list[Any]) -> None:
    connection.send(json.dumps([3, "another", {}]))
    accept(connection, call)


def answer_twice(connection: ServerConnection, call: list[Any]) -> None:
    accept(connection, call)
    accept(connection, call)


def answer_twice_at_once(connection: ServerConnection, call: list[Any]) -> None:
    text = json.dumps([3, call[1], {}], separators=(",", ":")).encode()
    connection.socket.sendall(bytes((0x81, len(text), *text)) * 2)


def answer_nonsense(connection: ServerConnection, call: list[Any]) -> None:
    connection.send("nonsense")
    accept(connection, call)


@pytest.mark.parametrize(
    ("first", "error"),
    [
        (refuse, "CALLERROR InternalError it broke"),
        (answer_another, "answer to a CALL that was not asked, or not now"),
        (answer_twice, "answer to a CALL that was not asked, or not now"),
        (answer_twice_at_once, "answer to a CALL that was not asked, or not now"),
        (answer_nonsense, "not OCPP-J: b'nonsense'"),
    ],
)
def test_an_answer_that_is_not_right_is_an_error_and_the_station_goes_on(first: Answer, error: str) -> None:
    with csms(unlike(first)) as port, Load(port) as load:
        load.connect(1, deadline_s=DEADLINE_S)
        assert exchange(load).rate > 0
        assert load.take_errors() == {error: 1}
        assert not load.errors


def test_a_call_of_the_csms_is_answered_and_counted_apart() -> None:
    answers = []

    def ask_first(connection: ServerConnection, call: list[Any]) -> None:
        connection.send(json.dumps([2, "q1", "GetReport", {}]))
        answers.append(json.loads(connection.recv(DEADLINE_S)))
        accept(connection, call)

    with csms(unlike(ask_first)) as port, Load(port) as load:
        load.connect(1, deadline_s=DEADLINE_S)
        exchange(load)
        assert load.asked == {"GetReport": 1}
        assert not load.errors
    assert answers == [[4, "q1", "NotImplemented", "", {}]]


def test_a_station_does_at_once_what_it_is_told_to_reserve() -> None:
    answers = []

    def ask_first(connection: ServerConnection, call: list[Any]) -> None:
        connection.send(json.dumps([2, "q1", "ReserveNow", {"id": 1}]))
        answers.append(json.loads(connection.recv(DEADLINE_S)))
        accept(connection, call)

    with csms(unlike(ask_first)) as port, Load(port) as load:
        load.connect(1, deadline_s=DEADLINE_S)
        exchange(load)
        assert not load.asked
        assert not load.errors
    assert answers == [[3, "q1", {"status": "Accepted"}]]


def script(index: int) -> Iterator[tuple[str, bytes]]:
    for number in range(index + 1):
        yield f"{index}-{number}", json.dumps([2, f"{index}-{number}", "Heartbeat", {}]).encode()


def test_each_station_says_its_script_to_the_end_one_call_at_a_time() -> None:
    said: list[str] = []

    def note(connection: ServerConnection, call: list[Any]) -> None:
        if call[2] == "Heartbeat":
            said.append(call[1])
        accept(connection, call)

    with csms(note) as port, Load(port) as load:
        load.connect(3, deadline_s=DEADLINE_S)
        played = load.play(script, deadline_s=DEADLINE_S)
        assert not load.errors
    weight = sum(len(text) for index in range(3) for _, text in script(index))
    assert played == Played(answered=6, bytes=weight)
    assert sorted(said) == ["0-0", "1-0", "1-1", "2-0", "2-1", "2-2"]
    assert [one for one in said if one.startswith("2")] == ["2-0", "2-1", "2-2"]


def test_a_call_of_a_script_that_is_refused_is_an_error_and_the_script_goes_on() -> None:
    with csms(unlike(refuse)) as port, Load(port) as load:
        load.connect(1, deadline_s=DEADLINE_S)
        assert load.play(lambda _index: script(2), deadline_s=DEADLINE_S).answered == 2
        assert load.take_errors() == {"CALLERROR InternalError it broke": 1}


def test_a_script_that_does_not_come_to_its_end_is_a_failure() -> None:
    def boots_only(connection: ServerConnection, call: list[Any]) -> None:
        if call[2] == "BootNotification":
            accept(connection, call)

    with csms(boots_only) as port, Load(port) as load:
        load.connect(1, deadline_s=DEADLINE_S)
        with pytest.raises(LoadFailed, match="1 stations had not said all"):
            load.play(script, deadline_s=0.1)


def test_a_station_the_server_closes_is_lost_and_the_others_go_on() -> None:
    def close(connection: ServerConnection, _call: list[Any]) -> None:
        connection.close(1008)

    with csms(unlike(close)) as port, Load(port) as load:
        load.connect(2, deadline_s=DEADLINE_S)
        assert exchange(load).rate > 0
        assert load.ready == 1
        assert load.errors == {"closed by the server with code 1008": 1}


def test_a_server_that_answers_nothing_is_a_failure_not_a_rate_of_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.load.DRAIN_S", 0.1)
    monkeypatch.setattr("bench.load.LONGEST_WARM_UP_S", 0.1)
    monkeypatch.setattr("bench.load.LONGEST_WINDOW_S", 0.1)

    def boots_only(connection: ServerConnection, call: list[Any]) -> None:
        if call[2] == "BootNotification":
            accept(connection, call)

    with csms(boots_only) as port, Load(port) as load:
        load.connect(1, deadline_s=DEADLINE_S)
        with pytest.raises(LoadFailed, match="no Heartbeat was answered"):
            exchange(load)


def test_a_refused_handshake_fails_the_connecting_and_says_how() -> None:
    def check(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no")

    with csms(accept, check) as port, Load(port) as load, pytest.raises(LoadFailed, match=r"0 of 2 .* 401"):
        load.connect(2, deadline_s=DEADLINE_S)


def test_the_identity_is_the_last_path_segment_and_the_user_name() -> None:
    seen = []

    def check(_connection: ServerConnection, request: Request) -> None:
        seen.append((request.path, request.headers["Authorization"]))

    with csms(accept, check) as port, Load(port, prefix="CP") as load:
        load.connect(1, deadline_s=DEADLINE_S)
    # CP_00000:bench-password-0123456789
    assert seen == [("/ocpp/CP_00000", "Basic Q1BfMDAwMDA6YmVuY2gtcGFzc3dvcmQtMDEyMzQ1Njc4OQ==")]


def test_a_boot_that_is_not_accepted_fails_the_connecting() -> None:
    def pending(connection: ServerConnection, call: list[Any]) -> None:
        connection.send(json.dumps([3, call[1], {"status": "Pending"}]))

    with csms(pending) as port, Load(port) as load, pytest.raises(LoadFailed, match="boot answered Pending"):
        load.connect(1, deadline_s=DEADLINE_S)
