"""B Provisioning: who may speak when, and what BootNotification is answered (B01 to B03)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from csms.blocks import HANDLERS
from shared.ocppj.date_time import to_wire
from shared.ocppj.versions import V201
from tests.csms.fake_station import FakeStation
from tests.csms.site import START, OpenSite, Site, settle

STATUS: Final = {
    "timestamp": "2026-11-22T03:52:54.000Z",
    "connectorStatus": "Available",
    "evseId": 1,
    "connectorId": 1,
}


async def register(site: Site, registration: str) -> None:
    """Decide how CP_1's boot is answered."""
    assert (await site.patch("/api/v1/stations/CP_1", {"registration": registration})).status == 200


async def connect_and_boot(site: Site, registration: str) -> FakeStation:
    """CP_1, which has booted and was answered as `registration` says."""
    station = await site.connect()
    await register(site, registration)
    assert (await station.boot())["status"] == registration
    if registration == "Pending":
        await station.answer("GetBaseReport", {"status": "Rejected"})
        await settle()
    return station


async def refusal_of(station: FakeStation, action: str, payload: dict[str, Any] | None = None) -> str:
    """The code of the CALLERROR that a CALL is answered with."""
    frame = await station.call(action, payload)
    assert frame[0] == 4, frame
    return str(frame[2])


class TestB01Accepted:
    async def test_b01_fr_02_the_answer_tells_status_time_and_heartbeat_interval(self, site: Site) -> None:
        station = await site.connect()
        assert await station.boot() == {
            "currentTime": to_wire(START),
            "interval": 10,
            "status": "Accepted",
        }

    async def test_the_heartbeat_interval_is_the_operators(self, open_site: OpenSite) -> None:
        station = await open_site(heartbeat_interval=600).connect()
        assert (await station.boot())["interval"] == 600

    async def test_b01_fr_10_whatever_comes_before_boot_is_a_security_error(self, site: Site) -> None:
        station = await site.connect()
        for action in sorted(V201.station_actions - {"BootNotification"}):
            assert await refusal_of(station, action) == "SecurityError"
        assert site.state() == "Off"

    async def test_after_boot_every_action_that_is_served_is_admitted(self, site: Site) -> None:
        station = await connect_and_boot(site, "Accepted")
        for action in HANDLERS:
            frame = await station.call(action, {"nonsense": 1})
            assert (frame[0], frame[2]) == (4, "OccurrenceConstraintViolation") or frame[2] == "FormatViolation", frame

    async def test_the_station_is_ready_when_it_has_told_of_a_connector(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        station = await site.connect()
        await station.boot()
        assert site.state() == "PoweredUp"
        await station.report_status()
        assert site.state() == "Ready"
        await station.report_status("Occupied")
        told = [record.getMessage() for record in caplog.records if "state transition" in record.getMessage()]
        assert told == [
            "CP_1: state transition : Off -> BootNotification -> PoweredUp",
            "CP_1: state transition : PoweredUp -> StatusNotification -> Ready",
        ]

    async def test_b01_fr_05_after_another_boot_connectors_are_unknown_until_they_are_reported(
        self, site: Site
    ) -> None:
        station = await site.connect_ready()
        await station.boot(reason="Watchdog")
        assert site.state() == "PoweredUp"
        assert (await site.get("/api/v1/stations/CP_1")).json["connectors"] == []

    async def test_what_the_station_said_of_itself_is_kept(self, site: Site) -> None:
        station = await site.connect()
        about = {"model": "M", "vendorName": "V", "serialNumber": "S-1", "firmwareVersion": "1.2"}
        await station.boot(chargingStation=about)
        assert (await site.get("/api/v1/stations/CP_1")).json["charging_station"] == about

    async def test_customdata_is_not_kept_for_it_may_be_of_any_size(self, site: Site) -> None:
        station = await site.connect()
        own = {"customData": {"vendorId": "V", "novel": "x" * 500_000}}
        about = {"model": "M", "vendorName": "V"}
        await station.boot(chargingStation=about | own | {"modem": {"iccid": "1"} | own})
        kept = (await site.get("/api/v1/stations/CP_1")).json["charging_station"]
        assert kept == about | {"modem": {"iccid": "1"}}

    async def test_any_reason_is_welcome(self, site: Site) -> None:
        station = await site.connect()
        for reason in ("ApplicationReset", "FirmwareUpdate", "LocalReset", "PowerUp", "RemoteReset", "Unknown"):
            assert (await station.boot(reason=reason))["status"] == "Accepted"


class TestB02Pending:
    async def test_b02_fr_08_it_is_told_when_to_boot_again(self, open_site: OpenSite) -> None:
        site = open_site(boot_retry_interval=45)
        station = await site.connect()
        await register(site, "Pending")
        answer = await station.boot()
        assert (answer["status"], answer["interval"]) == ("Pending", 45)

    async def test_b02_fr_09_what_nobody_asked_for_is_a_security_error(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        for action in sorted(V201.station_actions - {"BootNotification"}):
            assert await refusal_of(station, action) == "SecurityError"

    async def test_b02_fr_01_the_csms_may_call_it(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        asking = site.call_later("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
        await station.answer("GetBaseReport", {"status": "Accepted"})
        assert (await asking.get()).json == {"result": {"status": "Accepted"}}

    @pytest.mark.parametrize("action", ["GetBaseReport", "GetReport"])
    async def test_b02_fr_02_it_may_send_the_report_it_was_asked_for(self, site: Site, action: str) -> None:
        station = await connect_and_boot(site, "Pending")
        request = {"requestId": 1} | ({"reportBase": "FullInventory"} if action == "GetBaseReport" else {})
        site.call_later(action, request)
        await station.answer(action, {"status": "Accepted"})
        for seq_no in (0, 1):
            report = {"requestId": 1, "generatedAt": "2026-11-22T03:53:00Z", "tbc": seq_no == 0, "seqNo": seq_no}
            assert await station.ask("NotifyReport", report) == {}
        assert await refusal_of(station, "Heartbeat") == "SecurityError"

    @pytest.mark.parametrize("action", ["Heartbeat", "StatusNotification"])
    async def test_b02_fr_02_it_may_send_what_was_triggered(self, site: Site, action: str) -> None:
        station = await connect_and_boot(site, "Pending")
        site.call_later("TriggerMessage", {"requestedMessage": action, "evse": {"id": 1, "connectorId": 1}})
        await station.answer("TriggerMessage", {"status": "Accepted"})
        await station.ask(action, STATUS if action == "StatusNotification" else {})
        assert site.state() == "Pending"

    async def test_b02_fr_02_fr_09_what_was_triggered_may_be_sent_once_for_each_trigger(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        for _ in range(2):
            site.call_later("TriggerMessage", {"requestedMessage": "Heartbeat"})
            await station.answer("TriggerMessage", {"status": "Accepted"})
        await station.ask("Heartbeat")
        await station.ask("Heartbeat")
        assert await refusal_of(station, "Heartbeat") == "SecurityError"

    async def test_b02_fr_02_what_could_not_be_stored_may_be_sent_again(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        site.call_later("TriggerMessage", {"requestedMessage": "StatusNotification", "evse": {"id": 1}})
        await station.answer("TriggerMessage", {"status": "Accepted"})
        site.break_store()
        assert await refusal_of(station, "StatusNotification", STATUS) == "InternalError"
        site.mend_store()
        await station.ask("StatusNotification", STATUS)

    async def test_f06_fr_11_a_trigger_of_no_evse_is_answered_for_each(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        site.call_later("TriggerMessage", {"requestedMessage": "MeterValues"})
        await station.answer("TriggerMessage", {"status": "Accepted"})
        for evse_id in (1, 2, 3):
            value = {"timestamp": "2026-11-22T03:53:00Z", "sampledValue": [{"value": 1}]}
            await station.ask("MeterValues", {"evseId": evse_id, "meterValue": [value]})

    async def test_f06_fr_12_a_trigger_of_no_connector_may_be_answered_for_each(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        site.call_later("TriggerMessage", {"requestedMessage": "StatusNotification"})
        await station.answer("TriggerMessage", {"status": "Accepted"})
        for connector_id in (1, 2):
            await station.ask("StatusNotification", STATUS | {"connectorId": connector_id})

    @pytest.mark.parametrize("status", ["Rejected", "NotImplemented"])
    async def test_f06_fr_05_fr_08_a_trigger_that_the_station_declines_allows_nothing(
        self, site: Site, status: str
    ) -> None:
        station = await connect_and_boot(site, "Pending")
        asking = site.call_later("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await station.answer("TriggerMessage", {"status": status})
        await asking.get()
        assert await refusal_of(station, "Heartbeat") == "SecurityError"

    async def test_b02_fr_09_a_report_that_is_complete_is_not_followed_by_another(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        asking = site.call_later("GetReport", {"requestId": 1})
        await station.answer("GetReport", {"status": "Accepted"})
        await asking.get()
        report = {"requestId": 1, "generatedAt": "2026-11-22T03:53:00Z", "seqNo": 0}
        await station.ask("NotifyReport", report)
        assert await refusal_of(station, "NotifyReport", report) == "SecurityError"

    @pytest.mark.parametrize("kind", ["ChargingStation", "V2G", "Combined"])
    async def test_b02_fr_02_a_triggered_certificate_request_is_a_sign_certificate(self, site: Site, kind: str) -> None:
        station = await connect_and_boot(site, "Pending")
        trigger = {"ChargingStation": "SignChargingStationCertificate", "V2G": "SignV2GCertificate"}.get(
            kind, "SignCombinedCertificate"
        )
        site.call_later("TriggerMessage", {"requestedMessage": trigger})
        await station.answer("TriggerMessage", {"status": "Accepted"})
        assert await refusal_of(station, "SignCertificate", {"csr": "…"}) == "NotSupported"

    async def test_what_was_triggered_before_the_next_boot_is_not_admitted_after_it(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        site.call_later("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await station.answer("TriggerMessage", {"status": "Accepted"})
        await station.boot()
        assert await refusal_of(station, "Heartbeat") == "SecurityError"

    async def test_b02_fr_06_the_connection_stays_and_the_next_boot_may_be_accepted(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        await register(site, "Accepted")
        await settle()
        assert station.closed is None
        assert (await station.boot())["status"] == "Accepted"
        assert "currentTime" in await station.ask("Heartbeat")


class TestB03Rejected:
    async def test_b03_fr_06_it_is_told_when_to_boot_again(self, open_site: OpenSite) -> None:
        site = open_site(boot_retry_interval=45)
        station = await site.connect()
        await register(site, "Rejected")
        answer = await station.boot()
        assert (answer["status"], answer["interval"]) == ("Rejected", 45)

    async def test_b03_fr_07_anything_else_is_a_security_error(self, site: Site) -> None:
        station = await connect_and_boot(site, "Rejected")
        for action in sorted(V201.station_actions - {"BootNotification"}):
            assert await refusal_of(station, action) == "SecurityError"

    async def test_b03_fr_03_the_csms_sends_nothing_and_who_asks_it_to_gets_503(self, site: Site) -> None:
        station = await connect_and_boot(site, "Rejected")
        answer = await site.call("TriggerMessage", {"requestedMessage": "BootNotification"})
        assert answer.status == 503
        assert (await site.post("/reserve/CP_1")).status == 503
        assert (await site.post("/reserve")).status == 503
        await settle()
        assert station.unread() == []

    async def test_b03_fr_03_what_waited_to_be_sent_when_it_was_rejected_is_not_sent(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        first, second = site.call_later("ClearCache"), site.call_later("ClearCache")
        message_id, _ = await station.expect("ClearCache")
        await register(site, "Rejected")
        await station.boot()
        await station.send([3, message_id, {"status": "Accepted"}])
        assert sorted([(await first.get()).status, (await second.get()).status]) == [200, 503]
        assert station.unread() == []

    async def test_the_next_boot_may_be_accepted(self, site: Site) -> None:
        station = await connect_and_boot(site, "Rejected")
        await register(site, "Accepted")
        assert (await station.boot())["status"] == "Accepted"
        await station.report_status()
        assert site.state() == "Ready"


class TestReconnecting:
    """Part 4 §5.3: a station that reconnects need not boot again."""

    async def test_one_that_was_accepted_goes_on_where_it_was(self, site: Site) -> None:
        before = await site.connect_ready()
        await before.vanish()
        station = await site.connect()
        assert "currentTime" in await station.ask("Heartbeat")
        assert site.state() == "Ready"

    async def test_its_connectors_are_as_they_were_reported_last(self, site: Site) -> None:
        before = await site.connect_ready()
        await before.vanish()
        station = await site.connect()
        reserving = site.post_later("/reserve/CP_1")
        await station.answer("ReserveNow", {"status": "Accepted"})
        assert (await reserving.get()).json == {"status": "Accepted"}

    @pytest.mark.parametrize("registration", ["Pending", "Rejected"])
    async def test_one_that_was_not_accepted_must_boot(self, site: Site, registration: str) -> None:
        before = await connect_and_boot(site, registration)
        await before.vanish()
        station = await site.connect()
        assert await refusal_of(station, "Heartbeat") == "SecurityError"

    async def test_one_that_never_booted_must_boot(self, site: Site) -> None:
        before = await site.connect()
        await before.vanish()
        station = await site.connect()
        assert await refusal_of(station, "Heartbeat") == "SecurityError"

    async def test_another_station_must_boot(self, site: Site) -> None:
        await site.connect_ready("CP_1")
        station = await site.connect("CP_2")
        assert await refusal_of(station, "Heartbeat") == "SecurityError"


class TestRegistrationChangedByTheOperator:
    @pytest.mark.parametrize("registration", ["Pending", "Rejected"])
    async def test_an_accepted_station_that_is_no_longer_welcome_is_hung_up_and_must_boot(
        self, site: Site, registration: str
    ) -> None:
        station = await site.connect_ready()
        await register(site, registration)
        assert (await station.goodbye()).code == 1008
        await settle()
        assert (await site.get("/list")).json == {"cp_ids": []}
        again = await site.connect()
        assert await refusal_of(again, "Heartbeat") == "SecurityError"
        assert (await again.boot())["status"] == registration

    async def test_an_accepted_station_that_stays_accepted_goes_on(self, site: Site) -> None:
        station = await site.connect_ready()
        await register(site, "Accepted")
        await settle()
        assert station.closed is None
        assert "currentTime" in await station.ask("Heartbeat")

    async def test_a_pending_station_learns_of_it_at_its_next_boot(self, site: Site) -> None:
        station = await connect_and_boot(site, "Pending")
        await register(site, "Rejected")
        await settle()
        assert station.closed is None
        assert (await station.boot())["status"] == "Rejected"
