"""Our station charges at a CSMS that is not ours: authorization, transactions, remote control, variables, resets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.interop.station_at_hand import CARD, CARD_THERE, SOCKET_OF_EVSE_1, StationAtHand, client
from tests.processes import Programs

Start = Callable[..., Awaitable[StationAtHand]]
NOT_SERVED: dict[str, dict[str, Any]] = {
    "GetLocalListVersion": {},
    "CostUpdated": {"total_cost": 1, "transaction_id": "t"},
    "ClearChargingProfile": {},
    "UnpublishFirmware": {"checksum": "0" * 32},
    "GetInstalledCertificateIds": {},
    "ClearVariableMonitoring": {"id": [1]},
    "ClearDisplayMessage": {"id": 1},
}
HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}


@pytest.fixture
async def start(programs: Programs) -> AsyncIterator[Start]:
    """Starts our station on a foreign CSMS."""
    async with client() as talking:

        async def start_one(*options: str) -> StationAtHand:
            return await StationAtHand.start(programs, talking, *options)

        yield start_one


async def test_c01_a_card_is_accepted_or_refused(start: Start) -> None:
    station = await start()
    await station.peer.do("answer", action="Authorize", id_token_info={"status": "Blocked"})
    assert (await station.post("/evses/1/present-token", CARD))["status"] == "Blocked"
    assert await station.peer.received("Authorize") == {"id_token": CARD_THERE}
    await station.peer.do("answer", action="Authorize", id_token_info={"status": "Accepted"})
    assert (await station.post("/evses/1/present-token", CARD))["status"] == "Accepted"


async def test_e01_e02_e06_j02_a_whole_transaction(start: Start) -> None:
    station = await start()
    interval = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
    answer = await station.peer.call("SetVariables", set_variable_data=[{"attribute_value": "1", **interval}])
    assert answer["set_variable_result"][0]["attribute_status"] == "Accepted"
    await station.peer.do("answer", action="TransactionEvent", id_token_info={"status": "Accepted"})
    started = await station.charge()
    assert started["seq_no"] == 0
    assert started["id_token"] == CARD_THERE
    assert started["evse"] == {"id": 1, "connector_id": 1}
    sample = await station.peer.received("TransactionEvent", trigger_reason="MeterValuePeriodic")
    assert {value["measurand"] for value in sample["meter_value"][0]["sampled_value"]} >= {"Power.Active.Import"}

    transaction_id = started["transaction_info"]["transaction_id"]
    status = await station.peer.call("GetTransactionStatus", transaction_id=transaction_id)
    assert status["ongoing_indicator"] is True
    assert (await station.post("/evses/1/present-token", CARD))["status"] == "Accepted"
    ended = await station.peer.received("TransactionEvent", event_type="Ended")
    assert ended["transaction_info"]["transaction_id"] == transaction_id
    assert ended["transaction_info"]["stopped_reason"] == "Local"
    events = station.peer.all_received("TransactionEvent")
    assert [event["seq_no"] for event in events] == list(range(len(events)))
    status = await station.peer.call("GetTransactionStatus", transaction_id=transaction_id)
    assert status["ongoing_indicator"] is False


async def test_e05_who_is_refused_afterwards_charges_no_more(start: Start) -> None:
    station = await start()
    await station.peer.do("answer", action="TransactionEvent", id_token_info={"status": "Invalid"})
    await station.post(f"{SOCKET_OF_EVSE_1}/plug-in")
    await station.post("/evses/1/present-token", CARD)
    ended = await station.peer.received("TransactionEvent", event_type="Ended")
    assert ended["transaction_info"]["stopped_reason"] == "DeAuthorized"


async def test_f01_f03_f05_remote_start_stop_and_unlock(start: Start) -> None:
    station = await start()
    peer = station.peer
    await station.post(f"{SOCKET_OF_EVSE_1}/plug-in")
    wish: dict[str, Any] = {"id_token": CARD_THERE, "remote_start_id": 7, "evse_id": 1}
    assert (await peer.call("RequestStartTransaction", **wish))["status"] == "Accepted"
    started = await peer.received("TransactionEvent", event_type="Started")
    assert started["trigger_reason"] == "RemoteStart"
    assert started["transaction_info"]["remote_start_id"] == 7
    assert (await peer.call("RequestStartTransaction", **wish | {"remote_start_id": 8}))["status"] == "Rejected"
    unlock: dict[str, Any] = {"evse_id": 1, "connector_id": 1}
    assert await peer.call("UnlockConnector", **unlock) == {"status": "OngoingAuthorizedTransaction"}, "F05.FR.02"
    assert await peer.call("UnlockConnector", evse_id=1, connector_id=9) == {"status": "UnknownConnector"}
    assert await peer.call("RequestStopTransaction", transaction_id="none") == {"status": "Rejected"}
    transaction_id = started["transaction_info"]["transaction_id"]
    assert await peer.call("RequestStopTransaction", transaction_id=transaction_id) == {"status": "Accepted"}
    ended = await peer.received("TransactionEvent", event_type="Ended")
    assert (ended["trigger_reason"], ended["transaction_info"]["stopped_reason"]) == ("RemoteStop", "Remote")
    assert await peer.call("UnlockConnector", **unlock) == {"status": "Unlocked"}


async def test_f06_g03_triggers_and_availability_while_it_charges(start: Start) -> None:
    station = await start()
    peer = station.peer
    await station.charge()
    peer.forget()
    assert await peer.call("TriggerMessage", requested_message="MeterValues") == {"status": "Accepted"}
    assert (await peer.received("MeterValues"))["evse_id"] == 1
    assert await peer.call("TriggerMessage", requested_message="TransactionEvent") == {"status": "Accepted"}
    await peer.received("TransactionEvent", trigger_reason="Trigger")

    scheduled = await peer.call("ChangeAvailability", operational_status="Inoperative", evse={"id": 1})
    assert scheduled == {"status": "Scheduled"}, "G03.FR.05"
    await station.post("/evses/1/stop")
    await peer.received("TransactionEvent", event_type="Ended")
    await peer.received("StatusNotification", connector_status="Unavailable")


async def test_b05_b06_b07_variables_and_a_report(start: Start) -> None:
    station = await start()
    peer = station.peer
    set_result = await peer.call("SetVariables", set_variable_data=[{"attribute_value": "77", **HEARTBEAT}])
    assert set_result["set_variable_result"][0]["attribute_status"] == "Accepted"
    unknown = {"component": {"name": "Teapot"}, "variable": {"name": "Milk"}}
    got = await peer.call("GetVariables", get_variable_data=[HEARTBEAT, unknown])
    first, second = got["get_variable_result"]
    assert (first["attribute_status"], first["attribute_value"]) == ("Accepted", "77")
    assert second["attribute_status"] == "UnknownComponent"

    assert await peer.call("GetBaseReport", request_id=5, report_base="FullInventory") == {"status": "Accepted"}
    await peer.received("NotifyReport", tbc=False)
    reports = peer.all_received("NotifyReport")
    assert [report["seq_no"] for report in reports] == list(range(len(reports)))
    assert {report["request_id"] for report in reports} == {5}
    assert len([data for report in reports for data in report["report_data"]]) > 80


async def test_b11_b12_resets_wait_for_the_driver_or_do_not(start: Start) -> None:
    station = await start()
    peer = station.peer
    await station.charge()
    peer.forget()
    assert await peer.call("Reset", type="OnIdle") == {"status": "Scheduled"}
    assert await peer.call("Reset", type="Immediate") == {"status": "Accepted"}
    ended = await peer.received("TransactionEvent", event_type="Ended")
    assert ended["transaction_info"]["stopped_reason"] == "ImmediateReset"
    assert (await peer.tells("closed"))["code"] == 1001
    assert (await peer.received("BootNotification"))["reason"] == "RemoteReset"


async def test_h03_a_reserved_connector_serves_who_reserved_it(start: Start) -> None:
    station = await start()
    peer = station.peer
    wish: dict[str, Any] = {"id": 4, "expiry_date_time": "2099-01-01T00:00:00Z", "id_token": CARD_THERE, "evse_id": 1}
    assert (await peer.call("ReserveNow", **wish))["status"] == "Accepted"
    await peer.received("StatusNotification", connector_status="Reserved")
    stranger = {"idToken": "bert", "type": "ISO14443"}
    assert (await station.post("/evses/1/present-token", stranger))["status"] == "NotAtThisTime"
    started = await station.charge()
    assert started["reservation_id"] == 4


async def test_p01_p02_data_transfer_both_ways(start: Start) -> None:
    station = await start()
    peer = station.peer
    assert await peer.call("DataTransfer", vendor_id="org.stranger") == {"status": "UnknownVendorId"}
    await peer.do("answer", action="DataTransfer", status="Accepted", data={"tea": "ready"})
    sent = {"vendorId": "com.tea", "messageId": "Brew", "data": [1, 2]}
    answer = await station.post("/calls/DataTransfer", sent)
    assert answer == {"result": {"status": "Accepted", "data": {"tea": "ready"}}}
    assert await peer.received("DataTransfer") == {"vendor_id": "com.tea", "message_id": "Brew", "data": [1, 2]}


async def test_what_the_station_does_not_serve_is_not_supported(start: Start) -> None:
    station = await start()
    for action, payload in NOT_SERVED.items():
        refused = await station.peer.call(action, **payload)
        assert refused == {"code": "NotSupported", "description": f"This station does not serve {action}"}
    assert await station.peer.call("TriggerMessage", requested_message="Heartbeat") == {"status": "Accepted"}
