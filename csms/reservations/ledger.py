"""The reservations this CSMS has asked for, from before they are sent to their end.

A reservation is on disk before its ReserveNow is sent, so that none is forgotten which a station may hold: one whose
answer does not come (time-out, connection lost, CSMS killed) stays Requested, its EVSE is offered to nobody else, and
what the station says later proves it one way or the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, Final

import trio
from sqlalchemy import Connection, Select, and_, bindparam, case, or_, select, update

from csms.alarm import Alarm
from csms.events import EventLog
from csms.ids import Ids, fits
from csms.reservations.record import LIVE, Payload, Reservation, ReservationState, from_row, to_row
from csms.store import Change, Store, StoreUnavailable
from csms.store.moments import to_ms
from csms.store.tables import reservations
from shared.clock import Clock
from shared.ocppj.errors import CallTimedOut, ConnectionLost, InvalidAnswer, OcppError

_MAY_HAVE_BEEN_USED: Final = (*LIVE, ReservationState.EXPIRED, ReservationState.REMOVED)
_RETRY: Final = timedelta(seconds=10)  # until an end that the database did not take is tried again


class Reservations:
    """All reservations: those that may stand in memory, all of them in the database.

    `load()` first; while `run()` runs, they end at their expiry, whether the station says so (H04.FR.01) or is away.
    """

    def __init__(self, store: Store, events: EventLog, clock: Clock, random: Random) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._ids = Ids(store, random, reservations.c.reservation_id)
        self._of_station: dict[str, dict[int, Reservation]] = {}
        self._asked_for: dict[str, dict[int, int | None]] = {}
        self._alarm = Alarm[Reservation](clock, is_over=lambda reservation: not reservation.state.is_live)
        save = store.insert(reservations)
        self._save = save.on_conflict_do_update(
            index_elements=list(reservations.primary_key.columns),
            set_={column.name: save.excluded[column.name] for column in reservations.c if not column.primary_key},
        )
        # A transaction that began offline is told of after its reservation has expired here (H01.FR.15); and what was
        # being written when its connection was lost may have come to nothing.
        self._save_used = (
            update(reservations)
            .where(
                reservations.c.station_id == bindparam("station"),
                reservations.c.reservation_id == bindparam("reservation"),
                reservations.c.state.in_([state.value for state in _MAY_HAVE_BEEN_USED]),
            )
            .values(state=ReservationState.USED.value, changed_at=bindparam("now"))
        )

    async def load(self) -> None:
        """Read what an earlier run left. Raises StoreUnavailable."""
        rows = await self._store.read(
            lambda connection: connection.execute(
                select(reservations).where(reservations.c.state.in_([state.value for state in LIVE]))
            ).all()
        )
        for row in rows:
            reservation = from_row(row)
            if reservation.state is ReservationState.REQUESTED:
                reservation.confirmed = False  # its answer was for the earlier run: what the station reports tells
            self._keep(reservation)

    async def run(self) -> None:
        """End what expires, when it does."""
        while True:
            reservation = await self._alarm.next()
            standing = self._of_station.get(reservation.station_id, {}).get(reservation.reservation_id)
            if standing is not reservation or reservation.over_at > self._clock.now():
                continue  # it has ended, was replaced, or lasts longer now
            try:
                await self.end(reservation.station_id, reservation.reservation_id, ReservationState.EXPIRED)
            except StoreUnavailable:
                self._alarm.set(self._clock.now() + _RETRY, reservation)

    # --- what there is ------------------------------------------------------------------------------------------------

    async def new_id(self) -> int:
        """An id that no reservation has or had. Raises StoreUnavailable."""
        return await self._ids.new()

    def get(self, station_id: str, reservation_id: int) -> Reservation | None:
        """The reservation of that id which the station may hold now."""
        reservation = self._of_station.get(station_id, {}).get(reservation_id)
        return None if reservation is None or reservation.over_at <= self._clock.now() else reservation

    def taken_evses(self, station_id: str) -> list[int | None]:
        """The EVSE, None for any, of each reservation that a station may hold or is being asked for.

        It may not have reported so yet.
        """
        now = self._clock.now()
        known = self._of_station.get(station_id, {})
        taken: list[int | None] = []
        for reservation in known.values():
            if reservation.over_at > now:
                taken += reservation.evse_ids or [None]
        asked_for = self._asked_for.get(station_id, {})
        return taken + [evse_id for reservation_id, evse_id in asked_for.items() if reservation_id not in known]

    @contextmanager
    def asking_for(self, station_id: str, reservation_id: int, evse_id: int | None) -> Iterator[None]:
        """While a station is asked to reserve an EVSE nobody else is to ask it for the same one."""
        asked_for = self._asked_for.setdefault(station_id, {})
        asked_for[reservation_id] = evse_id
        try:
            yield
        finally:
            del asked_for[reservation_id]
            if not asked_for:
                self._asked_for.pop(station_id, None)

    async def fetch(self, reservation_id: int) -> Reservation | None:
        """The reservation of that id, however it stands; of several, for others may give ids too, a live one.

        Raises StoreUnavailable.
        """
        if not fits(reservation_id):
            return None
        is_over = case((reservations.c.state.in_([state.value for state in LIVE]), 0), else_=1)
        found = await self._select(
            select(reservations)
            .where(reservations.c.reservation_id == reservation_id)
            .order_by(is_over, reservations.c.made_at.desc())
            .limit(1)
        )
        return found[0] if found else None

    async def fetch_page(
        self, limit: int, after: list[Any] | None, *, station_id: str | None = None, state: str | None = None
    ) -> list[Reservation]:
        """Reservations, the newest first. after: sort_key() of the last of the page before. Raises StoreUnavailable."""
        table = reservations.c
        query = select(reservations)
        if station_id is not None:
            query = query.where(table.station_id == station_id)
        if state is not None:
            query = query.where(table.state == state)
        if after is not None:
            made_at, after_station, after_id = after
            query = query.where(
                or_(
                    table.made_at < made_at,
                    and_(table.made_at == made_at, table.station_id > after_station),
                    and_(
                        table.made_at == made_at,
                        table.station_id == after_station,
                        table.reservation_id > after_id,
                    ),
                )
            )
        order = table.made_at.desc(), table.station_id, table.reservation_id
        return await self._select(query.order_by(*order).limit(limit))

    async def _select(self, query: Select[Any]) -> list[Reservation]:
        def work(connection: Connection) -> list[Reservation]:
            return [from_row(row) for row in connection.execute(query)]

        return await self._store.read(work)

    # --- what becomes of them -----------------------------------------------------------------------------------------

    async def requested(self, station_id: str, request: Payload) -> None:
        """This ReserveNow is about to be sent. Raises StoreUnavailable."""
        reservation = self.get(station_id, int(request["id"]))
        if reservation is None or not await self._replacement_requested(reservation, request):
            reservation = Reservation(station_id, request, self._clock.now())
            await self._write(reservation)
        reservation.in_flight = True
        reservation.seen = False
        self._keep(reservation)

    async def _replacement_requested(self, reservation: Reservation, request: Payload) -> bool:
        """Whether there is still something to replace (H01.FR.02)."""
        async with reservation.lock:
            if not reservation.state.is_live:
                return False
            if reservation.state is ReservationState.ACTIVE or reservation.request != request:
                await self._write(reservation, proposed=request)
            return True

    async def answered(self, station_id: str, request: Payload, answer: Payload | OcppError) -> None:
        """What came of a ReserveNow, also when it comes late (H01.FR.02, H01.FR.03). Raises StoreUnavailable."""
        reservation = self._of_station.get(station_id, {}).get(int(request["id"]))
        if reservation is None:
            return
        async with reservation.lock:
            if not reservation.state.is_live:
                return
            if request == (reservation.proposed or reservation.request):
                reservation.in_flight = False
            if isinstance(answer, CallTimedOut | ConnectionLost | InvalidAnswer):
                await self._left_open(reservation, answer)
            elif isinstance(answer, dict) and answer["status"] == "Accepted":
                await self._made(reservation, request)
            elif reservation.proposed == request:
                await self._write(reservation, proposed=None)
            elif reservation.state is ReservationState.REQUESTED and reservation.request == request:
                await self._write(reservation, state=ReservationState.REFUSED)

    async def end(self, station_id: str, reservation_id: int, state: ReservationState) -> None:
        """A reservation has come to its end; one that has ended already stays as it is. Raises StoreUnavailable."""
        async with self.ending(station_id, reservation_id, state) as changes:
            if changes:
                await self._store.commit(*changes)

    @asynccontextmanager
    async def ending(
        self, station_id: str, reservation_id: int | None, state: ReservationState
    ) -> AsyncIterator[list[Change]]:
        """What to commit, together with what it is learnt from, for a reservation to end; None is none.

        async with reservations.ending(station_id, request.get("reservationId"), ReservationState.USED) as changes:
            await store.commit(*own_changes, *changes)

        Once the block is left without an error, the reservation has ended in memory, too.
        """
        if reservation_id is None:
            yield []
            return
        reservation = self._of_station.get(station_id, {}).get(reservation_id)
        if reservation is not None:
            async with reservation.lock:
                if reservation.state.is_live:
                    try:
                        yield [self._row(reservation, state=state), self._ended(reservation, state)]
                    except trio.Cancelled:
                        self._apply(reservation, state=state)  # what was handed to the store is written all the same
                        raise
                    self._apply(reservation, state=state)
                    return
        key = {"station": station_id, "reservation": int(reservation_id), "now": to_ms(self._clock.now())}
        is_kept = state is ReservationState.USED and fits(reservation_id)
        yield [Change(self._save_used, [key])] if is_kept else []

    async def station_booted(self, station_id: str) -> None:
        """Reservations must outlive a reboot (B01.FR.13), but do so only where the station keeps them.

        Raises StoreUnavailable.
        """
        standing = [one for one in self._of_station.get(station_id, {}).values() if one.evse_ids and one.confirmed]
        if standing:
            await self._store.commit(*(self._row(reservation, confirmed=False) for reservation in standing))
            for reservation in standing:
                self._apply(reservation, confirmed=False)

    async def station_removed(self, station_id: str) -> None:
        """What a station holds that was deleted is nobody's reservation any more. Raises StoreUnavailable."""
        for reservation_id in list(self._of_station.get(station_id, ())):
            await self.end(station_id, reservation_id, ReservationState.REMOVED)

    async def connector_reported(self, station_id: str, evse_id: int, status: str) -> None:
        """The status of a reserved EVSE may tell whether the station holds the reservation. Raises StoreUnavailable.

        Reserved proves one whose answer never came. After a reboot, and where a connection was lost before the answer,
        all connectors are Reserved where it is held (H01.FR.23), and one that is Available tells that it is not.
        """
        if station_id not in self._of_station or status not in ("Reserved", "Available"):
            return
        concerned = [one for one in self._of_station[station_id].values() if evse_id in one.evse_ids]
        for reservation in reversed(concerned):  # of several that were asked for, the last is it
            async with reservation.lock:
                if reservation.state.is_live:
                    await self._reported(reservation, status, alone=len(concerned) == 1)

    async def _reported(self, reservation: Reservation, status: str, *, alone: bool) -> None:
        is_open = reservation.state is ReservationState.REQUESTED or reservation.proposed is not None
        if reservation.in_flight:
            reservation.seen = reservation.seen or status == "Reserved"
        elif status == "Reserved" and is_open:
            await self._proven(reservation, alone=alone)
        elif not reservation.confirmed and status == "Available" and len(reservation.evse_ids) == 1:
            state = ReservationState.REMOVED
            changes = self._row(reservation, state=state), self._ended(reservation, state)
            await self._commit(reservation, *changes, state=state)
        elif not reservation.confirmed and status == "Reserved":
            await self._write(reservation, confirmed=True)

    async def _proven(self, reservation: Reservation, *, alone: bool) -> None:
        """Its EVSE is Reserved: by this one, unless another is known to stand there."""
        if reservation.state is ReservationState.REQUESTED and not self._is_taken(reservation):
            await self._made(reservation, reservation.proposed or reservation.request)
        elif reservation.proposed is not None and alone and len(reservation.evse_ids) > 1:
            await self._made(reservation, reservation.proposed)

    def _is_taken(self, reservation: Reservation) -> bool:
        others = self._of_station[reservation.station_id].values()
        return any(
            other.state is ReservationState.ACTIVE and reservation.evse_ids & other.evse_ids
            for other in others
            if other is not reservation
        )

    async def _left_open(self, reservation: Reservation, error: OcppError) -> None:
        if isinstance(error, ConnectionLost):  # what the station reports on its next connection tells
            reservation.confirmed = False
        if reservation.seen:
            await self._proven(reservation, alone=True)

    async def _made(self, reservation: Reservation, request: Payload) -> None:
        proposed = reservation.proposed
        if request == proposed:
            proposed = None
        elif request != reservation.request or reservation.state is ReservationState.ACTIVE:
            return  # another has taken its place, or a status has proven it before the answer came
        state = ReservationState.ACTIVE
        made = self._events.change(
            "reservation.made",
            reservation.station_id,
            {
                "reservation_id": reservation.reservation_id,
                "evse_id": request.get("evseId"),
                "id_token": request["idToken"],
                "expires_at": request["expiryDateTime"],
            },
        )
        changed = {"request": request, "proposed": proposed, "state": state, "confirmed": True}
        try:
            await self._commit(reservation, self._row(reservation, **changed), made, **changed)
        finally:
            self._alarm.set(reservation.over_at, reservation)

    # --- how they are kept --------------------------------------------------------------------------------------------

    def _keep(self, reservation: Reservation) -> None:
        of_station = self._of_station.setdefault(reservation.station_id, {})
        of_station.pop(reservation.reservation_id, None)
        of_station[reservation.reservation_id] = reservation
        self._alarm.set(reservation.over_at, reservation)

    async def _write(self, reservation: Reservation, **changed: Any) -> None:
        await self._commit(reservation, self._row(reservation, **changed), **changed)

    async def _commit(self, reservation: Reservation, *changes: Change, **changed: Any) -> None:
        """Write, and then have in memory what has changed; also when cancelled, for it is written all the same."""
        try:
            await self._store.commit(*changes)
        except trio.Cancelled:
            self._apply(reservation, **changed)
            raise
        self._apply(reservation, **changed)

    def _apply(self, reservation: Reservation, **changed: Any) -> None:
        for name, value in changed.items():
            setattr(reservation, name, value)
        if not reservation.state.is_live:
            of_station = self._of_station.get(reservation.station_id, {})
            if of_station.get(reservation.reservation_id) is reservation:
                del of_station[reservation.reservation_id]
                if not of_station:
                    del self._of_station[reservation.station_id]

    def _row(self, reservation: Reservation, **changed: Any) -> Change:
        """The row of a reservation as it is to be."""
        return Change(self._save, [to_row(replace(reservation, **changed), self._clock.now())])

    def _ended(self, reservation: Reservation, state: ReservationState) -> Change:
        return self._events.change(
            "reservation.ended",
            reservation.station_id,
            {
                "reservation_id": reservation.reservation_id,
                "evse_id": reservation.evse_id,
                "state": state.value,
            },
        )
