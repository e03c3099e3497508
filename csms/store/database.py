"""Opens the database: SQLite or PostgreSQL by URL, brought to this program's version."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import alembic.command
import alembic.config
import trio
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, insert, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from csms.store.tables import tokens
from csms.store.writer import Change, InThread, StoreUnavailable, Work, Writer
from csms.user_mistake import UserMistake

log = logging.getLogger(__name__)

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_READERS: Final = 4
_LOCK_PATIENCE_S: Final = 5.0
_READ_PATIENCE_S: Final = 20.0
_LAST_BATCHES_S: Final = 20.0
_CONNECTION: Final = {
    # A server that is cut off, or has gone without a goodbye, is taken for dead after so long: seconds, milliseconds.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
"""Of libpq, where the URL does not say otherwise."""
_SQLITE_CACHE_KIB: Final = 32 * 1024  # of each connection: what thousands of stations add to at the same time
_SQLITE_WAL_PAGES: Final = 4_000  # 16 MB until they are copied to where they belong: most were written several times

_Result = TypeVar("_Result")


class Store:
    """The open database. Writes are committed in groups; reads have threads of their own and never wait for writes."""

    def __init__(self, engine: Engine, in_writer_thread: InThread, in_reader_thread: InThread) -> None:
        """engine: its database is at this program's version. `writer.run` must run for anything to be written."""
        self._engine = engine
        self._in_reader_thread = in_reader_thread
        self.writer = Writer(engine, in_writer_thread)

    def insert(self, table: Table) -> postgresql.Insert:
        """An INSERT that knows ON CONFLICT, which both databases have and standard SQL has not."""
        if self._engine.dialect.name == "sqlite":
            return cast(postgresql.Insert, sqlite.insert(table))
        return postgresql.insert(table)

    async def commit(self, *changes: Change) -> None:
        """Write rows, and return when they are on disk. Raises StoreUnavailable."""
        await self.writer.commit(*changes)

    async def change(self, work: Work) -> Any:
        """Do `work` in a transaction of the writer's, and return its result when that is on disk.

        Raises StoreUnavailable, or what `work` raises.
        """
        return await self.writer.run_in_transaction(work)

    async def read(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do `work`, which only reads, in a thread. Raises StoreUnavailable.

        It is not told of what waits to be written; for that, `change()` does it behind all that was handed over before.
        """
        with trio.move_on_after(_READ_PATIENCE_S):
            result: _Result = await self._in_reader_thread(partial(self._read, work))
            return result
        raise StoreUnavailable(f"the database did not answer within {_READ_PATIENCE_S:g} s")

    async def probe(self) -> None:
        """See whether the database answers to who reads and takes what is written. Raises StoreUnavailable."""
        await self.read(_ask)
        await self.change(_touch)

    def _read(self, work: Callable[[Connection], _Result]) -> _Result:
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except DBAPIError as error:
            raise StoreUnavailable(_first_line(error)) from error


def _ask(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def _touch(connection: Connection) -> None:
    """Something is to be written, for a SELECT in a transaction tells nothing; and nobody is to see it."""
    nobody = {"id_token_type": "", "id_token": "", "token": ""}
    connection.execute(insert(tokens), nobody)
    connection.execute(delete(tokens).where(tokens.c.id_token_type == "", tokens.c.id_token == ""))


def in_threads(at_once: int) -> InThread:
    """Worker threads, so many at once. Who is cancelled leaves his to its work: a database may hang for ever."""
    return partial(trio.to_thread.run_sync, abandon_on_cancel=True, limiter=trio.CapacityLimiter(at_once))


@asynccontextmanager
async def open_store(
    url: str, *, in_writer_thread: InThread | None = None, in_reader_thread: InThread | None = None
) -> AsyncIterator[Store]:
    """Open the database at `url`, bring it to this program's version, and write for everybody until the block ends.

    When it ends, what was handed over is still written, if the database takes it soon. Raises UserMistake for a
    database that cannot be used.
    """
    engine = await trio.to_thread.run_sync(open_engine, url)
    writing = trio.CancelScope(shield=True)  # whatever ends the block

    async def write() -> None:
        with writing:
            await store.writer.run()

    in_writer_thread = in_writer_thread or in_threads(1)
    if in_reader_thread is None:
        # A database in memory has one connection: who reads on it must not come between who writes.
        in_reader_thread = in_writer_thread if isinstance(engine.pool, StaticPool) else in_threads(_READERS)
    try:
        store = Store(engine, in_writer_thread, in_reader_thread)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            try:
                yield store
            finally:
                store.writer.close()
                writing.deadline = trio.current_time() + _LAST_BATCHES_S
    finally:
        engine.dispose()


def open_engine(url: str) -> Engine:
    """Connect to the database and bring it to this program's version; blocks. Raises UserMistake."""
    try:
        engine = _create_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise UserMistake(
            f"--database {_shown(url)}: must be sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        ) from None
    try:
        with engine.connect() as connection:
            _migrate(connection, url)
    except BaseException as error:
        engine.dispose()
        if isinstance(error, DBAPIError):
            raise UserMistake(f"the database {_shown(url)} does not open: {_first_line(error)}") from None
        raise
    return engine


def _create_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        return create_engine(parsed, poolclass=StaticPool, connect_args={"check_same_thread": False})
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            connect_args={"timeout": _LOCK_PATIENCE_S, "check_same_thread": False},
            pool_use_lifo=True,  # the writer gets its last connection again: what the others have cached is out of date
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    missing = {name: value for name, value in _CONNECTION.items() if name not in parsed.query}
    engine = create_engine(parsed, pool_pre_ping=True, connect_args=missing)
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL: readers and the writer do not wait for each other. FULL: a commit is on disk when it returns."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_SQLITE_WAL_PAGES}")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """A server may be set up to say that a commit is done before it is on disk; any other setting is its own affair."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def _migrate(connection: Connection, url: str) -> None:
    """Take all steps that are missing, or, when that is interrupted, none."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise UserMistake(
            f"the database {_shown(url)} is of a newer csms (revision {current}): run that one, or use another database"
        )
    connection.rollback()
    if current == scripts.get_current_head():
        return
    if connection.dialect.name == "sqlite":  # whose driver begins no transaction before it makes a table
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
    connection.commit()


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "as given"


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]
