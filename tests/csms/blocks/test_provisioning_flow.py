"""B Provisioning, from a station's first boot on: events, restarts, the base report while Pending, Reset, profiles."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from shared.handshake import HandshakeRefused
from tests.csms.fake_station import BOOT, FakeStation
from tests.csms.site import OpenSite, Site, settle

STATION = "/api/v1/stations/CP_1"


async def described(site: Site, key: str) -> Any:
    """One member of what the API says of CP_1."""
    return (await site.get(STATION)).json[key]


async def boot_pending(site: Site) -> tuple[FakeStation, int]:
    """CP_1, Pending, which has agreed to give its base report; the id of that."""
    await site.put(STATION, {"registration": "Pending", "password": "station-password-1"})
    station = await site.connect()
    assert (await station.boot())["status"] == "Pending"
    request = await station.answer("GetBaseReport", {"status": "Accepted"})
    assert request["reportBase"] == "FullInventory"
    await settle()
    return station, request["requestId"]


async def report(station: FakeStation, request_id: int, seq_no: int = 0, *, tbc: bool = False) -> list[Any]:
    """Send a part of a report with one variable."""
    return await station.call(
        "NotifyReport",
        {
            "requestId": request_id,
            "generatedAt": "2026-11-22T03:53:00Z",
            "seqNo": seq_no,
            "tbc": tbc,
            "reportData": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": f"Variable{seq_no}"},
                    "variableAttribute": [{"value": "1"}],
                }
            ],
        },
    )


class TestB01Boot:
    async def test_it_is_told_as_an_event(self, site: Site) -> None:
        station = await site.connect()
        await station.boot(reason="Watchdog")
        assert await site.events("station.booted") == [
            (
                "station.booted",
                "CP_1",
                {
                    "status": "Accepted",
                    "reason": "Watchdog",
                    "model": "Wallbox XYZ",
                    "vendor_name": "anewone",
                    "firmware_version": None,
                },
            )
        ]

    async def test_when_it_was_and_when_the_station_was_last_heard_is_shown(self, site: Site) -> None:
        station = await site.connect_ready()
        await trio.sleep(60)
        await station.ask("Heartbeat")
        assert await described(site, "booted_at") == "2026-11-22T03:52:53.938Z"
        assert await described(site, "last_seen") == "2026-11-22T03:53:53.938Z"

    async def test_without_a_database_the_station_must_boot_again(self, site: Site) -> None:
        station = await site.connect()
        site.store.writer.close()
        frame = await station.call("BootNotification", BOOT)
        assert (frame[0], frame[2]) == (4, "InternalError")
        assert site.state() == "Off"


class TestAfterARestartOfTheCsms:
    async def test_a_station_that_was_accepted_goes_on_without_booting(self, site: Site) -> None:
        await site.connect_ready()
        await site.restart()
        station = await site.connect()
        assert "currentTime" in await station.ask("Heartbeat")
        reserving = site.post_later("/reserve/CP_1")  # its connectors are known, too
        await station.answer("ReserveNow", {"status": "Accepted"})
        assert (await reserving.get()).json == {"status": "Accepted"}

    @pytest.mark.parametrize("registration", ["Pending", "Rejected"])
    async def test_one_that_was_not_accepted_must_boot(self, site: Site, registration: str) -> None:
        await site.put(STATION, {"registration": registration, "password": "station-password-1"})
        await (await site.connect()).boot()
        await site.restart()
        station = await site.connect()
        assert (await station.call("Heartbeat"))[2] == "SecurityError"

    async def test_its_password_is_still_the_one_it_showed_first(self, site: Site) -> None:
        await site.connect()
        await site.restart()
        await site.connect()
        with pytest.raises(HandshakeRefused, match="Wrong password"):
            await site.connect(password="another-password-1")

    async def test_what_the_operator_decided_holds(self, site: Site) -> None:
        body = {"registration": "Pending", "items_per_message": {"GetVariables": 3}, "password": "station-password-1"}
        before = (await site.put(STATION, body)).json
        await site.restart()
        assert (await site.get(STATION)).json == before


class TestB02WhilePending:
    async def test_b07_fr_14_the_csms_gets_the_base_report(self, site: Site) -> None:
        station, request_id = await boot_pending(site)
        assert (await report(station, request_id, 0, tbc=True))[0] == 3
        assert (await report(station, request_id, 1))[0] == 3
        shown = (await site.get(f"{STATION}/variables")).json
        assert [one["variable"]["name"] for one in shown["variables"]] == ["Variable0", "Variable1"]
        assert [(one["request_id"], one["complete"]) for one in shown["reports"]] == [(request_id, True)]

    async def test_the_request_comes_behind_the_answer_to_the_boot(self, site: Site) -> None:
        await site.put(STATION, {"registration": "Pending", "password": "station-password-1"})
        station = await site.connect()
        await station.send([2, "boot", "BootNotification", BOOT])
        assert (await station.receive())[:2] == [3, "boot"]
        assert (await station.receive())[2] == "GetBaseReport"

    async def test_it_is_asked_for_once(self, site: Site) -> None:
        station, request_id = await boot_pending(site)
        await station.boot()
        await report(station, request_id)
        await station.boot()
        await settle()
        assert station.unread() == []

    async def test_b07_fr_14_a_station_that_has_changed_is_asked_again(self, site: Site) -> None:
        station, request_id = await boot_pending(site)
        await report(station, request_id)
        await station.boot(chargingStation={"model": "M", "vendorName": "V", "firmwareVersion": "2"})
        await station.answer("GetBaseReport", {"status": "Accepted"})

    async def test_b07_fr_05_a_report_that_was_not_agreed_to_is_a_security_error(self, site: Site) -> None:
        await site.put(STATION, {"registration": "Pending", "password": "station-password-1"})
        station = await site.connect()
        await station.boot()
        request = await station.answer("GetBaseReport", {"status": "NotSupported"})
        await settle()
        assert (await report(station, request["requestId"]))[2] == "SecurityError"
        (shown,) = (await site.get(f"{STATION}/variables")).json["reports"]
        assert (shown["status"], shown["complete"]) == ("NotSupported", False)

    async def test_nor_is_one_that_was_answered_with_a_callerror(self, site: Site) -> None:
        await site.put(STATION, {"registration": "Pending", "password": "station-password-1"})
        station = await site.connect()
        await station.boot()
        await station.refuse("GetBaseReport", "NotImplemented")
        await settle()
        assert (await report(station, 1))[2] == "SecurityError"
        (shown,) = (await site.get(f"{STATION}/variables")).json["reports"]
        assert (shown["status"], shown["complete"]) == ("CallError", False)

    async def test_b02_fr_01_variables_may_be_set_meanwhile(self, site: Site) -> None:
        station, _ = await boot_pending(site)
        variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        setting = site.post_later(f"{STATION}/variables/set", {"variables": [variable | {"attributeValue": "60"}]})
        await station.answer("SetVariables", {"setVariableResult": [variable | {"attributeStatus": "Accepted"}]})
        assert (await setting.get()).status == 200

    async def test_it_stays_pending_until_an_operator_accepts_it(self, site: Site) -> None:
        station, request_id = await boot_pending(site)
        await report(station, request_id)
        assert (await station.boot())["status"] == "Pending"
        await site.patch(STATION, {"registration": "Accepted"})
        assert (await station.boot())["status"] == "Accepted"

    async def test_with_accept_pending_report_a_complete_base_report_accepts_it(self, open_site: OpenSite) -> None:
        site = open_site(accept_pending="report", new_stations="pending")
        station = await site.connect()
        assert (await station.boot())["status"] == "Pending"
        request = await station.answer("GetBaseReport", {"status": "Accepted"})
        await report(station, request["requestId"], 0, tbc=True)
        assert (await station.boot())["status"] == "Pending"
        await report(station, request["requestId"], 1)
        assert (await station.boot())["status"] == "Accepted"
        await site.restart()
        assert await described(site, "registration") == "Accepted"

    async def test_a_rejected_station_is_not_asked(self, site: Site) -> None:
        await site.put(STATION, {"registration": "Rejected", "password": "station-password-1"})
        station = await site.connect()
        await station.boot()
        await settle()
        assert station.unread() == []

    async def test_an_accepted_station_is_not_asked(self, site: Site) -> None:
        station = await site.connect_ready()
        await settle()
        assert station.unread() == []


class TestNewStations:
    @pytest.mark.parametrize("registration", ["Accepted", "Pending", "Rejected"])
    async def test_are_registered_as_the_setting_says(self, open_site: OpenSite, registration: str) -> None:
        site = open_site(new_stations=registration.lower())
        station = await site.connect()
        assert (await station.boot())["status"] == registration


class TestStaggeredRetries:
    async def test_many_that_boot_at_once_get_different_intervals(self, open_site: OpenSite) -> None:
        site = open_site(new_stations="rejected", boot_retry_interval=30)
        intervals = []
        for number in range(60):
            station = await site.connect(f"CP_{number}")
            intervals.append((await station.boot())["interval"])
        assert min(intervals) == 30
        assert set(intervals) <= set(range(30, 37))
        assert max(intervals.count(interval) for interval in intervals) <= 20


class TestReports:
    async def test_numbers_beyond_32_bits_are_refused(self, site: Site) -> None:
        station = await site.connect_ready()
        assert (await report(station, 2**31))[2] == "PropertyConstraintViolation"
        assert (await report(station, 1, 2**31))[2] == "PropertyConstraintViolation"

    async def test_without_a_database_a_part_is_not_acknowledged(self, site: Site) -> None:
        station = await site.connect_ready()
        site.store.writer.close()
        assert (await report(station, 1))[2] == "InternalError"


class TestB11Reset:
    async def reset(self, site: Site, station: FakeStation, status: str, **request: Any) -> None:
        resetting = site.call_later("Reset", {"type": "Immediate"} | request)
        await station.answer("Reset", {"status": status})
        assert (await resetting.get()).json == {"result": {"status": status}}

    @pytest.mark.parametrize("status", ["Accepted", "Scheduled"])
    async def test_b11_fr_03_the_station_is_expected_to_go_until_it_boots(self, site: Site, status: str) -> None:
        station = await site.connect_ready()
        await self.reset(site, station, status)
        shown = {"kind": "Immediate", "status": status, "requested_at": "2026-11-22T03:52:53.938Z"}
        assert await described(site, "reset") == shown
        await station.vanish()
        await settle()
        ((_, _, told),) = await site.events("station.disconnected")
        assert told["expected"] is True
        await site.restart()
        assert await described(site, "reset") == shown
        again = await site.connect()
        await again.boot(reason="RemoteReset")
        assert await described(site, "reset") is None

    async def test_b11_fr_06_a_rejected_one_changes_nothing(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.reset(site, station, "Rejected")
        assert await described(site, "reset") is None

    async def test_b11_fr_08_that_of_an_evse_does_not_make_the_station_go(self, site: Site) -> None:
        station = await site.connect_ready()
        await self.reset(site, station, "Accepted", evseId=1)
        assert await described(site, "reset") is None


class TestB09SetNetworkProfile:
    async def test_it_is_sent_as_it_is_and_the_answer_returned(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        station = await site.connect_ready()
        apn = {"apn": "internet", "apnPassword": "s3cret", "apnAuthentication": "CHAP"}
        request = {
            "configurationSlot": 1,
            "connectionData": {
                "ocppVersion": "OCPP20",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": "wss://csms.example/ocpp",
                "messageTimeout": 30,
                "securityProfile": 2,
                "ocppInterface": "Wired0",
                "apn": apn,
            },
        }
        setting = site.call_later("SetNetworkProfile", request)
        assert await station.answer("SetNetworkProfile", {"status": "Rejected"}) == request
        assert (await setting.get()).json == {"result": {"status": "Rejected"}}
        assert "s3cret" not in caplog.text


class TestPresence:
    async def test_who_comes_and_goes_is_told(self, site: Site) -> None:
        station = await site.connect_ready()
        await station.vanish()
        await settle()
        told = [one for one in await site.events() if one[0] in ("station.connected", "station.disconnected")]
        assert told == [
            ("station.connected", "CP_1", {"subprotocol": "ocpp2.0.1"}),
            ("station.disconnected", "CP_1", {"last_seen": "2026-11-22T03:52:53.938Z", "expected": False}),
        ]

    async def test_a_newer_connection_that_takes_over_is_no_news(self, site: Site) -> None:
        before = await site.connect_ready()
        station = await site.connect()
        await station.ask("Heartbeat")
        await before.goodbye()
        await settle()
        assert await site.events("station.disconnected") == []
        assert len(await site.events("station.connected")) == 1

    async def test_without_a_database_stations_come_and_go_all_the_same(self, site: Site) -> None:
        station = await site.connect_ready()
        site.store.writer.close()
        await station.vanish()
        await settle()
        assert (await site.get("/list")).json == {"cp_ids": []}
