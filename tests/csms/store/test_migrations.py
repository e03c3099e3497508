"""The migrations make the tables that the program knows, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event

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
