"""REST version 1: tokens."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import MockClock

from csms.tokens import Tokens
from tests.csms.site import Site

URL = "/api/v1/tokens/ISO14443/AA11"


async def test_a_token_is_put_read_changed_and_deleted(site: Site, autojump_clock: MockClock) -> None:
    assert (await site.get(URL)).status == 404
    created = await site.put(URL, {"group_id": "FLEET"})
    assert (created.status, created.json["group_id"], created.json["status"]) == (201, "FLEET", "Accepted")
    assert (await site.get(URL)).json == created.json
    changed = await site.put(URL, {"status": "Blocked"})
    assert (changed.status, changed.json["group_id"]) == (200, None)
    assert (await site.delete(URL)).status == 204
    assert (await site.delete(URL)).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"status": "Unknown"},
        {"status": "ConcurrentTx"},
        {"language2": "en"},
        {"language1": "en", "language2": "en"},
        {"language1": "no such"},
        {"language1": "en\n"},
        {"expires_at": "9999-12-31T23:59:59-12:00"},
        {"expires_at": "0001-01-01T00:00:00+12:00"},
        {"expires_at": "2026-11-22T05:00:00"},
        {"master_pass": True},
        {"max_transactions": 0},
        {"stations": {"CP_1": [0]}},
        {"group_id": "x" * 37},
        {"charging_priority": 10},
        {"colour": "red"},
    ],
)
async def test_what_no_token_can_be_is_refused(site: Site, autojump_clock: MockClock, body: dict[str, Any]) -> None:
    assert (await site.put(URL, body)).status == 422


@pytest.mark.parametrize(
    "path", ["/api/v1/tokens/Sunshine/AA11", f"/api/v1/tokens/Local/{'x' * 37}", "/api/v1/tokens/Local/%00"]
)
async def test_what_no_id_token_can_be_is_refused(site: Site, autojump_clock: MockClock, path: str) -> None:
    assert (await site.put(path, {})).status == 422


async def test_tokens_are_listed_in_pages_and_filtered(site: Site, autojump_clock: MockClock) -> None:
    for number in range(5):
        status = "Accepted" if number % 2 else "Blocked"
        await site.put(f"/api/v1/tokens/ISO14443/T{number}", {"status": status})
    await site.put("/api/v1/tokens/Central/T9", {"group_id": "G"})
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await site.get(f"/api/v1/tokens?limit=2{cursor and '&cursor='}{cursor}")).json
        seen += [token["id_token"] for token in page["tokens"]]
        cursor = page["next_cursor"]
    assert seen == ["T9", "T0", "T1", "T2", "T3", "T4"]
    blocked = (await site.get("/api/v1/tokens?status=Blocked&type=ISO14443")).json
    assert [token["id_token"] for token in blocked["tokens"]] == ["T0", "T2", "T4"]
    assert len((await site.get("/api/v1/tokens?group_id=G")).json["tokens"]) == 1


@pytest.mark.parametrize("query", ["type=Sunshine", "status=accepted"])
async def test_a_filter_that_no_token_can_fit_is_refused(site: Site, autojump_clock: MockClock, query: str) -> None:
    assert (await site.get(f"/api/v1/tokens?{query}")).status == 422


async def test_tokens_outlive_a_restart(site: Site, autojump_clock: MockClock) -> None:
    await site.put(URL.replace("AA11", "Aa11"), {"group_id": "FLEET", "expires_at": "2030-01-01T00:00:00Z"})
    await site.put("/api/v1/tokens/Local/gone", {})
    await site.delete("/api/v1/tokens/Local/gone")
    again = Tokens(site.store, site.clock)
    await again.load()
    assert [(kind, number) for kind, number, _ in again] == [("ISO14443", "Aa11")]
    assert list(again) == list(site.csms.tokens)


async def test_the_last_moment_there_is_can_be_told(site: Site, autojump_clock: MockClock) -> None:
    assert (
        (await site.put(URL, {"expires_at": "9999-12-31T18:59:59-05:00"}))
        .json["expires_at"]
        .startswith("9999-12-31T23")
    )
    station = await site.connect_ready()
    answer = await station.ask("Authorize", {"idToken": {"idToken": "AA11", "type": "ISO14443"}})
    assert answer["idTokenInfo"]["cacheExpiryDateTime"] == "9999-12-31T23:59:59.000Z"
