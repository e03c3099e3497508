"""Transactions that are not at hand are read at once for all who ask meanwhile, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from csms.blocks.transactions.recall import Recall
from csms.blocks.transactions.record import Record
from csms.blocks.transactions.rules import row_of
from csms.store import Change, Store, StoreUnavailable
from csms.store.database import open_engine
from csms.store.tables import transaction_events, transactions
from tests.csms.blocks.transactions.charging import session
from tests.csms.site import without_thread


class Reader:
    """The thread of who reads: it counts, and does nothing while it is closed."""

    def __init__(self) -> None:
        self.reads = 0
        self.is_broken = False
        self.is_open = trio.Event()
        self.is_open.set()

    async def __call__(self, function: Callable[[], Any]) -> Any:
        self.reads += 1
        await self.is_open.wait()
        if self.is_broken:
            raise StoreUnavailable("disk I/O error")
        return await without_thread(function)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
async def store(nursery: trio.Nursery, reader: Reader) -> AsyncIterator[Store]:
    """A store with the transactions T0 to T9 of CP_1, each with seqNo 0 to 4."""
    engine = open_engine("sqlite://")
    store = Store(engine, without_thread, reader)
    nursery.start_soon(store.writer.run)
    for number in range(10):
        told = session(5, f"T{number}")
        rows = [row_of("CP_1", payload, 0, None) for payload in told]
        whole = rows[0] | {"final_seq_no": 4, "ended_at": rows[-1]["ended_at"]}
        await store.commit(Change(transactions.insert(), [whole]), Change(transaction_events.insert(), events(told)))
    yield store
    store.writer.close()
    engine.dispose()


def events(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "station_id": "CP_1",
            "transaction_id": payload["transactionInfo"]["transactionId"],
            "seq_no": payload["seqNo"],
            "event_type": payload["eventType"],
            "trigger_reason": payload["triggerReason"],
            "offline": False,
            "happened_at": 0,
            "received_at": 0,
            "payload": "{}",
            "response": "{}",
        }
        for payload in told
    ]


async def test_all_who_ask_meanwhile_share_a_read(store: Store, reader: Reader, autojump_clock: MockClock) -> None:
    recall = Recall(store)
    found: dict[str, Record] = {}

    async def ask(transaction_id: str) -> None:
        found[transaction_id] = await recall(("CP_1", transaction_id))

    reader.is_open = trio.Event()
    async with trio.open_nursery() as nursery:
        for number in range(1_000):
            nursery.start_soon(ask, f"T{number}")
            if number == 500:
                await wait_all_tasks_blocked()
        await wait_all_tasks_blocked()
        reader.is_open.set()
    assert reader.reads == 2, "one for who came first, one for those who came while that was under way"
    assert len(found) == 1_000
    known = [transaction_id for transaction_id, record in found.items() if record.is_complete]
    assert sorted(known) == [f"T{number}" for number in range(10)]
    assert all(not record.seq_nos.spans for name, record in found.items() if name not in known)


async def test_when_who_reads_goes_away_another_one_reads(
    store: Store, reader: Reader, autojump_clock: MockClock
) -> None:
    recall = Recall(store)
    found: list[Record] = []

    async def ask(scope: trio.CancelScope) -> None:
        with scope:
            found.append(await recall(("CP_1", "T1")))

    reader.is_open = trio.Event()
    async with trio.open_nursery() as nursery:
        first = trio.CancelScope()
        nursery.start_soon(ask, first)
        await wait_all_tasks_blocked()
        for _ in range(5):
            nursery.start_soon(ask, trio.CancelScope())
        await wait_all_tasks_blocked()
        first.cancel()
        await wait_all_tasks_blocked()
        reader.is_open.set()
    assert [record.is_complete for record in found] == [True] * 5
    assert trio.current_time() == 0


@pytest.mark.parametrize(("is_broken", "told", "after_s"), [(True, "disk I/O error", 0), (False, "within 20 s", 20)])
async def test_when_it_cannot_be_read_all_are_told_and_then_it_can_be_again(
    store: Store, reader: Reader, autojump_clock: MockClock, is_broken: bool, told: str, after_s: float
) -> None:
    recall = Recall(store)
    failures: list[str] = []

    async def ask(number: int) -> None:
        with pytest.raises(StoreUnavailable) as failure:
            await recall(("CP_1", f"T{number}"))
        failures.append(str(failure.value))

    reader.is_broken = is_broken
    if not is_broken:
        reader.is_open = trio.Event()
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(ask, number)
    assert len(failures) == 20
    assert all(told in failure for failure in failures)
    assert trio.current_time() == after_s

    reader.is_broken = False
    reader.is_open.set()
    assert (await recall(("CP_1", "T1"))).is_complete
