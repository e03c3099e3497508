"""A client that goes away while it is served: what it asked for is done whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import trio

from tests.csms.rest import Asking
from tests.csms.site import OpenSite, Site, settle

MOMENTS = range(8)
"""After how many of its steps the client goes: from before the request is looked at until it may be answered."""


async def gone_after(steps: int, asking: Asking) -> None:
    """The client goes away after that many steps of everybody."""
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    asking.give_up()
    await asking.ended()
    await settle()


async def statuses(site: Site) -> dict[str, str]:
    """The status of each token."""
    return {one["id_token"]: one["status"] for one in (await site.get("/api/v1/tokens")).json["tokens"]}


async def test_a_token_is_on_disk_as_stations_are_told_of_it(site: Site) -> None:
    for steps in MOMENTS:
        for name in (f"changed-{steps}", f"deleted-{steps}"):
            await site.put(f"/api/v1/tokens/Local/{name}", {"status": "Accepted"})
    for steps in MOMENTS:
        await gone_after(steps, site.ask_later("PUT", f"/api/v1/tokens/Local/changed-{steps}", {"status": "Blocked"}))
        await gone_after(steps, site.ask_later("DELETE", f"/api/v1/tokens/Local/deleted-{steps}"))
    told = await statuses(site)
    await site.restart()
    assert await statuses(site) == told


async def test_a_station_whose_registration_is_taken_back_is_disconnected(open_site: OpenSite) -> None:
    for site, steps in _sites(open_site):
        await site.connect_ready()
        await gone_after(steps, site.ask_later("PATCH", "/api/v1/stations/CP_1", {"registration": "Rejected"}))
        entry = (await site.get("/api/v1/stations/CP_1")).json
        assert entry["connected"] == (entry["registration"] == "Accepted"), f"gone after {steps} steps"
        assert await _after_restart(site) == entry["registration"]


async def test_a_station_that_is_deleted_is_disconnected(open_site: OpenSite) -> None:
    for site, steps in _sites(open_site):
        await site.connect_ready()
        await gone_after(steps, site.ask_later("DELETE", "/api/v1/stations/CP_1"))
        is_known = (await site.get("/api/v1/stations/CP_1")).status == 200
        assert (await site.get("/list")).json == {"cp_ids": ["CP_1"] if is_known else []}, f"gone after {steps} steps"
        assert await _after_restart(site) == ("Accepted" if is_known else None)


def _sites(open_site: OpenSite) -> Iterator[tuple[Site, int]]:
    for steps in MOMENTS:
        yield open_site(), steps


async def _after_restart(site: Site) -> Any:
    """How CP_1 is registered on disk."""
    await site.restart()
    return (await site.get("/api/v1/stations/CP_1")).json.get("registration")
