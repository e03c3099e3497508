"""How much of a database's room transactions take: the same ones on SQLite and on PostgreSQL, and where it goes."""

from __future__ import annotations

import importlib.util
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench import charging
from bench.contenders import Contender
from bench.load import Load
from bench.server import running
from bench.stations import LoadFailed

STATIONS: Final = 100
TRANSACTIONS_EACH: Final = 10
TRANSACTIONS: Final = STATIONS * TRANSACTIONS_EACH

_DEADLINE_S: Final = 120.0
_SETTLE_S: Final = 2.0
# Of a PostgreSQL table: with its indexes and what is stored out of line.
_POSTGRESQL_TABLES: Final = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_SQLITE_TABLES: Final = "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s USING (name) GROUP BY 1"

Sizes = dict[str, int]
"""Bytes of each table, and of the whole database under WHOLE."""

WHOLE: Final = ""


@dataclass(frozen=True, slots=True)
class Storage:
    """What TRANSACTIONS transactions added to a database.

    database: which kind.   wire_bytes: their CALLs, as text.   whole: bytes that the database grew
    by.   tables: and each of its tables, as far as it tells.
    """

    database: str
    transactions: int
    wire_bytes: int
    whole: int
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Database:
    """One kind of database. lacks: why it cannot be measured here, or None.   new: an empty one, while in the block."""

    name: str
    lacks: Callable[[], str | None]
    new: Callable[[], AbstractContextManager[tuple[str, Callable[[], Sizes]]]]


def measure(contender: Contender, database: Database, *, server_core: int, load_core: int) -> Storage:
    """Have stations tell their transactions, and see how much larger the database is.

    Raises LoadFailed, also when one of the messages was not answered right, and ServerFailed.
    """
    with database.new() as (url, sizes):
        kept_there = replace(contender, environment=lambda _place: {"CSMS_DATABASE": url})
        with (
            running(kept_there, server_core=server_core, load_core=load_core) as server,
            Load(server.port) as load,
        ):
            load.connect(STATIONS, deadline_s=_DEADLINE_S)
            load.idle(_SETTLE_S)
            before = sizes()
            said = load.play(lambda index: charging.transactions(index, TRANSACTIONS_EACH), deadline_s=_DEADLINE_S)
            if said.answered != TRANSACTIONS * charging.MESSAGES:
                raise LoadFailed(f"{said.answered} of {TRANSACTIONS * charging.MESSAGES} CALLs were answered right")
            load.idle(_SETTLE_S)
        after = sizes()
    grown = {table: size - before.get(table, 0) for table, size in after.items() if size > before.get(table, 0)}
    return Storage(database.name, TRANSACTIONS, said.bytes, grown.pop(WHOLE, 0), grown)


@contextmanager
def _sqlite() -> Iterator[tuple[str, Callable[[], Sizes]]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "csms.db"

        def sizes() -> Sizes:
            with closing(sqlite3.connect(path, timeout=_DEADLINE_S)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                found: Sizes = {WHOLE: path.stat().st_size}
                try:
                    found.update(connection.execute(_SQLITE_TABLES))
                except sqlite3.OperationalError:  # built without dbstat
                    return found
                return found

        yield f"sqlite:///{path}", sizes


@contextmanager
def _postgresql() -> Iterator[tuple[str, Callable[[], Sizes]]]:
    import psycopg  # noqa: PLC0415 - as the next, there or not
    from pgserver.postgres_server import get_server  # noqa: PLC0415 - a test dependency

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        server: Any = get_server(folder, cleanup_mode="delete")
        try:
            url: str = server.get_uri()

            def sizes() -> Sizes:
                with psycopg.connect(url) as connection:
                    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
                    assert row is not None
                    return {WHOLE: row[0], **dict(connection.execute(_POSTGRESQL_TABLES).fetchall())}

            yield url.replace("postgresql://", "postgresql+psycopg://", 1), sizes
        finally:
            server.cleanup()


def _lacks_pgserver() -> str | None:
    missing = [name for name in ("pgserver", "psycopg") if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)} (pip install -e .[test])" if missing else None


DATABASES: Final = (
    Database("SQLite", lambda: None, _sqlite),
    Database("PostgreSQL", _lacks_pgserver, _postgresql),
)
