"""The stations this CSMS knows, connected or not: read from memory, and written through to the store."""

from __future__ import annotations

import enum
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

import orjson
import trio
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from csms.store import Change, Store, StoreUnavailable
from csms.store import Row as Values
from csms.store.moments import from_ms, to_ms
from csms.store.tables import connectors, reports, stations, variables
from shared.clock import Clock

# identifierString (2.0.1 Part 2, primitive datatypes) without the colon, at most 48 characters (Part 4 §3.1.1)
_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")

_LAST_SEEN_WRITTEN_EVERY_S: Final = 300.0
_ROWS_AT_ONCE: Final = 500


def is_identity(text: str) -> bool:
    """Whether `text` can be the identity of a charging station."""
    return _IDENTITY.fullmatch(text) is not None


class Registration(enum.StrEnum):
    """How a station's BootNotification is answered (RegistrationStatusEnumType)."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """What a connector was reported to be (ConnectorStatusEnumType), and when, by the station's clock and by ours."""

    status: str
    timestamp: datetime
    received_at: datetime

    @property
    def held_at(self) -> datetime:
        """When it was so, as far as can be known: nothing is reported before it happens, whatever the clock says."""
        return min(self.timestamp, self.received_at)


@dataclass(frozen=True, slots=True)
class Reset:
    """A Reset of the whole station that it has agreed to, from its answer until it boots (B11, B12).

    status: Accepted, when it goes at once; Scheduled, when it ends something first. kind: ResetEnumType.
    """

    kind: str
    status: str
    requested_at: str


@dataclass(frozen=True, slots=True)
class Availability:
    """What the station answered to a ChangeAvailability (G03, G04). status: Accepted or Scheduled.

    Of the whole station when evse_id is None, of the whole EVSE when connector_id is.
    """

    evse_id: int | None
    connector_id: int | None
    operational_status: str
    status: str
    requested_at: str

    def covers(self, other: Availability) -> bool:
        """Whether it decides over all that `other` does."""
        return self.evse_id is None or (
            self.evse_id == other.evse_id and self.connector_id in (None, other.connector_id)
        )


class Entry(TypedDict, total=False):
    """What can change in a registry entry; see Station."""

    password_hash: str | None
    next_password_hash: str | None
    security_profile: int
    registration: Registration
    accepted: bool
    items_per_message: Mapping[str, int]
    boot: dict[str, Any]
    booted_at: datetime | None
    reset: Reset | None
    availability: tuple[Availability, ...]


@dataclass(slots=True)
class Station:
    """What is known of one charging station.

    password_hash: None until a password was set or shown. next_password_hash: of one that it was told to take (A01),
    until it is known whether it did. security_profile: the lowest it may connect with (A00).
    accepted: its last boot was accepted, so that it may go on after a reconnect (Part 4 §5.3).
    items_per_message: what the operator says that it can take, by action. boot: the chargingStation of its last
    BootNotification. last_seen: when its last message came (G02.FR.04). connectors: by evseId and connectorId.
    """

    station_id: str
    password_hash: str | None = field(default=None, repr=False)
    next_password_hash: str | None = field(default=None, repr=False)
    security_profile: int = 1
    registration: Registration = Registration.ACCEPTED
    accepted: bool = False
    items_per_message: Mapping[str, int] = field(default_factory=dict)
    boot: dict[str, Any] = field(default_factory=dict)
    booted_at: datetime | None = None
    last_seen: datetime | None = None
    reset: Reset | None = None
    availability: tuple[Availability, ...] = ()
    connectors: dict[tuple[int, int], ConnectorStatus] = field(default_factory=dict)

    def evses(self) -> dict[int, list[str]]:
        """The statuses of the connectors of each EVSE, in the order of their numbers.

        EVSEs count from 1; some stations report themselves as EVSE 0.
        """
        statuses: dict[int, list[str]] = {}
        for (evse_id, _), connector in sorted(self.connectors.items()):
            if evse_id > 0:
                statuses.setdefault(evse_id, []).append(connector.status)
        return statuses

    def available_evses(self) -> list[int]:
        """EVSEs with an Available connector, none of whose other connectors has the EVSE taken (G01.FR.08)."""
        return [
            evse_id
            for evse_id, statuses in self.evses().items()
            if "Available" in statuses and not {"Occupied", "Reserved"} & set(statuses)
        ]


class Registry:
    """The stations this CSMS knows, by identity.

    What changes is written first, then it holds. A change whose maker is cancelled holds, too, for what was handed to
    the store is written all the same.
    """

    def __init__(self, store: Store, clock: Clock, newcomers: Registration = Registration.ACCEPTED) -> None:
        """newcomers: how a station that comes by itself is registered."""
        self._store = store
        self._clock = clock
        self._newcomers = newcomers
        self._stations: dict[str, Station] = {}
        self._turns: dict[str, trio.Lock] = {}
        self._last_seen_written: dict[str, datetime] = {}
        insert = store.insert(stations)
        self._upsert = insert.on_conflict_do_update(
            index_elements=["station_id"],
            set_={column.name: insert.excluded[column.name] for column in stations.columns if not column.primary_key},
        )
        insert = store.insert(connectors)
        self._upsert_connector = insert.on_conflict_do_update(
            index_elements=["station_id", "evse_id", "connector_id"],
            set_={name: insert.excluded[name] for name in ("status", "reported_at", "received_at")},
        )
        self._delete_connectors = delete(connectors).where(connectors.c.station_id == bindparam("of_station"))
        self._update_last_seen = (
            update(stations)
            .where(stations.c.station_id == bindparam("of_station"))
            .values(last_seen_at=bindparam("seen_at"))
        )

    async def load(self) -> None:
        """Read what was written before. Raises StoreUnavailable."""
        found, found_connectors = await self._store.read(_read_all)
        for row in found:
            self._stations[row.station_id] = _to_station(row)
        for row in found_connectors:
            if row.station_id in self._stations:
                status = ConnectorStatus(row.status, from_ms(row.reported_at), from_ms(row.received_at))
                self._stations[row.station_id].connectors[row.evse_id, row.connector_id] = status

    def __len__(self) -> int:
        return len(self._stations)

    def __iter__(self) -> Iterator[Station]:
        return iter(sorted(self._stations.values(), key=lambda station: station.station_id))

    def get(self, station_id: str) -> Station | None:
        return self._stations.get(station_id)

    def knows(self, station: Station) -> bool:
        """Whether `station` is in the registry, and not one that was removed."""
        return self._stations.get(station.station_id) is station

    async def put(self, station_id: str, **entry: Unpack[Entry]) -> Station:
        """Change the station of that identity; it is made if it is not known yet. Raises StoreUnavailable."""
        async with self._turn(station_id):
            station = self._stations.get(station_id) or Station(station_id)
            await self._write(station, entry)
            return station

    async def update(self, station: Station, *also: Change, **entry: Unpack[Entry]) -> None:
        """Change what is known of a station, together with `also`. Raises StoreUnavailable.

        Of one that was removed nothing is written but `also`.
        """
        async with self._turn(station.station_id):
            if self.knows(station):
                await self._write(station, entry, also)
            else:
                await self._store.commit(*also)

    async def booted(self, station: Station, *also: Change, **entry: Unpack[Entry]) -> None:
        """Change what is known of a station whose boot is accepted: it tells of all its connectors again (B01.FR.05).

        Raises StoreUnavailable.
        """
        forget = Change(self._delete_connectors, [{"of_station": station.station_id}])
        await self.update(station, forget, *also, **entry)
        station.connectors.clear()

    async def keep_first_password(self, station_id: str, password_hash: str) -> tuple[Station, bool]:
        """The station of that identity, and whether this became its password; it may have had one before.

        It is made if it is not known yet. Raises StoreUnavailable.
        """
        async with self._turn(station_id):
            station = self._stations.get(station_id) or Station(station_id, registration=self._newcomers)
            if station.password_hash is not None:
                return station, False
            await self._write(station, Entry(password_hash=password_hash))
            return station, True

    async def password_shown(self, station: Station, next_password_hash: str) -> None:
        """The station has shown the password that it was told to take: from now on it is the only one.

        Raises StoreUnavailable; then both are still taken.
        """
        async with self._turn(station.station_id):
            if self.knows(station) and station.next_password_hash == next_password_hash:
                await self._write(station, Entry(password_hash=next_password_hash, next_password_hash=None))

    async def report(
        self, station: Station, statuses: Mapping[tuple[int, int], ConnectorStatus], *also: Change
    ) -> None:
        """Keep the statuses of connectors, by evseId and connectorId. Raises StoreUnavailable."""
        rows = [
            {
                "station_id": station.station_id,
                "evse_id": evse_id,
                "connector_id": connector_id,
                "status": connector.status,
                "reported_at": to_ms(connector.timestamp),
                "received_at": to_ms(connector.received_at),
            }
            for (evse_id, connector_id), connector in statuses.items()
        ]
        change = Change(self._upsert_connector, rows if self.knows(station) else [])
        await self._commit((change, *also), lambda: station.connectors.update(statuses))

    async def remove(self, station: Station) -> None:
        """Forget a station, its connectors and its device model; what happened there is history, and stays.

        Raises StoreUnavailable; then it is still known.
        """
        station_id = station.station_id
        async with self._turn(station_id):
            if not self.knows(station):
                return
            del self._stations[station_id]  # first, so that nobody writes of it behind the deletion
            try:
                await self._store.change(lambda connection: _delete_all(connection, station_id))
            except StoreUnavailable:
                self._stations[station_id] = station
                raise
            self._last_seen_written.pop(station_id, None)

    async def keep_last_seen(self) -> None:
        """Write now and then when each station was last seen, for ever."""
        while True:
            await trio.sleep(_LAST_SEEN_WRITTEN_EVERY_S)
            await self.write_last_seen()

    async def write_last_seen(self) -> None:
        """Write when each station was last seen, where that has changed; without a store, later."""
        news = {
            station.station_id: station.last_seen
            for station in self._stations.values()
            if station.last_seen is not None
            and station.last_seen != self._last_seen_written.get(station.station_id, None)
        }
        rows = [{"of_station": station_id, "seen_at": to_ms(seen)} for station_id, seen in news.items()]
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            try:
                await self._store.commit(Change(self._update_last_seen, rows[start : start + _ROWS_AT_ONCE]))
            except StoreUnavailable:
                return
        self._last_seen_written.update(news)

    async def _write(self, station: Station, entry: Entry, also: tuple[Change, ...] = ()) -> None:
        def hold() -> None:
            for name, value in entry.items():
                setattr(station, name, value)
            self._stations[station.station_id] = station

        await self._commit((Change(self._upsert, [_to_row(station, entry)]), *also), hold)

    async def _commit(self, changes: tuple[Change, ...], hold: Callable[[], None]) -> None:
        try:
            await self._store.commit(*changes)
        except trio.Cancelled:
            hold()
            raise
        hold()

    @asynccontextmanager
    async def _turn(self, station_id: str) -> AsyncIterator[None]:
        """Changes of one station wait for each other: each starts from what the one before has made of it."""
        turn = self._turns.setdefault(station_id, trio.Lock())
        try:
            async with turn:
                yield
        finally:
            if not turn.locked():
                self._turns.pop(station_id, None)


def _to_row(station: Station, entry: Entry) -> Values:
    held: Entry = {
        "password_hash": station.password_hash,
        "next_password_hash": station.next_password_hash,
        "security_profile": station.security_profile,
        "registration": station.registration,
        "accepted": station.accepted,
        "items_per_message": station.items_per_message,
        "boot": station.boot,
        "booted_at": station.booted_at,
        "reset": station.reset,
        "availability": station.availability,
    }
    now: Entry = {**held, **entry}
    return {
        "station_id": station.station_id,
        "password_hash": now["password_hash"],
        "next_password_hash": now["next_password_hash"],
        "security_profile": now["security_profile"],
        "registration": now["registration"].value,
        "accepted": now["accepted"],
        "items_per_message": orjson.dumps(now["items_per_message"]).decode(),
        "boot": orjson.dumps(now["boot"]).decode(),
        "booted_at": None if now["booted_at"] is None else to_ms(now["booted_at"]),
        "last_seen_at": None if station.last_seen is None else to_ms(station.last_seen),
        "reset": None if now["reset"] is None else orjson.dumps(asdict(now["reset"])).decode(),
        "availability": orjson.dumps([asdict(one) for one in now["availability"]]).decode(),
    }


def _to_station(row: Row[Any]) -> Station:
    return Station(
        row.station_id,
        password_hash=row.password_hash,
        next_password_hash=row.next_password_hash,
        security_profile=row.security_profile,
        registration=Registration(row.registration),
        accepted=row.accepted,
        items_per_message=orjson.loads(row.items_per_message),
        boot=orjson.loads(row.boot),
        booted_at=None if row.booted_at is None else from_ms(row.booted_at),
        last_seen=None if row.last_seen_at is None else from_ms(row.last_seen_at),
        reset=None if row.reset is None else Reset(**orjson.loads(row.reset)),
        availability=tuple(Availability(**one) for one in orjson.loads(row.availability)),
    )


def _read_all(connection: Connection) -> tuple[list[Row[Any]], list[Row[Any]]]:
    return list(connection.execute(select(stations))), list(connection.execute(select(connectors)))


def _delete_all(connection: Connection, station_id: str) -> None:
    for table in (stations, connectors, variables, reports):
        connection.execute(delete(table).where(table.c.station_id == station_id))
