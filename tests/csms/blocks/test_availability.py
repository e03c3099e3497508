"""G Availability: what connectors report (G01), and Heartbeat (G02)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio

from csms.blocks import availability
from shared.ocppj.date_time import to_wire
from tests.csms.site import START, Site


async def connectors(site: Site) -> dict[tuple[int, int], str]:
    """The statuses that the CSMS has of CP_1."""
    described = (await site.get("/api/v1/stations/CP_1")).json["connectors"]
    return {(one["evse_id"], one["connector_id"]): one["status"] for one in described}


def event(actual_value: str, **changes: Any) -> dict[str, Any]:
    """The event of connector 1 of EVSE 1 becoming what it is."""
    return {
        "eventId": 1,
        "timestamp": "2026-11-22T03:52:54.000Z",
        "trigger": "Delta",
        "actualValue": actual_value,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
        "variable": {"name": "AvailabilityState"},
    } | changes


def notification(*events: dict[str, Any]) -> dict[str, Any]:
    return {"generatedAt": "2026-11-22T03:52:54.000Z", "seqNo": 0, "eventData": list(events)}


class TestG01StatusNotification:
    @pytest.mark.parametrize("status", ["Available", "Occupied", "Reserved", "Unavailable", "Faulted"])
    async def test_g01_fr_01_every_status_is_kept(self, site: Site, status: str) -> None:
        station = await site.connect_ready()
        await station.report_status(status)
        assert await connectors(site) == {(1, 1): status}

    async def test_the_last_status_of_each_connector_counts(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.report_status("Occupied", 1, 1)
        await station.report_status("Available", 1, 2)
        await station.report_status("Faulted", 2, 1)
        assert await connectors(site) == {(1, 1): "Occupied", (1, 2): "Available", (2, 1): "Faulted"}

    async def test_the_time_it_was_so_is_kept(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.ask(
            "StatusNotification",
            {
                "timestamp": "2026-11-22T04:00:00+01:00",
                "connectorStatus": "Occupied",
                "evseId": 1,
                "connectorId": 1,
            },
        )
        described = (await site.get("/api/v1/stations/CP_1")).json["connectors"]
        assert described[0]["timestamp"] == "2026-11-22T03:00:00+00:00"

    async def test_an_unknown_status_is_refused(self, site: Site) -> None:
        station = await site.connect_ready()
        frame = await station.call(
            "StatusNotification",
            {"timestamp": "2026-11-22T04:00:00Z", "connectorStatus": "Charging", "evseId": 1, "connectorId": 1},
        )
        assert frame[2] == "PropertyConstraintViolation"
        assert await connectors(site) == {(1, 1): "Available"}

    async def test_a_station_that_makes_up_connectors_without_end_is_stopped(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(availability, "MOST_CONNECTORS", 3)
        station = await site.connect_ready(evses=3)
        for connector_id in (2, 3):
            frame = await station.call(
                "StatusNotification",
                {
                    "timestamp": "2026-11-22T04:00:00Z",
                    "connectorStatus": "Occupied",
                    "evseId": 1,
                    "connectorId": connector_id,
                },
            )
            assert (frame[0], frame[2]) == (4, "PropertyConstraintViolation")
        await station.report_status("Occupied", 3)
        assert await connectors(site) == {(1, 1): "Available", (2, 1): "Available", (3, 1): "Occupied"}


class TestG01NotifyEvent:
    async def test_g01_fr_03_it_tells_a_status_as_a_status_notification_does(self, site: Site) -> None:
        station = await site.connect_ready()
        assert await station.ask("NotifyEvent", notification(event("Occupied"))) == {}
        assert await connectors(site) == {(1, 1): "Occupied"}

    async def test_names_are_written_in_any_case(self, site: Site) -> None:
        """They are identifierStrings (Part 2, 2.1.4)."""
        station = await site.connect_ready()
        names = {
            "component": {"name": "CONNECTOR", "evse": {"id": 1, "connectorId": 1}},
            "variable": {"name": "availabilitystate"},
        }
        await station.ask("NotifyEvent", notification(event("Occupied", **names)))
        assert await connectors(site) == {(1, 1): "Occupied"}

    async def test_a_station_that_tells_only_so_is_ready_too(self, site: Site) -> None:
        station = await site.connect()
        await station.boot()
        await station.ask("NotifyEvent", notification(event("Available")))
        assert site.state() == "Ready"

    async def test_one_message_may_tell_of_several_connectors(self, site: Site) -> None:
        station = await site.connect_ready()
        second = event("Faulted", component={"name": "Connector", "evse": {"id": 2, "connectorId": 3}})
        await station.ask("NotifyEvent", notification(event("Reserved"), second))
        assert await connectors(site) == {(1, 1): "Reserved", (2, 3): "Faulted"}

    @pytest.mark.parametrize(
        "changes",
        [
            {"component": {"name": "EVSE", "evse": {"id": 1}}},
            {"component": {"name": "ChargingStation"}},
            {"component": {"name": "Connector", "evse": {"id": 1}}},
            {"component": {"name": "Connector"}},
            {"variable": {"name": "Problem"}},
            {"actualValue": "Charging"},
            {"actualValue": "x" * 2500},
        ],
    )
    async def test_other_events_leave_connectors_as_they_are(self, site: Site, changes: dict[str, Any]) -> None:
        station = await site.connect_ready()
        assert await station.ask("NotifyEvent", notification(event("Occupied", **changes))) == {}
        assert await connectors(site) == {(1, 1): "Available"}


class TestG02Heartbeat:
    async def test_g02_fr_03_it_is_told_the_csms_s_time(self, site: Site) -> None:
        station = await site.connect_ready()
        await trio.sleep(3600)
        assert await station.ask("Heartbeat") == {"currentTime": to_wire(START + timedelta(hours=1))}
