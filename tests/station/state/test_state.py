"""What every state does, in memory or on disk."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from station.state import MemoryState, State, open_state


@pytest.fixture(params=["memory", "disk"])
async def state(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[State]:
    if request.param == "memory":
        yield MemoryState()
    else:
        async with open_state(tmp_path, "CP_1") as disk_state:
            yield disk_state


async def test_what_is_put_is_seen_at_once_and_kept_by_the_next_keep(state: State) -> None:
    state.put("tariff", {"currency": "EUR"})
    assert state.get("tariff") == {"currency": "EUR"}
    assert (state.unkept, state.is_kept("tariff")) == (True, False)
    await state.keep()
    assert state.get("tariff") == {"currency": "EUR"}
    assert (state.unkept, state.is_kept("tariff")) == (False, True)


async def test_a_loss_of_power_undoes_what_was_not_kept_and_nothing_else(state: State) -> None:
    state.put("changed", 1)
    state.put("deleted", 2)
    state.put("untouched", 3)
    await state.keep()
    state.put("changed", 10)
    state.put("new", 20)
    state.delete("deleted")
    state.lose_power()
    assert [state.get(key) for key in ("changed", "deleted", "untouched", "new")] == [1, 2, 3, None]
    assert not state.unkept


async def test_what_is_deleted_and_kept_does_not_come_back(state: State) -> None:
    state.put("reason", "RemoteReset")
    await state.keep()
    state.delete("reason")
    assert state.get("reason") is None
    await state.keep()
    state.lose_power()
    assert state.get("reason") is None
    state.delete("reason")
    assert not state.unkept


async def test_keys_come_in_order_whether_kept_or_not(state: State) -> None:
    for key in ("event/3", "event/1", "events", "other"):
        state.put(key, 0)
    await state.keep()
    state.put("event/2", 0)
    state.delete("event/3")
    assert state.keys("event/") == ["event/1", "event/2"]


async def test_nobody_changes_what_another_one_reads(state: State) -> None:
    value = {"list": [1]}
    state.put("value", value)
    value["list"].append(2)
    state.get("value")["list"].append(3)
    assert state.get("value") == {"list": [1]}


@pytest.mark.parametrize("value", [object(), 2**64, {1: 2}, "\ud800", None])
async def test_what_json_cannot_express_is_refused_and_changes_nothing(state: State, value: object) -> None:
    state.put("key", "before")
    await state.keep()
    with pytest.raises(TypeError):
        state.put("key", value)
    assert state.get("key") == "before"
    assert not state.unkept


async def test_what_is_put_again_unchanged_is_no_reason_to_write(state: State) -> None:
    state.put("key", [1, 2])
    await state.keep()
    state.put("key", [1, 2])
    assert not state.unkept


def test_a_station_with_nothing_to_remember_costs_next_to_nothing() -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        states = [MemoryState() for _ in range(1000)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / len(states) < 300
