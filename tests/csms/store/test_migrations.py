"""The migrations make the tables that the program knows, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, text

from csms.blocks.transactions.queries import WantedValues, list_meter_values
from csms.store import open_store
from csms.store.tables import metadata


class Interrupted(Exception):
    """The program has ended here."""


@contextmanager
def interrupted_at(words: str) -> Iterator[None]:
    """Nothing is executed any more from the first statement with these words on."""

    def interrupt(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if words in statement:
            raise Interrupted

    event.listen(Engine, "before_cursor_execute", interrupt)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", interrupt)


def differences(connection: Connection) -> list[Any]:
    """Between the database and what the program knows."""
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_the_migrated_database_has_the_tables_of_the_program(database_url: str) -> None:
    async with open_store(database_url) as store:
        assert await store.read(differences) == []


async def test_a_first_start_that_was_interrupted_is_followed_by_another(database_url: str) -> None:
    with interrupted_at("CREATE TABLE transactions"), pytest.raises(Interrupted):
        async with open_store(database_url):
            pass
    async with open_store(database_url) as store:
        assert await store.read(differences) == []


LONG_METER_VALUES = (
    "CREATE TABLE meter_values (station_id VARCHAR(48) NOT NULL, sampled_at BIGINT NOT NULL, transaction_id VARCHAR(36)"
    " NOT NULL, seq_no BIGINT NOT NULL, position INTEGER NOT NULL, evse_id BIGINT, measurand VARCHAR(40) NOT NULL,"
    " context VARCHAR(24) NOT NULL, phase VARCHAR(8), location VARCHAR(8) NOT NULL, unit VARCHAR(20),"
    " multiplier BIGINT NOT NULL, value FLOAT NOT NULL, signed TEXT,"
    " PRIMARY KEY (station_id, sampled_at, transaction_id, seq_no, position))"
)
LONG_TABLES = (
    "DROP TABLE meter_values",
    "DROP INDEX transactions_by_key",
    "ALTER TABLE transactions DROP COLUMN transaction_key",
    LONG_METER_VALUES,
    "DROP TABLE tariffs",
    "ALTER TABLE stations DROP COLUMN next_password_hash",
    "UPDATE alembic_version SET version_num = '0001'",
)
"""What the first tables were before transactions had a short key."""


def make_long(connection: Connection) -> None:
    """Turn the tables into what they were, with a transaction and what was measured within it and beside it."""
    for statement in LONG_TABLES:
        connection.exec_driver_sql(statement)
    for transaction_id in ("T1", "T2"):
        connection.execute(
            text(
                "INSERT INTO transactions (station_id, transaction_id, first_at, updated_at) VALUES ('CP_1', :id, 1, 2)"
            ),
            {"id": transaction_id},
        )
    values = [("T1", number, "Sample.Periodic", "Outlet") for number in range(2500)]
    values += [("T2", 0, "Transaction.End", "EV"), ("", 77, "Sample.Clock", "Outlet")]
    connection.execute(
        text(
            "INSERT INTO meter_values (station_id, sampled_at, transaction_id, seq_no, position, measurand, context,"
            " location, multiplier, value)"
            " VALUES ('CP_1', 5, :id, :seq_no, 0, 'Voltage', :context, :location, 0, 230.5)"
        ),
        [dict(zip(("id", "seq_no", "context", "location"), value, strict=True)) for value in values],
    )


async def test_tables_made_before_transactions_had_a_short_key_are_converted(database_url: str) -> None:
    async with open_store(database_url):
        pass
    engine = create_engine(database_url)
    with engine.begin() as connection:
        make_long(connection)
    engine.dispose()
    async with open_store(database_url) as store:
        assert await store.read(differences) == []
        find = partial(list_meter_values, station_id="CP_1", after=None, limit=10_000)
        everything = await store.read(partial(find, wanted=WantedValues()))
        of_second = await store.read(partial(find, wanted=WantedValues(transaction_id="T2")))
    assert Counter(value["transaction_id"] for value in everything) == {"T1": 2500, "T2": 1, None: 1}
    assert [(value["context"], value["location"], value["value"]) for value in of_second] == [
        ("Transaction.End", "EV", 230.5)
    ]
    plain = next(value for value in everything if value["transaction_id"] == "T1")
    assert (plain["context"], plain["location"]) == (None, None)
