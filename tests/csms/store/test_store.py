"""What is committed is there, whoever else writes at the time; on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trio
import trio.testing
from sqlalchemy import Connection, func, select, text
from trio.testing import MockClock

from csms.store import Change, Row, Store, StoreUnavailable, open_store
from csms.store.database import open_engine
from csms.store.tables import connectors
from csms.user_mistake import UserMistake


def connector(station_id: str, evse_id: int = 1, status: str | None = "Available") -> Row:
    return {
        "station_id": station_id,
        "evse_id": evse_id,
        "connector_id": 1,
        "status": status,
        "reported_at": 0,
        "received_at": 0,
    }


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(connectors)) or 0


async def test_what_was_committed_is_there_after_a_restart(database_url: str) -> None:
    async with open_store(database_url) as store:
        await store.commit(Change(store.insert(connectors), [connector("CP_1")]))
    async with open_store(database_url) as store:
        assert await store.read(count) == 1


async def test_many_writers_at_once_are_all_written(database_url: str) -> None:
    async with open_store(database_url) as store:
        statement = store.insert(connectors)
        async with trio.open_nursery() as nursery:
            for number in range(300):
                nursery.start_soon(store.commit, Change(statement, [connector(f"CP_{number}")]))
        assert await store.read(count) == 300


async def test_one_who_writes_nonsense_is_told_and_the_others_are_written(database_url: str) -> None:
    async with open_store(database_url) as store:
        statement = store.insert(connectors)
        refused: list[int] = []

        async def write(number: int) -> None:
            try:
                await store.commit(Change(statement, [connector(f"CP_{number}", status=None if number == 5 else "x")]))
            except StoreUnavailable:
                refused.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(write, number)
        assert refused == [5]
        assert await store.read(count) == 19


async def test_work_in_a_transaction_gives_its_result_and_is_undone_when_it_raises(database_url: str) -> None:
    async with open_store(database_url) as store:

        def work(connection: Connection) -> int:
            connection.execute(store.insert(connectors), [connector("CP_1")])
            return count(connection)

        def broken(connection: Connection) -> None:
            connection.execute(store.insert(connectors), [connector("CP_2")])
            raise LookupError("no such thing")

        assert await store.change(work) == 1
        with pytest.raises(LookupError, match="no such thing"):
            await store.change(broken)
        assert await store.read(count) == 1


async def test_what_was_handed_over_is_written_although_the_store_closes(database_url: str) -> None:
    async with trio.open_nursery() as nursery, open_store(database_url) as store:
        statement = store.insert(connectors)
        for number in range(50):
            nursery.start_soon(store.commit, Change(statement, [connector(f"CP_{number}")]))
        await trio.testing.wait_all_tasks_blocked()
    async with open_store(database_url) as store:
        assert await store.read(count) == 50


async def test_what_was_given_up_before_its_turn_came_is_not_written(autojump_clock: MockClock) -> None:
    """Who was told that it could not be kept must not find it done an hour later."""
    engine = open_engine("sqlite://")
    is_back = trio.Event()

    async def in_thread(work: Callable[[], Any]) -> Any:
        await is_back.wait()
        return work()

    store = Store(engine, in_thread, in_thread)
    statement = store.insert(connectors)

    async def give_up(identity: str) -> None:
        with pytest.raises(StoreUnavailable, match="did not answer"):
            await store.commit(Change(statement, [connector(identity)]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.writer.run)
        async with trio.open_nursery() as waiting:
            waiting.start_soon(give_up, "CP_1")
            await trio.testing.wait_all_tasks_blocked()
            waiting.start_soon(give_up, "CP_2")
        is_back.set()
        await store.commit(Change(statement, [connector("CP_3")]))
        found = await store.read(lambda connection: set(connection.scalars(select(connectors.c.station_id))))
        store.writer.close()
    assert found == {"CP_1", "CP_3"}, "the first was under way"
    engine.dispose()


async def test_a_closed_store_says_so(database_url: str) -> None:
    async with open_store(database_url) as store:
        pass
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.commit(Change(store.insert(connectors), [connector("CP_1")]))


async def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    async with open_store(database_url) as store:
        await store.change(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num='9999'")))
    with pytest.raises(UserMistake, match=r"newer csms \(revision 9999\)"):
        async with open_store(database_url):
            pass


async def _commit(store: Store) -> None:
    await store.commit(Change(store.insert(connectors), [connector("CP_1")]))


async def test_a_locked_sqlite_database_is_unavailable_and_then_serves_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csms.store.database._LOCK_PATIENCE_S", 0.1)
    file = tmp_path / "csms.db"
    async with open_store(f"sqlite:///{file}") as store:
        with sqlite3.connect(file) as somebody_else:
            somebody_else.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await _commit(store)
            somebody_else.rollback()
        somebody_else.close()
        await _commit(store)
        assert await store.read(count) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_postgresql_that_was_cut_off_is_noticed_unless_the_url_wants_it_otherwise(database_url: str) -> None:
    def ask(connection: Connection) -> dict[str, str]:
        link: psycopg.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]  # it is psycopg's
        return link.info.get_parameters()

    async with open_store(f"{database_url}&keepalives_idle=60") as store:
        asked = await store.read(ask)
    assert asked["connect_timeout"] == "5"
    assert asked["tcp_user_timeout"] == "20000"
    assert (asked["keepalives_idle"], asked["keepalives_interval"], asked["keepalives_count"]) == ("60", "5", "2")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("asked", "used"), [("off", "on"), ("local", "local"), ("on", "on")])
async def test_a_commit_of_postgresql_is_on_disk_when_it_is_done(database_url: str, asked: str, used: str) -> None:
    async with open_store(f"{database_url}&options=-csynchronous_commit%3D{asked}") as store:
        for _ in range(2):
            assert await store.change(lambda link: link.scalar(text("SHOW synchronous_commit"))) == used


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql://host/name", "must be sqlite:///FILE or postgresql"),
        ("nonsense", "must be sqlite:///FILE or postgresql"),
        ("sqlite:////no/such/folder/csms.db", "unable to open database file"),
        ("postgresql+psycopg://user:secret@127.0.0.1:1/name", "does not open: .*refused"),
    ],
)
async def test_a_database_that_cannot_be_used_is_the_users_mistake(url: str, complaint: str) -> None:
    with pytest.raises(UserMistake, match=complaint) as caught:
        async with open_store(url):
            pass
    assert "secret" not in str(caught.value)
