"""REST version 1: lists of transactions, their export, and meter values."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from trio.testing import MockClock

from csms.api import transactions as module
from tests.csms.blocks.transactions.charging import event, session, token
from tests.csms.site import Site


async def fill(site: Site) -> None:
    """CP_1: T0 to T4, an hour apart in effect; the last two still open. CP_2: one."""
    station = await site.connect_ready("CP_1", evses=2)
    for number in range(5):
        start = event(
            "Started", 0, f"T{number}", minute=number * 10, evse={"id": 1 + number % 2}, idToken=token(f"A{number}")
        )
        await station.ask("TransactionEvent", start)
        if number < 3:
            await station.ask("TransactionEvent", event("Ended", 1, f"T{number}", minute=number * 10 + 5))
    other = await site.connect_ready("CP_2")
    for payload in session(3, "X"):
        await other.ask("TransactionEvent", payload)


async def ids(site: Site, query: str = "") -> list[str]:
    answer = await site.get(f"/api/v1/transactions{query}")
    assert answer.status == 200, answer.text
    return [each["transaction_id"] for each in answer.json["transactions"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["T4", "T3", "T2", "T1", "X", "T0"]),
        ("?station_id=CP_2", ["X"]),
        ("?station_id=CP_1&evse_id=2", ["T3", "T1"]),
        ("?open=true", ["T4", "T3"]),
        ("?open=false&station_id=CP_1", ["T2", "T1", "T0"]),
        ("?id_token=a2", ["T2"]),
        ("?from=2026-11-22T04:20:00Z", ["T4", "T3", "T2"]),
        ("?from=2026-11-22T04:10:00Z&to=2026-11-22T05:30:00%2B01:00", ["T2", "T1"]),
        ("?station_id=nobody", []),
    ],
)
async def test_transactions_are_filtered(
    site: Site, autojump_clock: MockClock, query: str, expected: list[str]
) -> None:
    await fill(site)
    assert await ids(site, query) == expected


@pytest.mark.parametrize(
    "query",
    ["?open=maybe", "?evse_id=-1", "?evse_id=99999999999999999999", "?from=yesterday", "?limit=0", f"?limit={9:05000}",
     "?cursor=x", "?format=xml"],
)  # fmt: skip
async def test_what_no_filter_can_be_is_refused(site: Site, autojump_clock: MockClock, query: str) -> None:
    assert (await site.get(f"/api/v1/transactions{query}")).status == 422


async def test_transactions_come_in_pages(site: Site, autojump_clock: MockClock) -> None:
    await fill(site)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await site.get(f"/api/v1/transactions?limit=4{cursor and '&cursor='}{cursor}")).json
        seen += [each["transaction_id"] for each in page["transactions"]]
        cursor = page["next_cursor"]
    assert seen == ["T4", "T3", "T2", "T1", "X", "T0"]


async def test_an_unknown_transaction_is_not_found(site: Site, autojump_clock: MockClock) -> None:
    assert (await site.get("/api/v1/transactions/CP_1/T1")).status == 404


@pytest.mark.parametrize("accept", ["text/csv", None])
async def test_transactions_are_exported_as_csv(
    site: Site, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, accept: str | None
) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 2)
    await fill(site)
    if accept is None:
        answer = await site.get("/api/v1/transactions?format=csv")
    else:
        answer = await site.get("/api/v1/transactions", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["transaction_id"] for row in rows] == ["T4", "T3", "T2", "T1", "X", "T0"]
    assert (rows[4]["energy_wh"], rows[4]["duration_s"], rows[4]["complete"]) == ("1000.0", "120.0", "true")
    assert rows[0]["ended_at"] == ""


async def test_an_export_holds_no_formula(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    formula = '=HYPERLINK("http://x.example")'
    await station.ask("TransactionEvent", event("Started", 0, idToken=token(formula)))
    [row] = csv.DictReader(io.StringIO((await site.get("/api/v1/transactions?format=csv")).text))
    assert row["id_token"] == f"'{formula}"


async def test_json_is_what_browsers_and_curl_get(site: Site, autojump_clock: MockClock) -> None:
    for accept in ("*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json, text/csv"):
        assert (await site.get("/api/v1/transactions", headers={"Accept": accept})).json["transactions"] == []


async def test_meter_values_of_a_station_are_filtered_and_paged(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    for payload in session(9):
        await station.ask("TransactionEvent", payload)
    url = "/api/v1/stations/CP_1/meter-values?limit=3"
    seen: list[float] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await site.get(f"{url}{cursor and '&cursor='}{cursor}")).json
        seen += [value["value"] for value in page["meter_values"]]
        cursor = page["next_cursor"]
    assert seen == [1000, 1020, 1030, 1040, 1050, 1060, 1070, 2000]
    assert len((await site.get(f"{url}0&evse_id=1")).json["meter_values"]) == 8, "whichever event named the EVSE"
    assert (await site.get(f"{url}0&evse_id=2")).json["meter_values"] == []
    page = (await site.get(f"{url}&from=2026-11-22T04:03:00Z&to=2026-11-22T04:05:00Z&transaction_id=T1")).json
    assert [value["value"] for value in page["meter_values"]] == [1030, 1040]


@pytest.mark.parametrize("query", ["station_id=%00", "id_token=%00"])
async def test_a_filter_that_cannot_match_anything_is_refused(site: Site, query: str) -> None:
    assert (await site.get(f"/api/v1/transactions?{query}")).status == 422


async def test_a_transaction_of_an_impossible_name_is_not_found(site: Site) -> None:
    assert (await site.get("/api/v1/transactions/CP_1/%00")).status == 404


async def test_meter_values_of_a_station_that_nobody_knows_are_not_found(site: Site) -> None:
    assert (await site.get("/api/v1/stations/CP_9/meter-values")).status == 404


def measured(value: float, multiplier: float) -> list[dict[str, Any]]:
    """A reading of the energy register."""
    unit = {"unit": "kWh", "multiplier": multiplier}
    return [{"timestamp": "2026-11-22T04:00:00Z", "sampledValue": [{"value": value, "unitOfMeasure": unit}]}]


@pytest.mark.parametrize(("multiplier", "kept"), [(1e30, 2**31 - 1), (-1e30, 1 - 2**31), (3.0, 3)])
async def test_a_multiplier_of_any_size_is_kept(site: Site, multiplier: float, kept: int) -> None:
    station = await site.connect_ready()
    await station.ask("TransactionEvent", event("Started", 0, meterValue=measured(1, multiplier)))
    await station.ask("MeterValues", {"evseId": 1, "meterValue": measured(1, multiplier)})
    found = (await site.get("/api/v1/stations/CP_1/meter-values")).json["meter_values"]
    assert [value["multiplier"] for value in found] == [kept, kept]


async def test_what_no_meter_can_read_is_not_taken_for_energy(site: Site) -> None:
    station = await site.connect_ready()
    await station.ask("TransactionEvent", event("Started", 0, meterValue=measured(1e308, 30)))
    await station.ask("TransactionEvent", event("Updated", 1, meterValue=measured(-1e308, 0)))
    (transaction,) = (await site.get("/api/v1/transactions")).json["transactions"]
    assert [transaction[name] for name in ("energy_wh", "register_start_wh", "register_stop_wh")] == [None] * 3


async def test_an_evse_number_beyond_ocpps_integer_is_refused(site: Site) -> None:
    station = await site.connect_ready()
    answer = await station.call("MeterValues", {"evseId": 10**25, "meterValue": measured(1, 0)})
    assert answer[2] == "PropertyConstraintViolation"
