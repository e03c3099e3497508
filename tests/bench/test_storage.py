"""What a database says of its own size."""

import sqlite3
from contextlib import closing

from bench.storage import DATABASES, WHOLE


def test_sqlite_is_weighed_whole_and_table_by_table_with_what_its_log_holds() -> None:
    sqlite = next(database for database in DATABASES if database.name == "SQLite")
    assert sqlite.lacks() is None
    with sqlite.new() as (url, sizes), closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE small (x TEXT)")
        connection.execute("CREATE TABLE big (x TEXT PRIMARY KEY)")
        before = sizes()
        connection.executemany("INSERT INTO big VALUES (?)", ((f"{n:0500}",) for n in range(200)))
        connection.commit()
        after = sizes()
    grown = after[WHOLE] - before[WHOLE]
    assert 200_000 < grown < 400_000, "every value is in the table and in its index"
    if "big" in after:  # SQLite can be built without telling
        assert after["big"] - before["big"] == grown
        assert after["small"] == before["small"]
