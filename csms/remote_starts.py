"""Which transaction each RequestStartTransaction has started (F01, F02): told by the remoteStartId."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, func, null, update

from csms.ids import Ids, check, fits
from csms.store import Change, Store
from csms.store.moments import to_ms
from csms.store.tables import remote_starts
from csms.store.texts import storable
from shared.clock import Clock

ACTION: Final = "RequestStartTransaction"

Payload = dict[str, Any]


class RemoteStarts:
    """All remote starts, in the database."""

    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._ids = Ids(store, random, remote_starts.c.remote_start_id)
        insert = store.insert(remote_starts)
        # An id that an operator gives again means the later request.
        self._insert = insert.on_conflict_do_update(
            index_elements=list(remote_starts.primary_key.columns),
            set_={
                "request": insert.excluded.request,
                "status": null(),
                "transaction_id": null(),
                "requested_at": insert.excluded.requested_at,
            },
        )
        is_it = (
            remote_starts.c.station_id == bindparam("station"),
            remote_starts.c.remote_start_id == bindparam("remote_start"),
        )
        known_transaction = func.coalesce(remote_starts.c.transaction_id, bindparam("transaction"))
        self._answer = update(remote_starts).where(*is_it).values(
            status=bindparam("answered"), transaction_id=known_transaction
        )  # fmt: skip
        self._match = update(remote_starts).where(*is_it).values(transaction_id=known_transaction)

    async def new_id(self) -> int:
        """A remoteStartId that no request has or had. Raises StoreUnavailable."""
        return await self._ids.new()

    async def complete(self, action: str, payload: Payload) -> Payload:
        """The payload of a request, with a remoteStartId where it needs one and has none.

        Raises PropertyConstraintViolation for one that no database keeps, StoreUnavailable.
        """
        if action != ACTION:
            return payload
        if "remoteStartId" in payload:
            if isinstance(payload["remoteStartId"], int | float):
                check(payload["remoteStartId"], "/remoteStartId")
            return payload
        return {"remoteStartId": await self.new_id()} | payload

    async def requested(self, station_id: str, request: Payload) -> None:
        """This RequestStartTransaction is about to be sent. Raises StoreUnavailable."""
        row = {
            "station_id": station_id,
            "remote_start_id": int(request["remoteStartId"]),
            "request": orjson.dumps(request).decode(),
            "requested_at": to_ms(self._clock.now()),
        }
        await self._store.commit(Change(self._insert, [row]))

    async def answered(self, station_id: str, request: Payload, response: Payload) -> None:
        """The station's response, also a late one. Raises StoreUnavailable."""
        transaction_id = response.get("transactionId")
        started = None if transaction_id is None else storable(transaction_id)
        key = self._key(station_id, int(request["remoteStartId"]), started)
        await self._store.commit(Change(self._answer, [key | {"answered": response["status"]}]))

    def match(self, station_id: str, remote_start_id: int, transaction_id: str) -> Change:
        """What to commit with a TransactionEvent that has a remoteStartId (F01.FR.25, F02.FR.01).

        It may be committed again; the first transaction counts.
        """
        rows = [self._key(station_id, int(remote_start_id), transaction_id)] if fits(remote_start_id) else []
        return Change(self._match, rows)

    def _key(self, station_id: str, remote_start_id: int, transaction_id: str | None) -> Payload:
        return {"station": station_id, "remote_start": remote_start_id, "transaction": transaction_id}
