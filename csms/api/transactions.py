"""REST version 1: transactions and meter values."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import orjson
from quart import Blueprint, Response, request
from quart.typing import ResponseReturnValue

from csms.api import queries as asked
from csms.api.documentation import PAGE, Answer, answer, documented, moment, problem, query
from csms.api.paging import read_page
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.stations import history
from csms.api.transaction_views import (
    METER_VALUE,
    TRANSACTION,
    TRANSACTIONS_CSV,
    WHOLE_TRANSACTION,
    MeterValuesView,
    TransactionsView,
    WholeTransactionView,
)
from csms.blocks.meter_values import CONTEXT, LOCATION
from csms.blocks.transactions.queries import (
    VALUE_KEY,
    Listed,
    Wanted,
    WantedValues,
    list_meter_values,
    list_transactions,
    whole_transaction,
)
from csms.store import Row
from csms.store.moments import from_ms
from csms.tariffs import Tariffs
from shared.ocppj.date_time import to_wire

_ROWS_AT_ONCE: Final = 500
_EVSE_ID: Final = query("evse_id", "Of this EVSE only", 1, type="integer", minimum=0, maximum=2**63 - 1)
_CSV_COLUMNS: Final = (
    "station_id", "transaction_id", "evse_id", "connector_id", "started_at", "ended_at", "duration_s", "energy_wh",
    "id_token", "id_token_type", "id_token_status", "charging_state", "stopped_reason", "remote_start_id",
    "reservation_id", "complete", "total_cost", "currency",
)  # fmt: skip
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def transaction_routes(services: Services) -> Blueprint:
    """/api/v1/transactions and below, and the meter values of a station."""
    routes = Blueprint("transactions", __name__, url_prefix="/api/v1")

    @routes.get("/transactions")
    @documented(
        "All transactions",
        tag="Transactions",
        description="Latest beginning first. As CSV it is one document with all that match, whatever `limit` and "
        "`cursor` say. A text that a spreadsheet would take for a formula has a `'` before it.",
        query=[
            query("station_id", "Of this station only", "CP_1"),
            _EVSE_ID,
            query("id_token", "Of this token only, in whatever case", "04A2B3C4D5E680"),
            query("open", "true: only those under way; false: only those that ended", enum=["true", "false"]),
            moment("from", "Not those that began before"),
            moment("to", "Only those that began before"),
            query("format", "Stronger than the header Accept", enum=["json", "csv"]),
            *PAGE,
        ],
        answers=[
            answer(200, "A page", TransactionsView, {"transactions": [TRANSACTION], "next_cursor": None}),
            Answer(200, "A page", None, {"example": TRANSACTIONS_CSV}, "text/csv"),
        ],
    )
    async def list_all_transactions() -> ResponseReturnValue:
        wanted = Wanted(
            station_id=asked.text("station_id"),
            evse_id=asked.whole_number("evse_id"),
            id_token=asked.text("id_token"),
            is_open=asked.truth("open"),
            since=asked.moment("from"),
            until=asked.moment("to"),
        )
        if _wants_csv():
            return _csv_response(services, wanted)
        page = read_page(int, str, str)
        found = await services.store.read(
            lambda connection: list_transactions(connection, wanted, page.after, page.limit + 1)
        )
        shown = found[: page.limit]
        last_key = _sort_key(shown[-1]) if len(found) > page.limit else None
        return page.answer("transactions", [_describe(services.tariffs, listed) for listed in shown], last_key)

    @routes.get("/transactions/<station_id>/<path:transaction_id>")
    @documented(
        "One transaction",
        tag="Transactions",
        answers=[
            answer(200, "The transaction, with its events and meter values", WholeTransactionView, WHOLE_TRANSACTION),
            problem(404, "No transaction 4711 of CP_1 is known here"),
        ],
    )
    async def get_transaction(station_id: str, transaction_id: str) -> ResponseReturnValue:
        read = partial(whole_transaction, station_id=station_id, transaction_id=transaction_id)
        is_name = station_id.isprintable() and transaction_id.isprintable()
        whole = await services.store.read(read) if is_name else None
        if whole is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"No transaction {transaction_id} of {station_id} is known here")
        missing = sum(last - first + 1 for first, last in whole.missing)
        return {
            **_describe(services.tariffs, Listed(whole.row, len(whole.events), missing)),
            "gaps": [{"first": first, "last": last} for first, last in whole.missing],
            "events": [
                {
                    "seq_no": event["seq_no"],
                    "received_at": _moment(event["received_at"]),
                    "request": orjson.loads(event["payload"]),
                    "response": orjson.loads(event["response"]),
                }
                for event in whole.events
            ],
            "meter_values": [_describe_value(value) for value in whole.meter_values],
        }

    @routes.get("/stations/<station_id>/meter-values")
    @documented(
        "What a station has measured",
        tag="Transactions",
        description="Within transactions (TransactionEvent) and outside of them (MeterValues), oldest first.",
        query=[
            _EVSE_ID,
            query("transaction_id", "Of this transaction only", "5b1d0b0e-2c2f-4f4e-9a3e-0c9f7f6f0001"),
            query("measurand", "Of this measurand only", "Energy.Active.Import.Register"),
            moment("from", "Not those before"),
            moment("to", "Only those before"),
            *PAGE,
        ],
        answers=[answer(200, "A page", MeterValuesView, {"meter_values": [METER_VALUE], "next_cursor": None})],
    )
    async def list_station_meter_values(station_id: str) -> ResponseReturnValue:
        wanted = WantedValues(
            evse_id=asked.whole_number("evse_id"),
            transaction_id=asked.text("transaction_id"),
            measurand=asked.text("measurand"),
            since=asked.moment("from"),
            until=asked.moment("to"),
        )
        page = read_page(int, int, int, int)
        found = await history(
            services,
            station_id,
            lambda connection: list_meter_values(connection, station_id, wanted, page.after, page.limit + 1),
        )
        shown = found[: page.limit]
        last = shown[-1] if len(found) > page.limit else None
        last_key = None if last is None else [last[name] for name in VALUE_KEY]
        return page.answer("meter_values", [_describe_value(value) for value in shown], last_key)

    return routes


def _wants_csv() -> bool:
    given = request.args.get("format")
    if given not in (None, "json", "csv"):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "format: must be json or csv")
    if given is not None:
        return given == "csv"
    return request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv"


def _csv_response(services: Services, wanted: Wanted) -> Response:
    response = Response(_csv_pages(services, wanted), content_type="text/csv; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = 'attachment; filename="transactions.csv"'
    response.timeout = None  # a long one takes as long as its reader needs
    return response


async def _csv_pages(services: Services, wanted: Wanted) -> AsyncIterator[bytes]:
    """The whole list, of which never more than a page is in memory."""
    yield _csv_lines([_CSV_COLUMNS])
    after: list[Any] | None = None
    while True:
        read = partial(list_transactions, wanted=wanted, after=after, limit=_ROWS_AT_ONCE)
        found = await services.store.read(read)
        described = map(partial(_describe, services.tariffs), found)
        yield _csv_lines([[_csv_cell(told[name]) for name in _CSV_COLUMNS] for told in described])
        if len(found) < _ROWS_AT_ONCE:
            return
        after = _sort_key(found[-1])


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _csv_cell(value: object) -> str:
    """Text that a spreadsheet would take for a formula is made text: stations and drivers write some of it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if value.startswith(_FORMULA_STARTS):
            return f"'{value}"
        case _:
            return str(value)


def _sort_key(listed: Listed) -> list[Any]:
    return [listed.row["first_at"], listed.row["station_id"], listed.row["transaction_id"]]


def _describe(tariffs: Tariffs, listed: Listed) -> dict[str, Any]:
    row = listed.row
    started, ended = row["started_at"], row["ended_at"]
    first_wh, last_wh = row["register_first_wh"], row["register_last_wh"]
    is_complete = started is not None and ended is not None and listed.missing == 0
    cost = tariffs.cost(started, ended, first_wh, last_wh) if is_complete else None
    return {
        "station_id": row["station_id"],
        "transaction_id": row["transaction_id"],
        "evse_id": row["evse_id"],
        "connector_id": row["connector_id"],
        "started_at": _moment(started),
        "ended_at": _moment(ended),
        "duration_s": None if started is None or ended is None else (ended - started) / 1000,
        "open": ended is None,
        "energy_wh": None if first_wh is None or last_wh is None else round(last_wh - first_wh, 3),
        "register_start_wh": first_wh,
        "register_stop_wh": last_wh,
        "id_token": row["id_token"],
        "id_token_type": row["id_token_type"],
        "id_token_status": row["token_status"],
        "charging_state": row["charging_state"],
        "stopped_reason": row["stopped_reason"],
        "remote_start_id": row["remote_start_id"],
        "reservation_id": row["reservation_id"],
        "events_received": listed.events,
        "events_missing": listed.missing,
        "complete": is_complete,
        "total_cost": None if cost is None else float(cost.amount),
        "currency": None if cost is None else cost.currency,
        "messages_in_queue": row["messages_in_queue"],
        "status_asked_at": _moment(row["asked_at"]),
        "updated_at": _moment(row["updated_at"]),
    }


def _describe_value(value: Row) -> dict[str, Any]:
    return {
        "sampled_at": _moment(value["sampled_at"]),
        "evse_id": value["evse_id"],
        "transaction_id": value["transaction_id"],
        "seq_no": None if value["transaction_id"] is None else value["seq_no"],
        "measurand": value["measurand"],
        "context": value["context"] or CONTEXT,
        "phase": value["phase"],
        "location": value["location"] or LOCATION,
        "unit": value["unit"],
        "multiplier": value["multiplier"],
        "value": value["value"],
        "signed_meter_value": None if value["signed"] is None else orjson.loads(value["signed"]),
    }


def _moment(ms: int | None) -> str | None:
    return None if ms is None else to_wire(from_ms(ms))
