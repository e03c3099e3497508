"""The site that the other tests of the CSMS stand on."""

from __future__ import annotations

from trio.testing import MockClock

from tests.csms.site import Site


async def test_a_station_boots_and_is_listed(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready("CP_1")
    assert (await site.get("/list")).json == {"cp_ids": ["CP_1"]}
    assert station is not None
