"""POST /api/v1/stations/{id}/calls/{Action}: any request that a CSMS may send, and what may become of it."""

from __future__ import annotations

from typing import Any, Final

import pytest
import trio

from shared.ocppj.versions import V201
from tests.csms.api.problems import problem
from tests.csms.site import Site, settle

EVSE: Final = {"id": 1}
TOKEN: Final = {"idToken": "AABBCCDD", "type": "ISO14443"}
TIME: Final = "2026-11-22T05:00:00Z"
HASH: Final = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a",
    "issuerKeyHash": "b",
    "serialNumber": "1",
}
COMPONENT: Final = {"component": {"name": "EVSE"}, "variable": {"name": "Power"}}
PROFILE: Final = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [
        {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000.0}]}
    ],
}
MESSAGE: Final = {"id": 1, "priority": "AlwaysFront", "message": {"format": "UTF8", "content": "Hello"}}
ACCEPTED: Final[dict[str, Any]] = {"status": "Accepted"}

# Of every action of a CSMS: a request, and an answer to it.
EXCHANGES: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "CancelReservation": ({"reservationId": 1}, ACCEPTED),
    "CertificateSigned": ({"certificateChain": "…"}, ACCEPTED),
    "ChangeAvailability": ({"operationalStatus": "Inoperative", "evse": EVSE}, {"status": "Scheduled"}),
    "ClearCache": ({}, ACCEPTED),
    "ClearChargingProfile": ({"chargingProfileId": 1}, {"status": "Unknown"}),
    "ClearDisplayMessage": ({"id": 1}, ACCEPTED),
    "ClearVariableMonitoring": ({"id": [1]}, {"clearMonitoringResult": [{"status": "Accepted", "id": 1}]}),
    "CostUpdated": ({"totalCost": 1.5, "transactionId": "T1"}, {}),
    "CustomerInformation": ({"requestId": 1, "report": True, "clear": False}, ACCEPTED),
    "DataTransfer": ({"vendorId": "example", "data": [1, {"a": None}]}, {"status": "Accepted", "data": "fine"}),
    "DeleteCertificate": ({"certificateHashData": HASH}, ACCEPTED),
    "GetBaseReport": ({"requestId": 1, "reportBase": "FullInventory"}, ACCEPTED),
    "GetChargingProfiles": ({"requestId": 1, "chargingProfile": {}}, {"status": "NoProfiles"}),
    "GetCompositeSchedule": ({"duration": 60, "evseId": 1}, ACCEPTED),
    "GetDisplayMessages": ({"requestId": 1}, ACCEPTED),
    "GetInstalledCertificateIds": ({}, {"status": "NotFound"}),
    "GetLocalListVersion": ({}, {"versionNumber": 1}),
    "GetLog": ({"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "ftp://x"}}, ACCEPTED),
    "GetMonitoringReport": ({"requestId": 1}, ACCEPTED),
    "GetReport": ({"requestId": 1}, ACCEPTED),
    "GetTransactionStatus": ({}, {"messagesInQueue": False}),
    "GetVariables": (
        {"getVariableData": [COMPONENT]},
        {"getVariableResult": [COMPONENT | {"attributeStatus": "Accepted", "attributeValue": "1"}]},
    ),
    "InstallCertificate": ({"certificateType": "CSMSRootCertificate", "certificate": "…"}, ACCEPTED),
    "PublishFirmware": ({"location": "ftp://x", "checksum": "0" * 32, "requestId": 1}, ACCEPTED),
    "RequestStartTransaction": ({"remoteStartId": 1, "idToken": TOKEN}, ACCEPTED),
    "RequestStopTransaction": ({"transactionId": "T1"}, ACCEPTED),
    "ReserveNow": ({"id": 1, "expiryDateTime": TIME, "idToken": TOKEN, "evseId": 1}, {"status": "Occupied"}),
    "Reset": ({"type": "OnIdle"}, {"status": "Scheduled"}),
    "SendLocalList": ({"versionNumber": 1, "updateType": "Full"}, ACCEPTED),
    "SetChargingProfile": ({"evseId": 1, "chargingProfile": PROFILE}, ACCEPTED),
    "SetDisplayMessage": ({"message": MESSAGE}, ACCEPTED),
    "SetMonitoringBase": ({"monitoringBase": "All"}, ACCEPTED),
    "SetMonitoringLevel": ({"severity": 5}, ACCEPTED),
    "SetNetworkProfile": (
        {
            "configurationSlot": 1,
            "connectionData": {
                "ocppVersion": "OCPP20",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": "ws://csms.example",
                "messageTimeout": 30,
                "securityProfile": 1,
                "ocppInterface": "Wired0",
            },
        },
        ACCEPTED,
    ),
    "SetVariableMonitoring": (
        {"setMonitoringData": [COMPONENT | {"value": 1.0, "type": "Delta", "severity": 5}]},
        {"setMonitoringResult": [COMPONENT | {"status": "Accepted", "type": "Delta", "severity": 5, "id": 1}]},
    ),
    "SetVariables": (
        {"setVariableData": [COMPONENT | {"attributeValue": "1"}]},
        {"setVariableResult": [COMPONENT | {"attributeStatus": "Accepted"}]},
    ),
    "TriggerMessage": ({"requestedMessage": "Heartbeat"}, {"status": "NotImplemented"}),
    "UnlockConnector": ({"evseId": 1, "connectorId": 1}, {"status": "Unlocked"}),
    "UnpublishFirmware": ({"checksum": "0" * 32}, {"status": "Unpublished"}),
    "UpdateFirmware": ({"requestId": 1, "firmware": {"location": "ftp://x", "retrieveDateTime": TIME}}, ACCEPTED),
}


class TestEveryAction:
    def test_is_tried(self) -> None:
        assert EXCHANGES.keys() == V201.csms_actions

    @pytest.mark.parametrize("action", EXCHANGES)
    async def test_reaches_the_station_and_its_answer_comes_back(self, site: Site, action: str) -> None:
        station = await site.connect_ready()
        request, response = EXCHANGES[action]
        asking = site.call_later(action, request)
        assert await station.answer(action, response) == request
        answer = await asking.get()
        assert (answer.status, answer.json) == (200, {"result": response})
        assert answer.headers["content-type"] == "application/json"


class TestTheAnswer:
    async def test_to_a_call_without_a_body_is_that_to_an_empty_one(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later("ClearCache")
        assert await station.answer("ClearCache", ACCEPTED) == {}
        assert (await asking.get()).status == 200

    async def test_404_an_unknown_station(self, site: Site) -> None:
        assert problem(await site.call("ClearCache", identity="CP_9"))["status"] == 404

    @pytest.mark.parametrize("action", ["Nonsense", "clearcache", "Heartbeat", "BootNotification", "ClearCacheRequest"])
    async def test_404_what_is_no_action_of_a_csms(self, site: Site, action: str) -> None:
        await site.connect_ready()
        details = problem(await site.call(action, {}))
        assert details["status"] == 404
        assert action in details["detail"]

    async def test_404_no_action_of_a_csms_also_while_the_station_is_away(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        assert problem(await site.call("Nonsense"))["status"] == 404

    async def test_503_a_station_that_is_not_connected(self, site: Site) -> None:
        await site.put("/api/v1/stations/CP_1", {})
        details = problem(await site.call("ClearCache"))
        assert (details["status"], details["detail"]) == (503, "CP_1 is not connected")

    async def test_503_a_station_that_goes_meanwhile_at_once(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later("ClearCache")
        await station.expect("ClearCache")
        await station.vanish()
        assert problem(await asking.get())["status"] == 503
        assert trio.current_time() == 0

    @pytest.mark.parametrize("data", ["{", "Accepted", b"\xff"])
    async def test_400_what_is_no_json(self, site: Site, data: Any) -> None:
        await site.connect_ready()
        answer = await site.ask("POST", "/api/v1/stations/CP_1/calls/ClearCache", data=data)
        assert problem(answer)["status"] == 400

    @pytest.mark.parametrize("data", ["[]", '"Accepted"', "7", "null", "true"])
    async def test_422_what_is_no_object(self, site: Site, data: str) -> None:
        await site.connect_ready()
        answer = await site.ask("POST", "/api/v1/stations/CP_1/calls/ClearCache", data=data)
        assert (problem(answer)["status"], answer.json["pointer"]) == (422, "")

    @pytest.mark.parametrize(
        ("payload", "pointer", "code"),
        [
            ({}, "/type", "OccurrenceConstraintViolation"),
            ({"type": 1}, "/type", "TypeConstraintViolation"),
            ({"type": "Now"}, "/type", "PropertyConstraintViolation"),
            ({"type": "OnIdle", "evse": 1}, "/evse", "FormatViolation"),
            ({"type": "OnIdle", "customData": {}}, "/customData/vendorId", "OccurrenceConstraintViolation"),
            ({"type": "OnIdle", "why: this": 1}, "/why: this", "FormatViolation"),
        ],
    )
    async def test_422_what_the_schema_does_not_allow_with_a_json_pointer(
        self, site: Site, payload: dict[str, Any], pointer: str, code: str
    ) -> None:
        station = await site.connect_ready()
        details = problem(await site.call("Reset", payload))
        assert (details["status"], details["pointer"], details["code"]) == (422, pointer, code)
        assert pointer in details["detail"]
        await settle()
        assert station.unread() == []

    async def test_422_what_is_nested_too_deeply_to_be_sent_and_the_station_stays(self, site: Site) -> None:
        station = await site.connect_ready()
        for depth in (300, 254, 253):
            data = '{"vendorId": "x", "data": ' + "[" * depth + "]" * depth + "}"
            answer = await site.ask("POST", "/api/v1/stations/CP_1/calls/DataTransfer", data=data)
            details = problem(answer)
            assert (details["status"], details["pointer"]) == (422, "")
        assert "currentTime" in await station.ask("Heartbeat")
        asking = site.call_later("DataTransfer", {"vendorId": "x", "data": [[[[]]]]})
        await station.answer("DataTransfer", ACCEPTED)
        assert (await asking.get()).status == 200

    async def test_502_a_callerror_as_the_station_sent_it(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later("ClearCache")
        await station.refuse("ClearCache", "NotSupported", "no cache here", {"hint": [1, "x"]})
        details = problem(await asking.get())
        assert details["status"] == 502
        assert details["error"] == {
            "code": "NotSupported",
            "description": "no cache here",
            "details": {"hint": [1, "x"]},
        }

    async def test_502_an_answer_the_schema_does_not_allow(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later("ClearCache")
        await station.answer("ClearCache", {"status": "Perhaps"})
        details = problem(await asking.get())
        assert details["status"] == 502
        assert "/status" in details["detail"]

    async def test_502_an_answer_that_cannot_be_read(self, site: Site) -> None:
        station = await site.connect_ready()
        asking = site.call_later("ClearCache")
        message_id, _ = await station.expect("ClearCache")
        await station.send([3, message_id])
        assert problem(await asking.get())["status"] == 502

    async def test_504_no_answer_in_time(self, site: Site) -> None:
        await site.connect_ready()
        assert problem(await site.call("ClearCache"))["status"] == 504
        assert trio.current_time() == 30

    async def test_is_not_kept_from_a_station_that_will_refuse(self, site: Site) -> None:
        """Nothing beyond the schema is checked."""
        station = await site.connect()
        asking = site.call_later("UnlockConnector", {"evseId": 99, "connectorId": 99})
        await station.answer("UnlockConnector", {"status": "UnknownConnector"})
        assert (await asking.get()).json == {"result": {"status": "UnknownConnector"}}
