"""Our CSMS and a station that is not ours: the `ocpp` library, asyncio, websockets' client with compression."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from tests.interop.foreign_stations import CHARGING_STATION, csms_and_booted_station, csms_and_station
from tests.processes import Programs

NOW: Final = datetime(2026, 11, 22, tzinfo=UTC).isoformat()
METER_VALUE: Final = [{"timestamp": NOW, "sampled_value": [{"value": 1234.5, "measurand": "Power.Active.Import"}]}]


async def test_a_foreign_station_boots_reports_charges_and_leaves(programs: Programs) -> None:
    csms, peer = await csms_and_station(programs)
    connected = await peer.tells("connected")
    assert connected["subprotocol"] == "ocpp2.0.1"
    assert "permessage-deflate" in connected["extensions"], "Part 4 §3.3"

    boot = await peer.call("BootNotification", charging_station=CHARGING_STATION, reason="PowerUp")
    assert (boot["status"], boot["interval"]) == ("Accepted", 10)
    assert datetime.fromisoformat(boot["current_time"]).tzinfo is not None
    await peer.report("Available")
    assert (await peer.call("Heartbeat")).keys() == {"current_time"}

    def event(event_type: str, seq_no: int, **more: Any) -> dict[str, Any]:
        return {
            "event_type": event_type,
            "timestamp": NOW,
            "trigger_reason": "CablePluggedIn",
            "seq_no": seq_no,
            "transaction_info": {"transaction_id": "t-1", "charging_state": "Charging"},
            **more,
        }

    token = {"id_token": "04A2", "type": "ISO14443"}
    started = await peer.call("TransactionEvent", **event("Started", 0, id_token=token, evse={"id": 1}))
    assert started["id_token_info"]["status"] == "Unknown"
    assert await peer.call("TransactionEvent", **event("Updated", 1, meter_value=METER_VALUE)) == {}
    assert await peer.call("TransactionEvent", **event("Ended", 2)) == {}
    assert await peer.call("MeterValues", evse_id=1, meter_value=METER_VALUE) == {}
    assert await csms.listed() == ["FOREIGN"]

    await peer.do("close")
    await csms.says("FOREIGN: disconnected (1000")
    assert await csms.listed() == []


async def test_a_foreign_station_is_reserved_and_released_through_rest(programs: Programs) -> None:
    csms, peer = await csms_and_booted_station(programs)
    await peer.do("answer", action="ReserveNow", status="Accepted")
    status, answer = await csms.reserve()
    assert (status, answer["status"]) == (200, "Accepted")
    asked = await peer.received("ReserveNow")
    assert (asked["id"], asked["evse_id"]) == (answer["reservation_id"], 1)
    assert asked["id_token"] == {"id_token": "guest", "type": "Central"}
    await peer.report("Reserved")

    await peer.do("answer", action="CancelReservation", status="Accepted")
    cancelled = await csms.rest.delete(f"/api/v1/reservations/{answer['reservation_id']}")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "Accepted")
    assert await peer.received("CancelReservation") == {"reservation_id": answer["reservation_id"]}
    await peer.report("Available")

    await peer.do("answer", action="ReserveNow", status="Faulted")
    assert await csms.reserve("FOREIGN") == (200, {"status": "Faulted"}), "the station's own answer"


async def test_what_a_foreign_station_refuses_is_told_through_rest(programs: Programs) -> None:
    csms, peer = await csms_and_booted_station(programs)
    error = {"error": "InternalError", "description": "no more tea", "details": {"tea": "none"}}
    await peer.do("answer", action="ReserveNow", **error)
    status, answer = await csms.reserve("FOREIGN")
    assert (status, answer["error_code"]) == (502, 502)
    assert "no more tea" in answer["message"]

    await peer.do("answer", action="DataTransfer", **error)
    status, problem = await csms.call("FOREIGN", "DataTransfer", {"vendorId": "tea"})
    told = {"code": "InternalError", "description": "no more tea", "details": {"tea": "none"}}
    assert (status, problem["error"]) == (502, told)
    status, problem = await csms.call("FOREIGN", "GetLocalListVersion", {})
    assert (status, problem["error"]["code"]) == (502, "NotImplemented"), "the library has no handler for it"

    long_text = "compressed " * 300
    await peer.do("answer", action="DataTransfer", status="Accepted", data=long_text)
    sent = {"vendorId": "tea", "data": long_text}
    assert await csms.call("FOREIGN", "DataTransfer", sent) == (
        200,
        {"result": {"status": "Accepted", "data": long_text}},
    )
    assert (await peer.received("DataTransfer", data=long_text))["vendor_id"] == "tea"


async def test_a_foreign_station_understands_what_is_refused(programs: Programs) -> None:
    csms, peer = await csms_and_station(programs)
    assert (await peer.call("Heartbeat"))["code"] == "SecurityError", "before it has booted (B01.FR.10)"
    assert (await peer.call("BootNotification", charging_station=CHARGING_STATION, reason="PowerUp"))["status"]

    refused = await peer.call("SignCertificate", csr="a request")
    assert refused == {"code": "NotSupported", "description": "SignCertificate is not served by this CSMS"}
    refused = await peer.call("ClearCache")
    assert refused == {"code": "NotSupported", "description": "ClearCache is not sent by a Charging Station"}
    refused = await peer.call("DataTransfer", vendor_id=5, unchecked=True)
    assert refused["code"] == "TypeConstraintViolation"
    assert "/vendorId" in refused["description"]
    refused = await peer.call("BootNotification", charging_station={}, reason="PowerUp", unchecked=True)
    assert refused["code"] == "OccurrenceConstraintViolation"
    refused = await peer.call("BootNotification", charging_station=CHARGING_STATION, reason="Boredom", unchecked=True)
    assert refused["code"] == "PropertyConstraintViolation"
    assert await csms.listed() == ["FOREIGN"], "none of which ends the connection"
