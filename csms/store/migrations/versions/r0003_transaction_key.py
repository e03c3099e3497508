"""The short key of a transaction in its meter values, where the first tables were made without it.

It came into the first tables while nobody but its developers had any; so this step looks before it changes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ROWS_AT_ONCE: Final = 1000
_NO_TRANSACTION: Final = 0


def upgrade() -> None:
    columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("transactions")}
    if "transaction_key" not in columns:
        _key_transactions()
        _shorten_meter_values()


def _key(transaction_id: str) -> int:
    return int.from_bytes(blake2b(transaction_id.encode(), digest_size=7).digest())


def _key_transactions() -> None:
    connection = op.get_bind()
    op.add_column("transactions", sa.Column("transaction_key", sa.BigInteger(), nullable=True))
    table = sa.table("transactions", sa.column("transaction_id"), sa.column("transaction_key"))
    ids = connection.scalars(sa.select(table.c.transaction_id).distinct()).all()
    if ids:
        connection.execute(
            sa.update(table)
            .where(table.c.transaction_id == sa.bindparam("name"))
            .values(transaction_key=sa.bindparam("key")),
            [{"name": name, "key": _key(name)} for name in ids],
        )
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.alter_column("transaction_key", existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_index("transactions_by_key", ["station_id", "transaction_key"], unique=False)


def _shorten_meter_values() -> None:
    connection = op.get_bind()
    op.rename_table("meter_values", "long_meter_values")
    if connection.dialect.name == "postgresql":  # where the name of a key is that of no other
        op.execute("ALTER INDEX meter_values_pkey RENAME TO long_meter_values_pkey")
    short = op.create_table(
        "meter_values",
        sa.Column("station_id", sa.String(length=48), nullable=False),
        sa.Column("sampled_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("evse_id", sa.BigInteger(), nullable=True),
        sa.Column("measurand", sa.String(length=40), nullable=False),
        sa.Column("context", sa.String(length=24), nullable=True),
        sa.Column("phase", sa.String(length=8), nullable=True),
        sa.Column("location", sa.String(length=8), nullable=True),
        sa.Column("unit", sa.String(length=20), nullable=True),
        sa.Column("multiplier", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("station_id", "sampled_at", "transaction_key", "seq_no", "position"),
    )
    for rows in _in_parts(connection):
        connection.execute(sa.insert(short), [_short(row) for row in rows])
    op.drop_table("long_meter_values")


def _in_parts(connection: sa.Connection) -> Iterator[list[sa.RowMapping]]:
    """The rows in the order of their key, so that there need not be room for all of them."""
    names = ("station_id", "sampled_at", "transaction_id", "seq_no", "position")
    others = ("evse_id", "measurand", "context", "phase", "location", "unit", "multiplier", "value", "signed")
    table = sa.table("long_meter_values", *(sa.column(name) for name in (*names, *others)))
    key = [table.c[name] for name in names]
    query = sa.select(table).order_by(*key).limit(_ROWS_AT_ONCE)
    rows = list(connection.execute(query).mappings())
    while rows:
        yield rows
        after = tuple(rows[-1][name] for name in names)
        rows = list(connection.execute(query.where(sa.tuple_(*key) > after)).mappings())


def _short(row: sa.RowMapping) -> dict[str, Any]:
    changed = dict(row)
    transaction_id = changed.pop("transaction_id")
    changed["transaction_key"] = _key(transaction_id) if transaction_id else _NO_TRANSACTION
    changed["context"] = None if row["context"] == "Sample.Periodic" else row["context"]
    changed["location"] = None if row["location"] == "Outlet" else row["location"]
    return changed
