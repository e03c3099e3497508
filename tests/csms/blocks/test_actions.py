"""What a station may send, of whichever block: each is answered as its schema has it, or refused in the right words."""

from __future__ import annotations

from typing import Any, Final

import pytest

from csms.blocks import HANDLERS
from shared.ocppj.versions import V201
from tests.csms.fake_station import BOOT
from tests.csms.site import Site

TIME: Final = "2026-11-22T03:52:54.000Z"
TOKEN: Final = {"idToken": "AABBCCDD", "type": "ISO14443"}
UNKNOWN: Final = {"idTokenInfo": {"status": "Unknown"}}
METER_VALUE: Final = [{"timestamp": TIME, "sampledValue": [{"value": 1.5}]}]
NO_SCHEDULE: Final = {"chargingRateUnit": "W", "id": 1, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1.0}]}
PROFILE: Final = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [NO_SCHEDULE],
}
EVENT: Final = {
    "eventId": 1,
    "timestamp": TIME,
    "trigger": "Alerting",
    "actualValue": "true",
    "eventNotificationType": "HardWiredNotification",
    "component": {"name": "EVSE"},
    "variable": {"name": "Problem"},
}
TRANSACTION_EVENT: Final = {
    "eventType": "Updated",
    "timestamp": TIME,
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 1,
    "transactionInfo": {"transactionId": "T1"},
}
# Of each action that is served: a request, and what it is answered. BootNotification, Heartbeat, StatusNotification and
# ReservationStatusUpdate have tests of their own.
EXCHANGES: Final[list[tuple[str, dict[str, Any], dict[str, Any]]]] = [
    ("Authorize", {"idToken": TOKEN}, UNKNOWN),
    ("TransactionEvent", TRANSACTION_EVENT, {}),
    ("TransactionEvent", TRANSACTION_EVENT | {"idToken": TOKEN}, UNKNOWN),
    ("TransactionEvent", TRANSACTION_EVENT | {"reservationId": 4711, "meterValue": METER_VALUE}, {}),
    ("DataTransfer", {"vendorId": "example", "data": [1, None]}, {"status": "UnknownVendorId"}),
    ("ClearedChargingLimit", {"chargingLimitSource": "EMS"}, {}),
    ("FirmwareStatusNotification", {"status": "Idle"}, {}),
    ("LogStatusNotification", {"status": "Idle"}, {}),
    ("MeterValues", {"evseId": 1, "meterValue": METER_VALUE}, {}),
    ("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}}, {}),
    ("NotifyCustomerInformation", {"data": "…", "seqNo": 0, "generatedAt": TIME, "requestId": 1}, {}),
    ("NotifyDisplayMessages", {"requestId": 1}, {}),
    ("NotifyEvent", {"generatedAt": TIME, "seqNo": 0, "eventData": [EVENT]}, {}),
    ("NotifyMonitoringReport", {"requestId": 1, "seqNo": 0, "generatedAt": TIME}, {}),
    ("NotifyReport", {"requestId": 1, "seqNo": 0, "generatedAt": TIME}, {}),
    ("PublishFirmwareStatusNotification", {"status": "Idle"}, {}),
    (
        "ReportChargingProfiles",
        {"requestId": 1, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [PROFILE]},
        {},
    ),
    ("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": TIME}, {}),
]
NOT_SERVED: Final[dict[str, dict[str, Any]]] = {
    "Get15118EVCertificate": {"iso15118SchemaVersion": "urn", "action": "Install", "exiRequest": "…"},
    "GetCertificateStatus": {
        "ocspRequestData": {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": "a",
            "issuerKeyHash": "b",
            "serialNumber": "1",
            "responderURL": "http://ocsp.example",
        }
    },
    "NotifyEVChargingNeeds": {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}},
    "NotifyEVChargingSchedule": {"timeBase": TIME, "evseId": 1, "chargingSchedule": NO_SCHEDULE},
    "SignCertificate": {"csr": "…"},
}


def test_every_action_of_a_station_is_tried() -> None:
    own = {"BootNotification", "Heartbeat", "StatusNotification", "ReservationStatusUpdate"}
    assert {action for action, _, _ in EXCHANGES} | own == HANDLERS.keys()
    assert HANDLERS.keys() | NOT_SERVED.keys() == V201.station_actions


@pytest.mark.parametrize(("action", "request_", "response"), EXCHANGES)
async def test_what_is_served_is_answered(
    site: Site, action: str, request_: dict[str, Any], response: dict[str, Any]
) -> None:
    station = await site.connect_ready()
    assert await station.ask(action, request_) == response


@pytest.mark.parametrize("action", NOT_SERVED)
async def test_what_is_not_served_is_not_supported(site: Site, action: str) -> None:
    """Part 4 §4.3: the action is recognised, and not supported."""
    station = await site.connect_ready()
    frame = await station.call(action, NOT_SERVED[action])
    assert (frame[0], frame[2]) == (4, "NotSupported")


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("Nonsense", "NotImplemented"),
        ("heartbeat", "NotImplemented"),
        ("", "NotImplemented"),
        ("ReserveNow", "NotSupported"),
        ("GetBaseReport", "NotSupported"),
    ],
)
async def test_what_is_not_a_stations_to_send_is_refused(site: Site, action: str, code: str) -> None:
    """Part 4 §4.3."""
    station = await site.connect_ready()
    frame = await station.call(action)
    assert (frame[0], frame[2]) == (4, code)


@pytest.mark.parametrize(
    ("text", "message_id", "code"),
    [
        ("not json", "-1", "RpcFrameworkError"),
        ("{}", "-1", "RpcFrameworkError"),
        ('[2,"m1"]', "m1", "RpcFrameworkError"),
        ('[2,7,"Heartbeat",{}]', "-1", "RpcFrameworkError"),
        ('[9,"m1","Heartbeat",{}]', "m1", "MessageTypeNotSupported"),
        ('[2,"m1","Heartbeat",[]]', "m1", "FormatViolation"),
        ('[2,"m1","Heartbeat",{"a":1}]', "m1", "FormatViolation"),
        ('[2,"m1","StatusNotification",{}]', "m1", "OccurrenceConstraintViolation"),
    ],
)
async def test_what_is_malformed_is_refused_and_the_session_goes_on(
    site: Site, text: str, message_id: str, code: str
) -> None:
    station = await site.connect_ready()
    await station.send_text(text)
    frame = await station.receive()
    assert frame[:3] == [4, message_id, code]
    assert "currentTime" in await station.ask("Heartbeat")


async def test_a_call_that_is_sent_again_is_answered_again_and_served_once(site: Site) -> None:
    station = await site.connect()
    first = await station.call("BootNotification", BOOT, message_id="m1")
    await station.report_status()
    assert await station.call("BootNotification", BOOT, message_id="m1") == first
    assert site.state() == "Ready"  # a second boot would have made it PoweredUp
