"""The file that a state is kept in. Everything here blocks: it runs in threads, one at a time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from station.state.base import Changes
from station.state.upgrade import FORMAT, upgraded


class StateUnavailable(Exception):
    """The state cannot be opened, read or written; the text says to a person what and why."""


class SqliteFile:
    """A table of keys and values that no other process may open meanwhile.

    A commit is on disk when it returns: write-ahead log, synced each time (synchronous=FULL).
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it, for its owner's eyes alone. Raises StateUnavailable."""
        self.path = path
        with self._explained("opened"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with self._explained("opened"):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def load(self) -> dict[str, bytes]:
        """All there is. Raises StateUnavailable."""
        with self._explained("read"):
            return dict(self._connection.execute("SELECT key, value FROM state"))

    def write(self, changes: Changes) -> None:
        """Write all of it, or none and raise StateUnavailable."""
        with self._explained("written"), self._transaction():
            self._apply(changes)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _apply(self, changes: Changes) -> None:
        values = [(key, data) for key, data in changes.items() if data is not None]
        gone = [(key,) for key, data in changes.items() if data is None]
        self._connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values)
        self._connection.executemany("DELETE FROM state WHERE key = ?", gone)

    def _prepare(self) -> None:
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        with self._transaction():
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            if found > FORMAT:
                raise StateUnavailable(f"{self.path} was written by a newer version of this program")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
            )
            if 0 < found < FORMAT:
                self._apply(upgraded(found, self.load()))
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise StateUnavailable(f"{self.path} is in use by another process") from error
            raise StateUnavailable(f"{self.path} cannot be {done}: {error}") from error
        except (sqlite3.Error, OSError) as error:
            raise StateUnavailable(f"{self.path} cannot be {done}: {error}") from error
