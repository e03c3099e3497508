"""F Remote control with a foreign station: remote starts and stops, unlocking, triggered messages."""

from __future__ import annotations

from typing import Any, Final

from tests.interop.foreign_stations import (
    IDENTITY,
    STATION,
    ForeignStation,
    at,
    csms_and_booted_station,
    events,
)
from tests.processes import Csms, Programs

TOKEN: Final = {"idToken": "driver-1", "type": "Central"}


async def transaction(csms: Csms, transaction_id: str) -> dict[str, Any]:
    """A transaction of the station, as REST shows it."""
    found: dict[str, Any] = await csms.get(f"/api/v1/transactions/{IDENTITY}/{transaction_id}")
    return found


async def start(station: ForeignStation, transaction_id: str, remote_start_id: int) -> dict[str, Any]:
    """The transaction that a RequestStartTransaction has asked for begins (F02)."""
    return await station.event(
        "Started",
        transaction_id,
        0,
        trigger_reason="RemoteStart",
        id_token={"id_token": "driver-1", "type": "Central"},
        evse={"id": 1, "connector_id": 1},
        info={"remote_start_id": remote_start_id},
    )


async def test_f01_to_f06_a_station_does_from_afar_what_it_is_asked_and_its_answers_come_back(
    programs: Programs,
) -> None:
    csms, station = await csms_and_booted_station(programs)
    await starts_and_stops_a_transaction(csms, station)
    await unlocks_its_connectors(csms, station)
    await sends_messages_that_are_triggered(csms, station)


async def starts_and_stops_a_transaction(csms: Csms, station: ForeignStation) -> None:
    """F01 to F03."""
    await station.will_answer("RequestStartTransaction", status="Accepted")
    status, answer = await csms.call(IDENTITY, "RequestStartTransaction", {"idToken": TOKEN, "evseId": 1})
    assert (status, answer["result"]) == (200, {"status": "Accepted"})
    asked = await station.received("RequestStartTransaction")
    assert asked == {
        "remote_start_id": answer["remote_start_id"],
        "id_token": {"id_token": "driver-1", "type": "Central"},
        "evse_id": 1,
    }
    started = await start(station, "t-1", asked["remote_start_id"])
    assert started == {"id_token_info": {"status": "Accepted"}}
    assert (await transaction(csms, "t-1"))["remote_start_id"] == asked["remote_start_id"]

    await station.will_answer("RequestStopTransaction", status="Rejected")
    stop = {"transactionId": "t-9"}
    assert await csms.call(IDENTITY, "RequestStopTransaction", stop) == (200, {"result": {"status": "Rejected"}})
    await station.will_answer("RequestStopTransaction", status="Accepted")
    stop = {"transactionId": "t-1"}
    assert await csms.call(IDENTITY, "RequestStopTransaction", stop) == (200, {"result": {"status": "Accepted"}})
    assert await station.received("RequestStopTransaction") == {"transaction_id": "t-1"}
    await station.event("Ended", "t-1", 1, trigger_reason="RemoteStop", info={"stopped_reason": "Remote"})
    kept = await transaction(csms, "t-1")
    assert (kept["open"], kept["stopped_reason"], kept["complete"]) == (False, "Remote", True)


async def unlocks_its_connectors(csms: Csms, station: ForeignStation) -> None:
    """F05."""
    connector = {"evseId": 1, "connectorId": 1}
    for status in ("Unlocked", "UnlockFailed", "OngoingAuthorizedTransaction", "UnknownConnector"):
        await station.will_answer("UnlockConnector", status=status)
        assert await csms.call(IDENTITY, "UnlockConnector", connector) == (200, {"result": {"status": status}})
        assert await station.received("UnlockConnector") == {"evse_id": 1, "connector_id": 1}


async def sends_messages_that_are_triggered(csms: Csms, station: ForeignStation) -> None:
    """F06."""
    await station.will_answer("TriggerMessage", status="Accepted")
    wish: dict[str, Any] = {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}
    assert await csms.call(IDENTITY, "TriggerMessage", wish) == (200, {"result": {"status": "Accepted"}})
    asked = await station.received("TriggerMessage")
    assert asked == {"requested_message": "StatusNotification", "evse": {"id": 1, "connector_id": 1}}
    await station.report("Occupied", timestamp=at(5))
    (connector_kept,) = (await csms.get(STATION))["connectors"]
    assert (connector_kept["status"], connector_kept["timestamp"]) == ("Occupied", at(5))

    wish = {"requestedMessage": "MeterValues", "evse": {"id": 1}}
    assert await csms.call(IDENTITY, "TriggerMessage", wish) == (200, {"result": {"status": "Accepted"}})
    sample = {"value": 11.0, "measurand": "Current.Import", "context": "Trigger", "phase": "L1"}
    values = [{"timestamp": at(6), "sampled_value": [sample]}]
    assert await station.call("MeterValues", evse_id=1, meter_value=values) == {}
    (value,) = (await csms.get(f"{STATION}/meter-values"))["meter_values"]
    assert (value["context"], value["value"], value["evse_id"]) == ("Trigger", 11.0, 1), "F06.FR.06"

    wish = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
    await station.event("Started", "t-2", 0, evse={"id": 1})
    assert await csms.call(IDENTITY, "TriggerMessage", wish) == (200, {"result": {"status": "Accepted"}})
    charging = {"charging_state": "Charging"}
    assert await station.event("Updated", "t-2", 1, trigger_reason="Trigger", info=charging) == {}
    kept = await transaction(csms, "t-2")
    assert (kept["charging_state"], kept["events"][1]["request"]["triggerReason"]) == ("Charging", "Trigger")
    await station.will_answer("TriggerMessage", status="NotImplemented")
    unknown = {"requestedMessage": "PublishFirmwareStatusNotification"}
    assert await csms.call(IDENTITY, "TriggerMessage", unknown) == (200, {"result": {"status": "NotImplemented"}})


async def test_f01_f02_a_durable_start_is_told_which_transaction_it_has_started(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs)

    async def order(**payload: Any) -> dict[str, Any]:
        wish = {"station_id": IDENTITY, "action": "RequestStartTransaction", "payload": {"idToken": TOKEN, **payload}}
        answer = await csms.rest.post("/api/v1/commands", json=wish)
        assert answer.status_code == 202, answer.text
        command: dict[str, Any] = answer.json()
        return command

    async def over(command: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await csms.shows(
            f"/api/v1/commands/{command['command_id']}", lambda body: body["state"] not in ("Queued", "Sent")
        )
        return found

    await station.will_answer("RequestStartTransaction", status="Accepted")
    free = await over(await order(evseId=1))
    assert (free["state"], free["result"], free["transaction_id"]) == ("Succeeded", {"status": "Accepted"}, None)
    await start(station, "t-1", free["remote_start_id"])
    assert (await over(free))["transaction_id"] == "t-1", "F02.FR.01: told by the remoteStartId"

    assert await station.event("Started", "t-2", 0, evse={"id": 1, "connector_id": 1}) == {}
    await station.will_answer("RequestStartTransaction", status="Accepted", transaction_id="t-2")
    plugged_in = await over(await order(evseId=1, remoteStartId=4711))
    assert (plugged_in["remote_start_id"], plugged_in["transaction_id"]) == (4711, "t-2"), "F01.FR.13"
    remote = {"remote_start_id": 4711}
    await station.event("Updated", "t-2", 1, trigger_reason="RemoteStart", info=remote)
    assert (await transaction(csms, "t-2"))["remote_start_id"] == 4711, "F01.FR.25"

    info = {"reason_code": "TxInProgress", "additional_info": "EVSE 1 is busy"}
    await station.will_answer("RequestStartTransaction", status="Rejected", status_info=info)
    refused = await over(await order(evseId=1))
    assert (refused["state"], refused["result"]["status"], refused["transaction_id"]) == ("Refused", "Rejected", None)
    assert refused["result"]["statusInfo"] == {"reasonCode": "TxInProgress", "additionalInfo": "EVSE 1 is busy"}
    assert [one["state"] for one in refused["history"]] == ["Queued", "Sent", "Refused"]
    async with events(csms) as told:
        for command in (free, plugged_in, refused):
            ended = await told.next("command.state", command_id=command["command_id"], state=command["state"])
            assert ended["action"] == "RequestStartTransaction"
