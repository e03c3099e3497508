"""What the CSMS asks of stations is there after a restart, on both databases: reservations, remote starts, commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

import orjson
import pytest
import trio
from sqlalchemy import select

from csms.commands import Commands, CommandState, NewCommand, OtherCommand, sort_key
from csms.events import EventLog
from csms.remote_starts import RemoteStarts
from csms.reservations import Reservations, ReservationState
from csms.reservations import sort_key as reservation_key
from csms.store import Store, open_store
from csms.store.tables import remote_starts
from csms.switchboard import Switchboard
from shared.clock import TrioClock
from shared.ocppj.date_time import to_wire
from shared.ocppj.errors import CallTimedOut
from tests.csms.site import START

TOKEN = {"idToken": "04A1B2C3", "type": "ISO14443"}


class Kept:
    """All that is kept of requests, by one run of the CSMS."""

    store: Store
    reservations: Reservations
    remote_starts: RemoteStarts
    commands: Commands


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Kept]:
    async with open_store(url) as store:
        clock, random = TrioClock(START), Random()  # noqa: S311 - not for secrets
        events = EventLog(store, clock)
        kept = Kept()
        kept.store = store
        kept.reservations = Reservations(store, events, clock, random)
        kept.remote_starts = RemoteStarts(store, clock, random)
        kept.commands = Commands(store, events, clock, Switchboard(), lambda: f"id-{random.random()}")
        for part in (kept.reservations, kept.commands):
            await part.load()
        yield kept


def reserve_now(reservation_id: int, evse_id: int = 1) -> dict[str, object]:
    expiry = to_wire(START + timedelta(hours=1))
    return {"id": reservation_id, "evseId": evse_id, "expiryDateTime": expiry, "idToken": TOKEN}


async def test_reservations(database_url: str) -> None:
    async with opened(database_url) as kept:
        ids = [await kept.reservations.new_id() for _ in range(3)]
        for reservation_id, status in zip(ids, ("Accepted", "Rejected", "Accepted"), strict=True):
            await kept.reservations.requested("CP_1", reserve_now(reservation_id))
            await kept.reservations.answered("CP_1", reserve_now(reservation_id), {"status": status})
        await kept.reservations.end("CP_1", ids[2], ReservationState.EXPIRED)
        await kept.reservations.requested("CP_2", reserve_now(77, 2))
        await kept.reservations.answered("CP_2", reserve_now(77, 2), CallTimedOut("x"))
    async with opened(database_url) as kept:
        assert kept.reservations.taken_evses("CP_1") == [1]
        assert kept.reservations.taken_evses("CP_2") == [2]
        await kept.reservations.end("CP_1", ids[2], ReservationState.USED)
        first = await kept.reservations.fetch_page(2, None)
        rest = await kept.reservations.fetch_page(9, reservation_key(first[-1]))
        found = {one.reservation_id: one.state.value for one in first + rest}
        assert found == {ids[0]: "Active", ids[1]: "Refused", ids[2]: "Used", 77: "Requested"}
        refused = await kept.reservations.fetch_page(9, None, station_id="CP_1", state="Refused")
        assert [one.reservation_id for one in refused] == [ids[1]]


async def test_remote_starts(database_url: str) -> None:
    async with opened(database_url) as kept:
        ids = [await kept.remote_starts.new_id() for _ in range(2)]
        for remote_start_id in ids:
            await kept.remote_starts.requested("CP_1", {"remoteStartId": remote_start_id, "idToken": TOKEN})
        request = {"remoteStartId": ids[0], "idToken": TOKEN}
        await kept.remote_starts.answered("CP_1", request, {"status": "Accepted", "transactionId": "tx-1"})
    async with opened(database_url) as kept:
        for transaction_id in ("tx-2", "tx-3"):  # the first counts
            await kept.store.commit(kept.remote_starts.match("CP_1", ids[1], transaction_id))
        query = select(remote_starts).order_by(remote_starts.c.transaction_id)
        rows = await kept.store.read(lambda connection: connection.execute(query).all())
        assert [(row.remote_start_id, row.status, row.transaction_id) for row in rows] == [
            (ids[0], "Accepted", "tx-1"),
            (ids[1], None, "tx-2"),
        ]
        assert orjson.loads(rows[1].request) == {"remoteStartId": ids[1], "idToken": TOKEN}


async def test_commands(database_url: str) -> None:
    def new(number: int, key: str | None = None) -> NewCommand:
        payload = {"requestId": number}
        return NewCommand("CP_1", "GetReport", payload, payload, START + timedelta(hours=1), key)

    async with opened(database_url) as kept:
        added: list[str] = []
        async with trio.open_nursery() as nursery:

            async def add() -> None:
                command, _ = await kept.commands.add(new(1, "k-1"))
                added.append(command.command_id)

            for _ in range(5):
                nursery.start_soon(add)
        assert len(set(added)) == 1
        with pytest.raises(OtherCommand):
            await kept.commands.add(new(2, "k-1"))
        second, _ = await kept.commands.add(new(2))
        await kept.commands.add(new(3))
        assert await kept.commands.cancel(second.command_id)
    async with opened(database_url) as kept:
        first = await kept.commands.fetch_page(2, None)
        rest = await kept.commands.fetch_page(9, sort_key(first[-1]))
        assert [(one.payload["requestId"], one.state) for one in first + rest] == [
            (3, CommandState.QUEUED),
            (2, CommandState.CANCELLED),
            (1, CommandState.QUEUED),
        ]
        assert await kept.commands.cancel(added[0])
        again, is_new = await kept.commands.add(new(1, "k-1"))
        assert (again.command_id, again.state, is_new) == (added[0], CommandState.CANCELLED, False)
