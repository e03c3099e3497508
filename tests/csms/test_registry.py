"""The stations a CSMS knows."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
import trio

from csms.registry import (
    Availability,
    ConnectorStatus,
    Entry,
    Registration,
    Registry,
    Reset,
    Station,
    is_identity,
)
from csms.store import StoreUnavailable
from shared.ocppj.date_time import to_wire
from tests.csms.site import Site


@pytest.mark.parametrize("identity", ["CP_1", "a", "0", "A-Za-z0-9*-_=+|@.", "x" * 48])
def test_an_identity_is_an_identifier_string_of_at_most_48_characters(identity: str) -> None:
    assert is_identity(identity)


@pytest.mark.parametrize("identity", ["", "x" * 49, "CP:1", "CP 1", "CP/1", "CP_1\n", "Ü", "CP_1\x00", "٣", "CP\udcff"])
def test_nothing_else_is_an_identity(identity: str) -> None:
    assert not is_identity(identity)


def with_connectors(statuses: dict[tuple[int, int], str]) -> Station:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Station("CP_1", connectors={key: ConnectorStatus(status, at, at) for key, status in statuses.items()})


class TestAvailableEvses:
    def test_are_those_with_an_available_connector_by_their_numbers(self) -> None:
        station = with_connectors({(3, 1): "Available", (1, 1): "Available", (2, 1): "Occupied"})
        assert station.available_evses() == [1, 3]

    @pytest.mark.parametrize("status", ["Occupied", "Reserved", "Faulted", "Unavailable"])
    def test_are_not_those_whose_only_connector_is_anything_else(self, status: str) -> None:
        assert with_connectors({(1, 1): status}).available_evses() == []

    @pytest.mark.parametrize("status", ["Occupied", "Reserved"])
    def test_g01_fr_08_one_connector_in_use_takes_the_evse(self, status: str) -> None:
        """The station need not report the others, which cannot be used meanwhile."""
        assert with_connectors({(1, 1): status, (1, 2): "Available"}).available_evses() == []

    @pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
    def test_a_broken_connector_leaves_its_neighbour_usable(self, status: str) -> None:
        assert with_connectors({(1, 1): status, (1, 2): "Available"}).available_evses() == [1]

    def test_evse_0_is_the_station_as_a_whole_and_can_not_be_reserved(self) -> None:
        assert with_connectors({(0, 0): "Available", (-1, 1): "Available"}).available_evses() == []
        assert with_connectors({(0, 0): "Occupied", (1, 1): "Available"}).available_evses() == [1]

    def test_connector_0_is_the_evse_as_a_whole(self) -> None:
        assert with_connectors({(1, 0): "Available"}).available_evses() == [1]

    def test_are_none_before_anything_was_reported(self) -> None:
        assert Station("CP_1").available_evses() == []


class TestRegistry:
    async def test_a_new_station_would_be_accepted_but_has_not_been(self, site: Site) -> None:
        station = await site.csms.registry.put("CP_1")
        assert (station.registration, station.accepted) == (Registration.ACCEPTED, False)
        assert (station.password_hash, station.security_profile) == (None, 1)

    async def test_a_station_is_made_once(self, site: Site) -> None:
        registry = site.csms.registry
        station = await registry.put("CP_1")
        assert await registry.put("CP_1", security_profile=2) is station
        assert registry.get("CP_1") is station
        assert station.security_profile == 2

    async def test_stations_are_listed_by_identity(self, site: Site) -> None:
        registry = site.csms.registry
        for identity in ("CP_2", "CP_10", "CP_1"):
            await registry.put(identity)
        assert [station.station_id for station in registry] == ["CP_1", "CP_10", "CP_2"]

    async def test_a_station_that_was_removed_is_unknown(self, site: Site) -> None:
        registry = site.csms.registry
        station = await registry.put("CP_1")
        await registry.remove(station)
        assert registry.get("CP_1") is None
        await registry.remove(station)

    async def test_of_two_first_passwords_at_once_one_is_kept(self, site: Site) -> None:
        registry = site.csms.registry
        found: list[tuple[str | None, bool]] = []

        async def come(password_hash: str) -> None:
            station, is_first = await registry.keep_first_password("CP_1", password_hash)
            found.append((station.password_hash, is_first))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(come, "one")
            nursery.start_soon(come, "two")
        assert sorted(is_first for _, is_first in found) == [False, True]
        assert len({password_hash for password_hash, _ in found}) == 1

    async def test_changes_of_one_station_at_once_all_hold(self, site: Site) -> None:
        registry = site.csms.registry
        station = await registry.put("CP_1")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(registry.update, station, boot={"model": "M"}))
            nursery.start_soon(partial(registry.update, station, security_profile=3))
            nursery.start_soon(partial(registry.update, station, registration=Registration.PENDING))
        for known in (station, await reloaded(site, "CP_1")):
            assert (known.boot, known.security_profile, known.registration) == ({"model": "M"}, 3, "Pending")

    async def test_of_a_removed_station_nothing_is_written_any_more(self, site: Site) -> None:
        registry = site.csms.registry
        station = await registry.put("CP_1")
        await registry.remove(station)
        now = site.clock.now()
        await registry.update(station, boot={"model": "M"})
        await registry.report(station, {(1, 1): ConnectorStatus("Available", now, now)})
        await site.restart()
        assert list(site.csms.registry) == []


async def reloaded(site: Site, station_id: str) -> Station:
    """What another CSMS knows of the station."""
    registry = Registry(site.store, site.clock)
    await registry.load()
    station = registry.get(station_id)
    assert station is not None
    return station


class TestAfterARestart:
    async def test_everything_of_an_entry_is_there(self, site: Site) -> None:
        now = site.clock.now()
        entry = Entry(
            password_hash="hash",
            security_profile=2,
            registration=Registration.REJECTED,
            accepted=True,
            items_per_message={"GetVariables": 3},
            boot={"model": "M", "vendorName": "V"},
            booted_at=now,
            reset=Reset("OnIdle", "Scheduled", to_wire(now)),
            availability=(Availability(1, None, "Inoperative", "Accepted", to_wire(now)),),
        )
        before = await site.csms.registry.put("CP_1", **entry)
        await site.csms.registry.report(before, {(1, 2): ConnectorStatus("Faulted", now, now)})
        assert await reloaded(site, "CP_1") == before

    async def test_last_seen_is_known_to_the_last_time_it_was_written(self, site: Site) -> None:
        station = await site.csms.registry.put("CP_1")
        station.last_seen = site.clock.now()
        await site.csms.registry.write_last_seen()
        assert (await reloaded(site, "CP_1")).last_seen == station.last_seen

    async def test_last_seen_is_written_now_and_then(self, site: Site) -> None:
        station = await site.csms.registry.put("CP_1")
        station.last_seen = site.clock.now()
        await trio.sleep(301)
        assert (await reloaded(site, "CP_1")).last_seen == station.last_seen


class TestWithoutADatabase:
    """What is not on disk does not hold."""

    async def test_a_change_does_not_hold(self, site: Site) -> None:
        station = await site.csms.registry.put("CP_1")
        site.store.writer.close()
        with pytest.raises(StoreUnavailable):
            await site.csms.registry.update(station, security_profile=3)
        with pytest.raises(StoreUnavailable):
            await site.csms.registry.put("CP_2")
        assert station.security_profile == 1
        assert site.csms.registry.get("CP_2") is None

    async def test_a_station_is_not_removed(self, site: Site) -> None:
        station = await site.csms.registry.put("CP_1")
        site.store.writer.close()
        with pytest.raises(StoreUnavailable):
            await site.csms.registry.remove(station)
        assert site.csms.registry.knows(station)

    async def test_last_seen_waits(self, site: Site) -> None:
        station = await site.csms.registry.put("CP_1")
        station.last_seen = site.clock.now()
        site.store.writer.close()
        await site.csms.registry.write_last_seen()


def test_a_password_hash_is_not_shown_with_the_station() -> None:
    assert "s3cret" not in repr(Station("CP_1", password_hash="s3cret"))
