"""Who waits for a commit is told what became of it, whatever becomes of the database and of the program."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from sqlalchemy import Engine, func, select, text
from trio.testing import MockClock, wait_all_tasks_blocked

from csms.store import Change, StoreUnavailable, open_store
from csms.store.database import in_threads, open_engine
from csms.store.tables import tokens
from csms.store.writer import Writer
from tests.csms.site import without_thread

PATIENCE_S = 20.0
INSERT = tokens.insert()


def row(name: str) -> Change:
    """One token."""
    return Change(INSERT, [{"id_token_type": "Local", "id_token": name, "token": "{}"}])


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An empty database."""
    engine = open_engine("sqlite://")
    yield engine
    engine.dispose()


def refuse_all(engine: Engine, *, refuse: bool) -> None:
    """Whether the database takes what is written."""
    with engine.connect() as connection:
        connection.execute(text(f"PRAGMA query_only={refuse}"))


class Gate:
    """A thread that does nothing while it is closed."""

    def __init__(self) -> None:
        self.is_open = trio.Event()

    async def __call__(self, function: Callable[[], Any]) -> Any:
        await self.is_open.wait()
        return await without_thread(function)


@asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[trio.CancelScope]:
    """A writer that writes until its scope is cancelled, or to the end of the block."""
    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def run() -> None:
            with scope:
                await writer.run()

        nursery.start_soon(run)
        yield scope
        writer.close()


async def refused(writer: Writer, change: Change) -> None:
    """Write, which must not succeed."""
    with pytest.raises(StoreUnavailable):
        await writer.commit(change)


async def test_all_who_wait_are_told_at_once_when_it_ends(engine: Engine, autojump_clock: MockClock) -> None:
    writer = Writer(engine, Gate(), patience_s=PATIENCE_S)
    async with running(writer) as life, trio.open_nursery() as nursery:
        for name in ("being written", "waiting", "waiting, too"):
            nursery.start_soon(refused, writer, row(name))
            await wait_all_tasks_blocked()
        life.cancel()
    assert trio.current_time() == 0
    await refused(writer, row("behind it"))


async def test_nobody_waits_longer_than_others_however_many_there_are(
    engine: Engine, autojump_clock: MockClock
) -> None:
    writer = Writer(engine, Gate(), patience_s=PATIENCE_S)
    waited = list[float]()

    async def wait() -> None:
        began = trio.current_time()
        await refused(writer, row("x"))
        waited.append(trio.current_time() - began)

    async with running(writer) as life, trio.open_nursery() as nursery:
        for number in range(3_000):
            nursery.start_soon(wait)
            if number % 1_000 == 0:
                await trio.sleep(1)
        await trio.sleep(3 * PATIENCE_S)
        life.cancel()
    assert waited == [pytest.approx(PATIENCE_S)] * 3_000


async def test_it_takes_no_more_than_it_can_write_in_time(engine: Engine, autojump_clock: MockClock) -> None:
    gate = Gate()
    writer = Writer(engine, gate, patience_s=PATIENCE_S)
    async with running(writer), trio.open_nursery() as nursery:
        nursery.start_soon(writer.commit, row("being written"))
        await wait_all_tasks_blocked()
        for number in range(20_000):
            nursery.start_soon(writer.commit, row(str(number)))
        await wait_all_tasks_blocked()
        with pytest.raises(StoreUnavailable, match="20000 others wait"):
            await writer.commit(row("one too many"))
        gate.is_open.set()
    assert trio.current_time() == 0


async def test_those_who_come_first_are_written_first(engine: Engine, autojump_clock: MockClock) -> None:
    gate, written = Gate(), list[int]()
    writer = Writer(engine, gate)

    async def write(number: int) -> None:
        await writer.commit(row(str(number)))
        written.append(number // 500)

    async with running(writer), trio.open_nursery() as nursery:
        nursery.start_soon(writer.commit, row("being written"))
        await wait_all_tasks_blocked()
        for number in range(3_000):
            nursery.start_soon(write, number)
            if number % 500 == 499:
                await wait_all_tasks_blocked()
        gate.is_open.set()
    assert written == sorted(written)


async def test_what_waits_is_written_when_it_is_closed_and_nothing_more_is_taken(
    engine: Engine, autojump_clock: MockClock
) -> None:
    gate = Gate()
    writer = Writer(engine, gate)
    async with running(writer), trio.open_nursery() as nursery:
        for name in ("being written", "waiting"):
            nursery.start_soon(writer.commit, row(name))
            await wait_all_tasks_blocked()
        writer.close()
        await refused(writer, row("late"))
        gate.is_open.set()
    with engine.connect() as connection:
        names = connection.scalars(select(tokens.c.id_token)).all()
    assert sorted(names) == ["being written", "waiting"]


async def test_what_somebody_who_was_cancelled_has_handed_over_is_written(
    engine: Engine, autojump_clock: MockClock
) -> None:
    gate = Gate()
    writer = Writer(engine, gate)
    async with running(writer), trio.open_nursery() as nursery:
        nursery.start_soon(writer.commit, row("being written"))
        await wait_all_tasks_blocked()
        with trio.move_on_after(1):
            await writer.commit(row("left behind"))
        gate.is_open.set()
    with engine.connect() as connection:
        assert "left behind" in connection.scalars(select(tokens.c.id_token)).all()


async def test_that_it_refuses_and_that_it_does_no_more_is_told_once(
    engine: Engine, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    writer = Writer(engine, without_thread)
    async with running(writer):
        refuse_all(engine, refuse=True)
        for _ in range(100):
            await refused(writer, row("x"))
        await trio.sleep(10)
        await refused(writer, row("x"))
        refuse_all(engine, refuse=False)
        await writer.run_in_transaction(lambda connection: connection.scalar(select(func.count()).select_from(tokens)))
        await writer.commit(row("x"))
    assert caplog.messages == [
        "the database did not take 1 writes: attempt to write a readonly database",
        "the database did not take 100 writes: attempt to write a readonly database",
        "the database takes what is written again",
    ]


async def test_a_database_that_hangs_does_not_keep_the_program(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        async with open_store("sqlite://", in_writer_thread=Gate()) as store:
            started = trio.current_time()
            nursery.start_soon(refused, store.writer, row("x"))
            await wait_all_tasks_blocked()
        assert trio.current_time() - started == pytest.approx(20)


async def test_who_is_cancelled_does_not_wait_for_a_thread_that_hangs() -> None:
    hangs = threading.Event()
    in_thread = in_threads(1)
    with trio.move_on_after(0.01):
        await in_thread(hangs.wait)
    assert not hangs.is_set()
    hangs.set()
    assert await in_thread(lambda: "the next one") == "the next one"


async def test_nor_those_who_read(autojump_clock: MockClock) -> None:
    async with open_store("sqlite://", in_writer_thread=without_thread, in_reader_thread=Gate()) as store:
        with pytest.raises(StoreUnavailable, match="did not answer within 20 s"):
            await store.read(lambda connection: connection.scalar(select(1)))


async def test_in_memory_who_reads_does_not_undo_what_is_being_written() -> None:
    async with open_store("sqlite://") as store:
        done = trio.Event()

        async def read() -> None:
            while not done.is_set():
                await store.read(lambda connection: connection.scalar(select(func.count()).select_from(tokens)))

        async def write(name: str) -> None:
            for number in range(50):
                await store.commit(row(f"{name} {number}"))

        async with trio.open_nursery() as readers:
            for _ in range(4):
                readers.start_soon(read)
            async with trio.open_nursery() as writers:
                for number in range(10):
                    writers.start_soon(write, str(number))
            done.set()
        assert await store.read(lambda connection: connection.scalar(select(func.count()).select_from(tokens))) == 500
