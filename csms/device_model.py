"""The device models of the stations: their variables as last reported, and the reports that brought them (B05 to B08).

The variables of ten thousand stations are not kept in memory: they are written as they come, and read when asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, func, literal, null, select, tuple_, update

from csms.registry import Registry, Station
from csms.reports import Report
from csms.store import Change, Row, Store, StoreUnavailable
from csms.store.moments import from_ms, to_ms
from csms.store.tables import reports, variables
from csms.store.texts import storable
from shared.clock import Clock
from shared.ocppj.date_time import to_wire
from shared.ocppj.redaction import is_secret_variable

_REPORTS_KEPT: Final = 10  # of each station
_STALLED_AFTER: Final = timedelta(minutes=10)  # since the last part: this report is not going on
_MAX_ID: Final = 2**31 - 1
_KEY: Final = tuple(column.name for column in variables.primary_key.columns)
_PAGE_KEY: Final = _KEY[1:]
_CURRENCY: Final = {"component": "tariffcostctrlr", "variable": "currency", "attribute_type": "Actual"}
PAGE_KEY_TYPES: Final = (str, str, int, int, str, str, str)

Identity = Mapping[str, Any]
"""A part of a payload that has `component` and `variable`."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which variables are asked for; names match whatever their case."""

    component: str | None = None
    variable: str | None = None
    evse_id: int | None = None


class DeviceModels:
    """What the stations have told of their variables."""

    def __init__(self, store: Store, registry: Registry, clock: Clock, random: Random) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._random = random
        self._reports: dict[str, dict[int, Report]] = {}
        self._currencies: dict[str, str | None] = {}
        self._being_written: Counter[str] = Counter()
        insert = store.insert(variables)
        new = insert.excluded
        self._upsert = insert.on_conflict_do_update(
            index_elements=list(_KEY),
            set_={
                "identity": new.identity,
                # What a report has said may not be read is not to be known from what was written either.
                "value": case(
                    (func.coalesce(new.mutability, variables.c.mutability) == "WriteOnly", null()),
                    else_=func.coalesce(new.value, variables.c.value),
                ),
                **{
                    name: func.coalesce(new[name], variables.c[name])
                    for name in ("mutability", "persistent", "constant", "characteristics", "reboot_required")
                },
                "reported_at": new.reported_at,
            },
        )
        self._delete_older = delete(variables).where(
            variables.c.station_id == bindparam("of_station"), variables.c.reported_at < bindparam("older_than")
        )
        self._update_rebooted = (
            update(variables)
            .where(variables.c.station_id == bindparam("of_station"), variables.c.reboot_required)
            .values(reboot_required=False)
        )
        insert_report = store.insert(reports)
        self._upsert_report = insert_report.on_conflict_do_update(
            index_elements=["station_id", "request_id"],
            set_={
                column.name: insert_report.excluded[column.name] for column in reports.columns if not column.primary_key
            },
        )
        self._delete_report = delete(reports).where(
            reports.c.station_id == bindparam("of_station"), reports.c.request_id == bindparam("of_request")
        )

    async def load(self) -> None:
        """Read which reports have come, and how much of each. Raises StoreUnavailable."""
        for station_id, report in await self._store.read(_read_reports):
            self._reports.setdefault(station_id, {})[report.request_id] = report

    # --- reports ------------------------------------------------------------------------------------------------------

    def new_request_id(self) -> int:
        """An id for a request of a report."""
        return self._random.randint(1, _MAX_ID)

    def reports_of(self, station_id: str) -> list[Report]:
        """The latest reports of a station, newest first."""
        return sorted(self._reports.get(station_id, {}).values(), key=lambda report: report.requested_at, reverse=True)

    def expects_report(self, station_id: str) -> bool:
        """Whether a report is coming that was asked for."""
        return any(self._is_coming(report) for report in self._reports.get(station_id, {}).values())

    def needs_inventory(self, station_id: str) -> bool:
        """Whether no full inventory of a station has come, nor is one coming (B07.FR.14)."""
        return not any(
            report.is_full_inventory and (report.is_complete or self._is_coming(report))
            for report in self._reports.get(station_id, {}).values()
        )

    def _is_coming(self, report: Report) -> bool:
        is_agreed = report.status in (None, "Accepted")
        return is_agreed and not report.is_complete and report.updated_at > self._clock.now() - _STALLED_AFTER

    def forget_inventory(self, station_id: str) -> list[Change]:
        """The station has changed, so that another inventory is needed (B07.FR.14); what to write of that."""
        held = self._reports.get(station_id, {})
        outdated = [request_id for request_id, report in held.items() if report.is_full_inventory]
        for request_id in outdated:
            del held[request_id]
        return [Change(self._delete_report, [{"of_station": station_id, "of_request": one} for one in outdated])]

    def report_requested(self, station_id: str, request_id: int, report_base: str | None) -> None:
        """A report is about to be asked for; what came under its id before is of another."""
        now = self._clock.now()
        self._hold(station_id, Report(request_id, report_base, now, now))

    async def report_answered(self, station: Station, request_id: int, status: str) -> None:
        """What the station answered to the request of a report. Raises StoreUnavailable."""
        report = self._reports.get(station.station_id, {}).get(request_id)
        if report is not None:
            report = replace(report, status=status)
            await self._store.commit(*self._hold(station.station_id, report))

    async def part_received(self, station: Station, part: Mapping[str, Any]) -> Report:
        """Keep what a NotifyReport tells; the report as it stands now. Raises StoreUnavailable.

        Parts may come in any order, and again. With the last missing part of a full inventory, variables that were
        reported before it and are not in it are gone (B07.FR.14).
        """
        station_id = station.station_id
        now = self._clock.now()
        seq_no = part["seqNo"]
        before = self._reports.get(station_id, {}).get(part["requestId"]) or Report(part["requestId"], None, now, now)
        report = before.with_part(seq_no, tbc=part.get("tbc", False), now=now)
        changes = self._hold(station_id, report)
        at = max(now, report.requested_at)  # so that a clock that was set back does not make it older than its request
        rows = [row for data in part.get("reportData", ()) for row in _reported(station_id, data, to_ms(at))]
        if report.is_complete and not before.is_complete and report.is_full_inventory:
            older = {"of_station": station_id, "older_than": to_ms(report.requested_at)}
            changes.append(Change(self._delete_older, [older]))
        try:
            await self._write(station, rows, *changes)
        except StoreUnavailable:
            held = self._reports.get(station_id, {})
            if report.request_id in held and before.seen != report.seen:
                held[report.request_id] = held[report.request_id].without_part(seq_no)
            raise
        return report

    def forget(self, station_id: str) -> None:
        """The station was removed."""
        self._reports.pop(station_id, None)
        self._currencies.pop(station_id, None)

    def _hold(self, station_id: str, report: Report) -> list[Change]:
        """Hold a report in memory at once, for its parts and the answer may come together, and return what to write."""
        held = self._reports.setdefault(station_id, {})
        held.pop(report.request_id, None)
        held[report.request_id] = report
        row = {
            "station_id": station_id,
            "request_id": report.request_id,
            "report_base": report.report_base,
            "status": report.status,
            "requested_at": to_ms(report.requested_at),
            "updated_at": to_ms(report.updated_at),
            "seen": f"{report.seen:x}",
            "last_seq_no": report.last_seq_no,
        }
        changes = [Change(self._upsert_report, [row])]
        if len(held) > _REPORTS_KEPT:
            oldest = next(iter(held))
            del held[oldest]
            changes.append(Change(self._delete_report, [{"of_station": station_id, "of_request": oldest}]))
        return changes

    # --- variables ----------------------------------------------------------------------------------------------------

    def rebooted(self, station_id: str) -> Change:
        """What was set and took a reboot to hold does so now."""
        return Change(self._update_rebooted, [{"of_station": station_id}])

    async def values_received(self, station: Station, results: Iterable[Mapping[str, Any]]) -> None:
        """Keep what a GetVariablesResponse tells where it could read (B06.FR.10). Raises StoreUnavailable."""
        at = to_ms(self._clock.now())
        rows = [
            _row(station.station_id, result, result.get("attributeType"), result.get("attributeValue"), at)
            for result in results
            if result["attributeStatus"] == "Accepted"
        ]
        await self._write(station, rows)

    async def values_set(
        self, station: Station, requested: Iterable[Mapping[str, Any]], results: Iterable[Mapping[str, Any]]
    ) -> None:
        """Keep what a SetVariablesResponse says was set, now or with a reboot (B05.FR.10). Raises StoreUnavailable."""
        values = {key_of(data): data["attributeValue"] for data in requested}
        at = to_ms(self._clock.now())
        rows = []
        for result in results:
            status, value = result["attributeStatus"], values.get(key_of(result))
            if status in ("Accepted", "RebootRequired") and value is not None:
                row = _row(station.station_id, result, result.get("attributeType"), value, at)
                rows.append(row | {"reboot_required": status == "RebootRequired"})
        await self._write(station, rows)

    async def read_page(
        self, station_id: str, wanted: Filter, after: list[Any] | None, limit: int
    ) -> tuple[list[dict[str, Any]], list[Any] | None]:
        """Up to `limit` attributes of variables behind the key `after`, and the key to go on from, None at the end.

        With all that the reports of the station tell now to have come.
        """
        read = self._store.change if station_id in self._being_written else self._store.read
        rows = await read(lambda connection: _select(connection, station_id, wanted, after, limit + 1))
        last_key = None
        if len(rows) > limit:
            rows = rows[:limit]
            last_key = [rows[-1][name] for name in _PAGE_KEY]
        return [_describe(row) for row in rows], last_key

    async def limits(self, station_id: str) -> dict[tuple[str, str], int]:
        """ItemsPerMessage and BytesPerMessage of DeviceDataCtrlr, by name and instance in lower case, as reported."""
        rows = await self._store.read(
            lambda connection: _select(connection, station_id, Filter("DeviceDataCtrlr"), None, None)
        )
        return {
            (row["variable"], row["variable_instance"]): int(row["value"])
            for row in rows
            if row["variable"] in ("itemspermessage", "bytespermessage")
            and row["attribute_type"] == "Actual"
            and (row["value"] or "").isdecimal()
        }

    async def currency(self, station_id: str) -> str | None:
        """What a station shows costs in, None when it has not told (TariffCostCtrlr.Currency)."""
        if station_id not in self._currencies:
            wanted = Filter("TariffCostCtrlr", "Currency")
            rows = await self._store.read(lambda connection: _select(connection, station_id, wanted, None, None))
            values = [row["value"] for row in rows if row["attribute_type"] == "Actual"]
            self._currencies.setdefault(station_id, values[0] if values else None)
        return self._currencies[station_id]

    async def _write(self, station: Station, rows: list[Row], *also: Change) -> None:
        if not self._registry.knows(station) or not (rows or also):
            return
        self._being_written[station.station_id] += 1
        try:
            await self._store.commit(Change(self._upsert, rows), *also)
        finally:
            self._being_written[station.station_id] -= 1
            if not self._being_written[station.station_id]:
                del self._being_written[station.station_id]
        for row in rows:
            if _CURRENCY.items() <= row.items() and row["value"] is not None:
                self._currencies[station.station_id] = row["value"]


def key_of(data: Identity) -> tuple[Any, ...]:
    """What tells an attribute of a variable from all others; names are case-insensitive, attributeType is Actual."""
    component, variable = data["component"], data["variable"]
    evse = component.get("evse", {})
    return (
        _folded(component["name"]),
        _folded(component.get("instance", "")),
        evse.get("id", 0),
        evse.get("connectorId", 0),
        _folded(variable["name"]),
        _folded(variable.get("instance", "")),
        data.get("attributeType", "Actual"),
    )


def _folded(name: str) -> str:
    """A name as it is compared and kept: lower() may make it longer, and PostgreSQL's text has no NUL."""
    return storable(name.lower()[:50])


def _reported(station_id: str, data: Mapping[str, Any], at: int) -> list[Row]:
    """The rows of one ReportDataType: one for each attribute."""
    characteristics = data.get("variableCharacteristics")
    return [
        _row(station_id, data, attribute.get("type"), _readable(attribute), at)
        | {
            "mutability": attribute.get("mutability", "ReadWrite"),
            "persistent": attribute.get("persistent", False),
            "constant": attribute.get("constant", False),
            "characteristics": None if characteristics is None else orjson.dumps(characteristics).decode(),
        }
        for attribute in data["variableAttribute"]
    ]


def _readable(attribute: Mapping[str, Any]) -> str | None:
    """What the station tells against the rule, the value of a WriteOnly variable (errata to B07.FR.03), is not kept."""
    value: str | None = attribute.get("value")
    return None if attribute.get("mutability") == "WriteOnly" else value


def _row(station_id: str, data: Identity, attribute_type: str | None, value: str | None, at: int) -> Row:
    key = key_of({"component": data["component"], "variable": data["variable"]})
    identity = {"component": data["component"], "variable": data["variable"]}
    is_kept = value is not None and not is_secret_variable(data["variable"]["name"])
    return {
        "station_id": station_id,
        **dict(zip(_PAGE_KEY, key, strict=True)),
        "attribute_type": attribute_type or "Actual",
        "identity": orjson.dumps(identity).decode(),
        "value": storable(value) if is_kept and value is not None else None,
        "mutability": None,
        "persistent": None,
        "constant": None,
        "characteristics": None,
        "reboot_required": None,
        "reported_at": at,
    }


def _select(
    connection: Connection, station_id: str, wanted: Filter, after: list[Any] | None, limit: int | None
) -> list[Row]:
    key: list[ColumnElement[Any]] = [variables.c[name] for name in _PAGE_KEY]
    query = select(variables).where(variables.c.station_id == station_id).order_by(*key).limit(limit)
    if wanted.component is not None:
        query = query.where(variables.c.component == _folded(wanted.component))
    if wanted.variable is not None:
        query = query.where(variables.c.variable == _folded(wanted.variable))
    if wanted.evse_id is not None:
        query = query.where(variables.c.evse_id == wanted.evse_id)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*map(literal, after)))
    return [dict(row) for row in connection.execute(query).mappings()]


def _describe(row: Row) -> dict[str, Any]:
    return {
        **orjson.loads(row["identity"]),
        "attribute_type": row["attribute_type"],
        "value": row["value"],
        "mutability": row["mutability"],
        "persistent": row["persistent"],
        "constant": row["constant"],
        "reboot_required": bool(row["reboot_required"]),
        "characteristics": None if row["characteristics"] is None else orjson.loads(row["characteristics"]),
        "reported_at": to_wire(from_ms(row["reported_at"])),
    }


def _read_reports(connection: Connection) -> list[tuple[str, Report]]:
    return [
        (
            row.station_id,
            Report(
                row.request_id,
                row.report_base,
                from_ms(row.requested_at),
                from_ms(row.updated_at),
                row.status,
                int(row.seen, 16),
                row.last_seq_no,
            ),
        )
        for row in connection.execute(select(reports).order_by(reports.c.updated_at))
    ]
