"""G Availability: what connectors report (G01), and Heartbeat (G02)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio

from csms.blocks import availability
from shared.ocppj.date_time import to_wire
from tests.csms.fake_station import FakeStation
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
                "timestamp": "2026-11-22T05:00:00+01:00",
                "connectorStatus": "Occupied",
                "evseId": 1,
                "connectorId": 1,
            },
        )
        described = (await site.get("/api/v1/stations/CP_1")).json["connectors"]
        assert described[0]["timestamp"] == "2026-11-22T04:00:00.000Z"

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


class TestG01OlderStatuses:
    """What was true earlier does not undo what is known to be true later."""

    async def report(self, station: FakeStation, status: str, timestamp: str) -> None:
        report = {"timestamp": timestamp, "connectorStatus": status, "evseId": 1, "connectorId": 1}
        assert await station.ask("StatusNotification", report) == {}

    async def test_an_older_one_is_answered_and_changes_nothing(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.report(station, "Occupied", "2026-11-22T03:52:55Z")
        await self.report(station, "Faulted", "2026-11-22T03:52:50Z")
        older = event("Unavailable", timestamp="2026-11-22T03:52:51.000Z")
        assert await station.ask("NotifyEvent", notification(older)) == {}
        assert await connectors(site) == {(1, 1): "Occupied"}

    async def test_of_two_at_the_same_time_the_later_one_counts(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.report(station, "Occupied", "2026-11-22T03:52:55Z")
        await self.report(station, "Available", "2026-11-22T03:52:55Z")
        assert await connectors(site) == {(1, 1): "Available"}

    async def test_a_clock_that_was_ahead_and_is_set_right_does_not_silence_the_station(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.report(station, "Occupied", "2040-01-01T00:00:00Z")
        await trio.sleep(60)
        await self.report(station, "Available", "2026-11-22T03:53:53Z")
        assert await connectors(site) == {(1, 1): "Available"}

    async def test_b01_fr_05_after_a_boot_all_is_told_anew(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.boot(reason="PowerUp")
        await self.report(station, "Faulted", "1970-01-01T00:00:00Z")
        assert await connectors(site) == {(1, 1): "Faulted"}

    async def test_it_holds_across_a_restart_of_the_csms(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.report(station, "Occupied", "2026-11-22T03:52:55Z")
        await site.restart()
        station = await site.connect()
        await self.report(station, "Faulted", "2026-11-22T03:52:50Z")
        assert await connectors(site) == {(1, 1): "Occupied"}


class TestG01Events:
    async def test_a_status_that_changes_is_told_once(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.report_status("Occupied")
        await station.report_status("Occupied")
        assert [(data["status"], data["evse_id"]) for _, _, data in await site.events("connector.status")] == [
            ("Available", 1),
            ("Occupied", 1),
        ]

    async def test_with_the_connector_and_the_stations_time(self, site: Site) -> None:
        await site.connect_ready()
        assert await site.events("connector.status") == [
            (
                "connector.status",
                "CP_1",
                {"evse_id": 1, "connector_id": 1, "status": "Available", "timestamp": "2026-11-22T03:52:54.000Z"},
            )
        ]

    async def test_without_a_database_it_is_neither_told_nor_acknowledged(self, site: Site) -> None:
        station = await site.connect_ready()
        site.store.writer.close()
        report = {"timestamp": "2026-11-22T03:53:00Z", "connectorStatus": "Faulted", "evseId": 1, "connectorId": 1}
        assert (await station.call("StatusNotification", report))[2] == "InternalError"
        assert await connectors(site) == {(1, 1): "Available"}

    @pytest.mark.parametrize("key", ["evseId", "connectorId"])
    async def test_a_number_beyond_32_bits_is_refused(self, site: Site, key: str) -> None:
        station = await site.connect_ready()
        report = {"timestamp": "2026-11-22T03:53:00Z", "connectorStatus": "Faulted", "evseId": 1, "connectorId": 1}
        assert (await station.call("StatusNotification", report | {key: 2**31}))[2] == "PropertyConstraintViolation"


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

    async def test_g01_fr_01_what_is_no_status_moves_nothing(self, site: Site) -> None:
        station = await site.connect()
        await station.boot()
        assert await station.ask("NotifyEvent", notification(event("Sleepy"))) == {}
        assert site.state() == "PoweredUp"
        assert await connectors(site) == {}

    async def test_g01_fr_01_what_is_no_status_is_ignored(self, site: Site) -> None:
        station = await site.connect_ready()
        assert await station.ask("NotifyEvent", notification(event("x" * 2000))) == {}
        assert await connectors(site) == {(1, 1): "Available"}

    async def test_of_several_of_one_connector_in_one_message_the_latest_counts(self, site: Site) -> None:
        station = await site.connect_ready()
        later = event("Occupied", timestamp="2026-11-22T03:52:56.000Z")
        earlier = event("Faulted", timestamp="2026-11-22T03:52:55.000Z")
        await trio.sleep(10)
        await station.ask("NotifyEvent", notification(later, earlier))
        assert await connectors(site) == {(1, 1): "Occupied"}

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

    async def test_g02_fr_04_it_needs_no_database(self, site: Site) -> None:
        station = await site.connect_ready()
        site.store.writer.close()
        assert "currentTime" in await station.ask("Heartbeat")


class TestG03G04ChangeAvailability:
    async def change(self, site: Site, station: FakeStation, status: str, **request: Any) -> None:
        changing = site.call_later("ChangeAvailability", {"operationalStatus": "Inoperative"} | request)
        await station.answer("ChangeAvailability", {"status": status})
        assert (await changing.get()).json == {"result": {"status": status}}

    async def agreed(self, site: Site) -> list[tuple[int | None, int | None, str, str]]:
        """What the API shows of it."""
        shown = (await site.get("/api/v1/stations/CP_1")).json["availability"]
        keys = ("evse_id", "connector_id", "operational_status", "status")
        return [tuple(one[key] for key in keys) for one in shown]

    @pytest.mark.parametrize("status", ["Accepted", "Scheduled"])
    async def test_g03_fr_05_what_the_station_agreed_to_is_shown(self, site: Site, status: str) -> None:
        station = await site.connect_ready()
        await self.change(site, station, status, evse={"id": 1, "connectorId": 1})
        assert await self.agreed(site) == [(1, 1, "Inoperative", status)]

    async def test_what_it_rejected_is_not(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.change(site, station, "Rejected")
        assert await self.agreed(site) == []

    async def test_a_later_one_takes_the_place_of_those_it_covers(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.change(site, station, "Accepted", evse={"id": 1, "connectorId": 1})
        await self.change(site, station, "Accepted", evse={"id": 2})
        await self.change(site, station, "Scheduled", evse={"id": 1})
        assert await self.agreed(site) == [
            (2, None, "Inoperative", "Accepted"),
            (1, None, "Inoperative", "Scheduled"),
        ]
        await self.change(site, station, "Accepted", operationalStatus="Operative")
        assert await self.agreed(site) == [(None, None, "Operative", "Accepted")]

    async def test_g04_fr_09_it_outlives_a_restart_of_either(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.change(site, station, "Accepted")
        await station.boot(reason="PowerUp")
        await site.restart()
        assert await self.agreed(site) == [(None, None, "Inoperative", "Accepted")]
