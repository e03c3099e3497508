"""REST version 1: tariffs."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from csms.tariffs import Tariffs
from tests.csms.site import Site

URL = "/api/v1/tariffs/default"
PRICES = {"currency": "EUR", "energy_price": 0.4}


async def test_a_tariff_is_put_read_changed_and_deleted(site: Site, autojump_clock: MockClock) -> None:
    assert (await site.get(URL)).status == 404
    created = await site.put(URL, PRICES)
    assert created.status == 201
    assert created.json == {
        "tariff_id": "default",
        "currency": "EUR",
        "energy_price": 0.4,
        "time_price": 0.0,
        "start_price": 0.0,
        "valid_from": "2026-11-22T03:52:53.938Z",
        "valid_until": None,
    }
    assert (await site.get(URL)).json == created.json
    await trio.sleep(60)
    changed = await site.put(URL, PRICES | {"energy_price": 0.5, "start_price": 1})
    assert (changed.status, changed.json["energy_price"], changed.json["valid_from"]) == (
        200, 0.5, "2026-11-22T03:53:53.938Z",
    )  # fmt: skip
    assert (await site.delete(URL)).status == 204
    assert (await site.delete(URL)).status == 404
    assert (await site.get(URL)).status == 404
    assert (await site.put(URL, PRICES)).status == 201


async def test_putting_the_same_again_changes_nothing(site: Site, autojump_clock: MockClock) -> None:
    created = await site.put(URL, PRICES)
    await trio.sleep(60)
    again = await site.put(URL, PRICES | {"time_price": 0})
    assert (again.status, again.json) == (200, created.json)
    assert len((await site.get("/api/v1/tariffs")).json["tariffs"]) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "currency"),
        ({"currency": "EUR"}, "energy_price"),
        ({"energy_price": 0.4}, "currency"),
        (PRICES | {"currency": "eur"}, "currency"),
        (PRICES | {"currency": "EURO"}, "currency"),
        (PRICES | {"currency": "EUR\n"}, "currency"),
        (PRICES | {"energy_price": -0.1}, "energy_price"),
        (PRICES | {"energy_price": "0.4"}, "energy_price"),
        (PRICES | {"time_price": 1e10}, "time_price"),
        (PRICES | {"start_price": None}, "start_price"),
        (PRICES | {"colour": "red"}, "colour"),
    ],
)
async def test_what_no_tariff_can_be_is_refused(
    site: Site, autojump_clock: MockClock, body: dict[str, Any], told: str
) -> None:
    answer = await site.put(URL, body)
    assert answer.status == 422
    assert told in answer.json["detail"]
    assert (await site.get(URL)).status == 404


async def test_all_that_were_in_force_are_listed_in_pages(site: Site, autojump_clock: MockClock) -> None:
    for price in (1, 2, 3):
        await site.put(URL, PRICES | {"energy_price": price})
        await trio.sleep(60)
    await site.delete(URL)
    await trio.sleep(60)
    await site.put(URL, PRICES | {"energy_price": 4})
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await site.get(f"/api/v1/tariffs?limit=2{cursor and '&cursor='}{cursor}")).json
        seen += page["tariffs"]
        cursor = page["next_cursor"]
    assert [(each["energy_price"], each["valid_from"][14:19], (each["valid_until"] or "")[14:19]) for each in seen] == [
        (4, "56:53", ""),
        (3, "54:53", "55:53"),
        (2, "53:53", "54:53"),
        (1, "52:53", "53:53"),
    ]


async def test_tariffs_outlive_a_restart(site: Site, autojump_clock: MockClock) -> None:
    await site.put(URL, PRICES)
    await site.put(URL, PRICES | {"currency": "CHF"})
    again = Tariffs(site.store, site.clock)
    await again.load()
    assert list(again) == list(site.csms.tariffs)
    assert again.current is not None


async def test_a_database_that_is_away_keeps_the_old_one(site: Site, autojump_clock: MockClock) -> None:
    await site.put(URL, PRICES)
    site.break_store()
    assert (await site.put(URL, PRICES | {"energy_price": 9})).status == 503
    assert (await site.delete(URL)).status == 503
    assert (await site.get(URL)).json["energy_price"] == 0.4
    site.mend_store()
    assert (await site.put(URL, PRICES | {"energy_price": 9})).status == 200
