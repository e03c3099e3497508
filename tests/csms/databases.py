"""Both databases, for every test of what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from pgserver.postgres_server import PostgresServer, get_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test run's own."""
    # Not in pytest's own folder, which each run of pytest closes to others: run as root, the server is one of them.
    with TemporaryDirectory(prefix="csms-") as folder:
        server = get_server(Path(folder) / "postgresql", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'csms.db'}"
    server: PostgresServer = request.getfixturevalue("postgresql")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:  # a database of its own takes far longer
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
