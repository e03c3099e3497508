"""The stations a CSMS knows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from csms.registry import ConnectorStatus, Registration, Registry, Station, is_identity


@pytest.mark.parametrize("identity", ["CP_1", "a", "0", "A-Za-z0-9*-_=+|@.", "x" * 48])
def test_an_identity_is_an_identifier_string_of_at_most_48_characters(identity: str) -> None:
    assert is_identity(identity)


@pytest.mark.parametrize("identity", ["", "x" * 49, "CP:1", "CP 1", "CP/1", "CP_1\n", "Ü", "CP_1\x00", "٣", "CP\udcff"])
def test_nothing_else_is_an_identity(identity: str) -> None:
    assert not is_identity(identity)


def with_connectors(statuses: dict[tuple[int, int], str]) -> Station:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Station("CP_1", connectors={key: ConnectorStatus(status, at) for key, status in statuses.items()})


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
    def test_a_new_station_would_be_accepted_but_has_not_been(self) -> None:
        station = Registry().get_or_add("CP_1")
        assert (station.registration, station.accepted) == (Registration.ACCEPTED, False)
        assert (station.password_hash, station.security_profile) == (None, 1)

    def test_a_station_is_made_once(self) -> None:
        registry = Registry()
        station = registry.get_or_add("CP_1")
        assert registry.get_or_add("CP_1") is station
        assert registry.get("CP_1") is station

    def test_stations_are_listed_by_identity(self) -> None:
        registry = Registry()
        for identity in ("CP_2", "CP_10", "CP_1"):
            registry.get_or_add(identity)
        assert [station.station_id for station in registry] == ["CP_1", "CP_10", "CP_2"]

    def test_a_station_that_was_removed_is_unknown(self) -> None:
        registry = Registry()
        registry.get_or_add("CP_1")
        registry.remove("CP_1")
        assert registry.get("CP_1") is None
        with pytest.raises(KeyError):
            registry.remove("CP_1")
