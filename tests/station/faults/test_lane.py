"""Who waits how long, and who may overtake whom."""

from __future__ import annotations

from station.faults.lane import Lane


def taken(lane: Lane, now: float) -> list[str]:
    return list(iter(lambda: lane.take(now), None))


def test_behind_what_is_delayed_everything_waits_in_order() -> None:
    lane = Lane()
    lane.delay("a", 10)
    assert lane.is_blocked
    lane.queue("b")
    lane.delay("c", 5)
    assert (taken(lane, 9), lane.next_at) == ([], 10)
    assert taken(lane, 10) == ["a", "b", "c"]
    assert (lane.is_idle, lane.is_blocked) == (True, False)


def test_what_is_postponed_may_be_overtaken() -> None:
    lane = Lane()
    lane.postpone("a", 10)
    lane.postpone("b", 5)
    assert not lane.is_blocked
    assert lane.next_at == 5
    assert (taken(lane, 5), taken(lane, 10)) == (["b"], ["a"])


def test_what_is_held_back_goes_behind_the_next() -> None:
    lane = Lane()
    lane.hold("a", 10)
    assert (lane.is_idle, lane.is_blocked, lane.next_at) == (False, False, 10)
    assert taken(lane, 9) == []
    lane.passed()
    assert taken(lane, 9) == ["a"]
    assert lane.is_idle


def test_what_is_held_back_goes_behind_what_waited() -> None:
    lane = Lane()
    lane.delay("a", 5)
    lane.hold("b", 10)
    assert taken(lane, 5) == ["a", "b"]


def test_what_is_held_back_and_nothing_follows_goes_when_its_time_has_come() -> None:
    lane = Lane()
    lane.hold("a", 10)
    assert taken(lane, 10) == ["a"]


def test_there_is_an_end_to_what_can_wait() -> None:
    lane = Lane()
    for number in range(63):
        lane.postpone(str(number), 1)
    full = [lane.is_full]
    lane.hold("x", 1)
    full.append(lane.is_full)
    lane.take(1)
    full.append(lane.is_full)
    assert full == [False, True, False]
