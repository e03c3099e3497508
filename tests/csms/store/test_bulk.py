"""Rows handed to the driver in bulk come to be what they would one by one; on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, delete, select, update

from csms.store import Change, Row, StoreUnavailable, open_store
from csms.store.tables import connectors, meter_values, transaction_events


def connector(station_id: str, status: str = "Available", reported_at: int = 0) -> Row:
    return {
        "station_id": station_id,
        "evse_id": 1,
        "connector_id": 1,
        "status": status,
        "reported_at": reported_at,
        "received_at": 0,
    }


def value(position: int, **more: Any) -> Row:
    row = {
        "station_id": "CP_1",
        "sampled_at": 1,
        "transaction_key": -1,
        "seq_no": 2**62,
        "position": position,
        "evse_id": None,
        "measurand": "Voltage",
        "context": "Other",
        "phase": "L1'\\\"{},",
        "location": "EV",
        "unit": None,
        "multiplier": 0,
        "value": 1,
        "signed": None,
    }
    return row | more


async def test_values_of_every_kind_come_back_as_they_were(database_url: str) -> None:
    rows = [
        value(0),
        value(1, value=-2.5e-9, unit="°C", evse_id=-3, signed='{"a": "\\n\\"\u20ac\'{}"}'),
        value(2, value=0.0, unit="NULL", evse_id=2**62, phase=""),
    ]
    event = {
        "station_id": "CP_1", "transaction_id": "T1", "seq_no": 0, "event_type": "Started", "trigger_reason": "Trigger",
        "offline": True, "happened_at": -(2**61), "received_at": 0, "payload": "{}", "response": "{}",
    }  # fmt: skip
    async with open_store(database_url) as store:
        await store.commit(
            Change(store.insert(meter_values), rows),
            Change(store.insert(transaction_events), [event, event | {"seq_no": 1, "offline": False}]),
        )
        query = select(meter_values).order_by(meter_values.c.position)
        kept = await store.read(lambda connection: connection.execute(query).mappings().all())
        assert [dict(row) for row in kept] == rows
        events = await store.read(lambda connection: connection.execute(select(transaction_events)).mappings().all())
        assert [dict(row) for row in events] == [event, event | {"seq_no": 1, "offline": False}]


async def test_of_rows_with_one_key_the_last_stands(database_url: str) -> None:
    async with open_store(database_url) as store:
        insert = store.insert(connectors)
        statement = insert.on_conflict_do_update(
            index_elements=list(connectors.primary_key), set_={"status": insert.excluded.status}
        )
        rows = [connector(f"CP_{number % 3}", f"status {number}") for number in range(11)]
        await store.commit(Change(statement, rows))
        query = select(connectors.c.status).order_by(connectors.c.station_id)
        assert await store.read(lambda connection: list(connection.scalars(query))) == [
            "status 9",
            "status 10",
            "status 8",
        ]


async def test_what_is_there_stays_where_nothing_is_to_be_done(database_url: str) -> None:
    async with open_store(database_url) as store:
        statement = store.insert(connectors).on_conflict_do_nothing()
        await store.commit(Change(statement, [connector("CP_1", "first"), connector("CP_1", "second")]))
        await store.commit(Change(statement, [connector("CP_1", "third"), connector("CP_2", "fourth")]))
        query = select(connectors.c.status).order_by(connectors.c.station_id)
        assert await store.read(lambda connection: list(connection.scalars(query))) == ["first", "fourth"]


async def test_statements_with_values_of_their_own_are_executed_as_well(database_url: str) -> None:
    async with open_store(database_url) as store:
        insert = store.insert(connectors)
        clamped = insert.on_conflict_do_update(index_elements=list(connectors.primary_key), set_={"status": "constant"})
        await store.commit(Change(insert, [connector("CP_1"), connector("CP_2")]))
        await store.commit(Change(clamped, [connector("CP_1", "x")]))
        change = update(connectors).where(connectors.c.station_id == bindparam("station")).values(status="updated")
        await store.commit(Change(change, [{"station": "CP_2"}]))
        query = select(connectors.c.status).order_by(connectors.c.station_id)
        assert await store.read(lambda connection: list(connection.scalars(query))) == ["constant", "updated"]
        gone = delete(connectors).where(connectors.c.station_id == bindparam("station"))
        await store.commit(Change(gone, [{"station": "CP_1"}, {"station": "CP_2"}]))
        assert await store.read(lambda connection: list(connection.scalars(query))) == []


async def test_too_many_statements_are_not_all_remembered(database_url: str) -> None:
    async with open_store(database_url) as store:
        for number in range(300):
            await store.commit(Change(store.insert(connectors), [connector(f"CP_{number}")]))
        assert len(store.writer._executor._prepared) < 300  # noqa: SLF001 - that memory is bounded shows nowhere else


async def test_a_value_no_column_holds_is_refused(database_url: str) -> None:
    async with open_store(database_url) as store:
        statement = store.insert(connectors)
        with pytest.raises((StoreUnavailable, OverflowError)):
            await store.commit(Change(statement, [connector("CP_1", reported_at=2**70)]))
        await store.commit(Change(statement, [connector("CP_1")]))
