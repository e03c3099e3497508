"""Executes an INSERT for many rows at what the driver costs, and no more.

SQLAlchemy spends several times what SQLite does on each row of an executemany. So an INSERT is compiled once, and its
rows go to the driver as tuples; PostgreSQL gets them as one array for each column, which costs it half of what a
statement for each row does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Connection, Dialect, Executable, Float, Insert, Integer, String
from sqlalchemy.sql.compiler import SQLCompiler

Row = dict[str, Any]
Bulk = Callable[[Connection, Sequence[Row]], None]

_STATEMENTS_KEPT: Final = 256
_ARRAY_TYPES: Final = ((Boolean, "boolean"), (BigInteger, "bigint"), (Integer, "bigint"), (Float, "float8"),
                       (String, "text"))  # fmt: skip


class Executor:
    """Executes statements with rows on one kind of database. Not for several threads at once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._prepared: dict[tuple[Executable, tuple[str, ...]], Bulk] = {}

    def execute(self, connection: Connection, statement: Executable, rows: Sequence[Row]) -> None:
        """Execute a statement for each row, as connection.execute() does. All rows have the keys of the first."""
        key = (statement, tuple(rows[0]))
        bulk = self._prepared.get(key)
        if bulk is None:
            if len(self._prepared) >= _STATEMENTS_KEPT:  # somebody makes a statement for each Change
                self._prepared.clear()
            bulk = self._prepared[key] = self._prepare(statement, key[1])
        bulk(connection, rows)

    def _prepare(self, statement: Executable, names: tuple[str, ...]) -> Bulk:
        if isinstance(statement, Insert):
            compiled = statement.compile(dialect=self._dialect, column_keys=names)
            if set(compiled.binds) == set(names) and len(names) > 1:
                if self._dialect.name == "sqlite":
                    return self._as_tuples(compiled)
                arrays = self._as_arrays(statement, compiled, names)
                if arrays is not None:
                    return arrays

        def plainly(connection: Connection, rows: Sequence[Row]) -> None:
            connection.execute(statement, rows)

        return plainly

    def _as_tuples(self, compiled: SQLCompiler) -> Bulk:
        sql = compiled.string
        pick = itemgetter(*(compiled.positiontup or ()))

        def execute(connection: Connection, rows: Sequence[Row]) -> None:
            connection.exec_driver_sql(sql, list(map(pick, rows)))

        return execute

    def _as_arrays(self, statement: Insert, compiled: SQLCompiler, names: tuple[str, ...]) -> Bulk | None:
        """INSERT … SELECT FROM unnest(…), which ON CONFLICT DO UPDATE must not find the same key twice in."""
        types = [_array_type(statement.table.c[name].type) for name in names]
        if None in types:
            return None
        quote = self._dialect.identifier_preparer.quote
        columns = ", ".join(map(quote, names))
        arrays = ", ".join(f"%b::{kind}[]" for kind in types)  # binary: no quotes to escape in payloads
        floats = [index for index, kind in enumerate(types) if kind == "float8"]
        table = self._dialect.identifier_preparer.format_table(statement.table)
        _, conflict, action = compiled.string.partition(" ON CONFLICT")
        # No value of a caller's is in this text: they come as the parameters.
        sql = f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}){conflict}{action}"  # noqa: S608
        pick = itemgetter(*names)
        keys = [column.name for column in statement.table.primary_key]
        in_rounds: Callable[[Sequence[Row]], Iterable[Sequence[Row]]] = _in_one_round
        if "DO UPDATE" in action:
            if not action.startswith(f" ({', '.join(map(quote, keys))}) ") or not set(keys) <= set(names):
                return None
            in_rounds = _Rounds(itemgetter(*keys))

        def execute(connection: Connection, rows: Sequence[Row]) -> None:
            for part in in_rounds(rows):
                values = [list(column) for column in zip(*map(pick, part), strict=True)]
                for index in floats:  # an array is of one type, and JSON writes 1.0 as 1
                    values[index] = [None if value is None else float(value) for value in values[index]]
                connection.exec_driver_sql(sql, tuple(values))

        return execute


class _Rounds:
    """Splits rows so that no part has two rows of one key, and those of one key stay in order."""

    def __init__(self, key_of: Callable[[Row], Any]) -> None:
        self._key_of = key_of

    def __call__(self, rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
        times: dict[Any, int] = {}
        rounds: list[list[Row]] = []
        for row in rows:
            key = self._key_of(row)
            nth = times.get(key, 0)
            times[key] = nth + 1
            if nth == len(rounds):
                rounds.append([])
            rounds[nth].append(row)
        return rounds


def _in_one_round(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    return (rows,)


def _array_type(column_type: Any) -> str | None:
    return next((name for kind, name in _ARRAY_TYPES if isinstance(column_type, kind)), None)
