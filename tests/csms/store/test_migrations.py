"""The migrations make the tables that the program knows, on both databases."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from csms.store import open_store
from csms.store.tables import metadata


async def test_the_migrated_database_has_the_tables_of_the_program(database_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with open_store(database_url) as store:
        assert await store.read(differences) == []
