"""The database goes away while stations send: they are refused or wait, nothing is lost, and all resumes by itself."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest
import trio
from pgserver._commands import POSTGRES_BIN_PATH
from pgserver.postgres_server import PostgresServer

from tests.processes import DEADLINE_S, Csms, Programs
from tests.scenarios.books import audit
from tests.scenarios.senders import Senders
from tests.scenarios.wire import open_wire

STATIONS: Final = 20
QUIET: Final = ("--log-level", "warning")
READS: Final = ("/api/v1/transactions", "/api/v1/commands", "/api/v1/reservations")


@asynccontextmanager
async def under_load(programs: Programs, database_url: str) -> AsyncIterator[tuple[Csms, Senders]]:
    """Stations send to a CSMS throughout the block, and behind it, too; then its books are audited."""
    csms = await programs.csms("--database", database_url, *QUIET)
    senders = Senders(STATIONS, seed=1)
    senders.url = csms.url
    async with trio.open_nursery() as nursery:
        nursery.start_soon(senders.run)
        await senders.acknowledged(100)
        assert not senders.refusals
        yield csms, senders
        await senders.acknowledged(100)
        await is_ready(csms)
        await can_be_read(csms)
        await senders.finish()
    findings = await audit(csms, database_url, senders)
    print(f"{findings}; {senders.refusals.total()} refused")
    findings.assert_clean()
    assert set(senders.answers) == set(senders.sent), "in the end each was acknowledged"
    assert set(senders.refusals) <= {"InternalError"}
    assert await csms.stop() == 0, "it has run all the while"


async def becomes(csms: Csms, path: str, status: HTTPStatus) -> None:
    """Ask until the answer has that status."""
    with trio.fail_after(DEADLINE_S):
        while (await csms.rest.get(path)).status_code != status:
            pass


async def is_ready(csms: Csms) -> None:
    """It says that it can serve."""
    await becomes(csms, "/readyz", HTTPStatus.OK)


async def is_not_ready(csms: Csms) -> None:
    """It says that it cannot serve; but it lives."""
    await becomes(csms, "/readyz", HTTPStatus.SERVICE_UNAVAILABLE)
    assert (await csms.rest.get("/healthz")).status_code == HTTPStatus.OK


async def can_be_read(csms: Csms) -> None:
    """What is kept is shown."""
    for path in READS:
        assert (await csms.rest.get(path)).status_code == HTTPStatus.OK


async def cannot_be_read(csms: Csms) -> None:
    """Who asks is told that the database is away."""

    async def is_refused(path: str) -> None:
        response = await csms.rest.get(path)
        assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert "database" in response.json()["detail"]

    async with trio.open_nursery() as nursery:
        for path in READS:
            nursery.start_soon(is_refused, path)


@contextmanager
def no_room(csms: Csms) -> Iterator[None]:
    """None of its files can take a byte more."""
    before = resource.prlimit(csms.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(csms.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(csms.pid, resource.RLIMIT_FSIZE, before)


async def test_a_full_disk(programs: Programs, tmp_path: Path) -> None:
    async with under_load(programs, f"sqlite:///{tmp_path}/csms.db") as (csms, senders):
        with no_room(csms):
            await senders.refused(STATIONS)
            acknowledged = len(senders.answers)
            await is_not_ready(csms)
            await can_be_read(csms)
            await senders.refused(STATIONS)
            assert len(senders.answers) == acknowledged


async def test_a_database_that_somebody_else_has_locked(programs: Programs, tmp_path: Path) -> None:
    file = tmp_path / "csms.db"
    async with under_load(programs, f"sqlite:///{file}") as (csms, senders):
        with closing(sqlite3.connect(file)) as somebody_else:
            somebody_else.execute("BEGIN EXCLUSIVE")
            await is_not_ready(csms)
            acknowledged = len(senders.answers)
            await can_be_read(csms)
            await senders.refused(1)  # the others wait, and for them it may be soon enough
            assert len(senders.answers) == acknowledged


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_postgresql_that_is_restarted(
    programs: Programs, database_url: str, postgresql: PostgresServer
) -> None:
    async with under_load(programs, database_url) as (csms, senders):
        for mode in ("fast", "immediate"):
            async with stopped(postgresql, mode):
                await senders.refused(STATIONS)
                acknowledged = len(senders.answers)
                await is_not_ready(csms)
                await cannot_be_read(csms)
                await senders.refused(STATIONS)
                assert len(senders.answers) == acknowledged
            await senders.acknowledged(100)


@asynccontextmanager
async def stopped(server: PostgresServer, mode: str) -> AsyncIterator[None]:
    """Throughout the block it does not run."""
    stop = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(server.pgdata), "-m", mode, "-w", "stop"]
    await trio.run_process(stop, user=server.system_user, capture_stdout=True)
    try:
        yield
    finally:
        await trio.to_thread.run_sync(server.ensure_postgres_running)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_commit_of_which_nobody_knows_whether_it_was_done(
    programs: Programs, database_url: str, postgresql: PostgresServer
) -> None:
    async with open_wire(postgresql) as wire, under_load(programs, wire.url) as (_, senders):
        with trio.fail_after(DEADLINE_S):
            while senders.refusals.total() < STATIONS:  # now and then it is a commit of something else
                await wire.cut_commit()
                await senders.acknowledged(STATIONS)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_stations_that_come_back_while_what_they_sent_is_still_being_written(
    programs: Programs, database_url: str, postgresql: PostgresServer
) -> None:
    async with open_wire(postgresql) as wire, under_load(programs, wire.url) as (csms, senders):
        with wire.holding_commits():
            await wire.holds_commit()
            await senders.hang_up()
            await senders.tried(STATIONS)
            await can_be_read(csms)


@pytest.mark.slow  # it has to wait until the CSMS has no patience any more
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_postgresql_that_says_nothing(
    programs: Programs, database_url: str, postgresql: PostgresServer
) -> None:
    async with open_wire(postgresql) as wire, under_load(programs, wire.url) as (csms, senders):
        with wire.standing_still():
            await is_not_ready(csms)
            acknowledged = len(senders.answers)
            await cannot_be_read(csms)
            await senders.refused(STATIONS)
            assert len(senders.answers) == acknowledged
