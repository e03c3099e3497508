"""B Provisioning with a foreign station: boot, reports, variables, network profiles, reset."""

from __future__ import annotations

from typing import Any, Final

from tests.interop.foreign_stations import (
    IDENTITY,
    STATION,
    ForeignStation,
    csms_and_booted_station,
    csms_and_station,
    events,
)
from tests.processes import Csms, Programs

FULL_INVENTORY: Final = {
    "AuthCtrlr.Enabled": "true",
    "DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "2",
    "DeviceDataCtrlr.ItemsPerMessage[SetVariables]": "2",
    "OCPPCommCtrlr.HeartbeatInterval": "300",
    "OCPPCommCtrlr.NetworkConfigurationPriority": "1",
    "SecurityCtrlr.BasicAuthPassword": None,
    "TxCtrlr.EVConnectionTimeOut": "60",
}
"""What the station reports (tests/interop/peers/device_model.py)."""


async def variables(csms: Csms, **query: Any) -> dict[str, dict[str, Any]]:
    """The device model as REST shows it, by "Component.Variable[instance]"."""
    found = {}
    for told in (await csms.get(f"{STATION}/variables", **query))["variables"]:
        variable = told["variable"]
        instance = f"[{variable['instance']}]" if "instance" in variable else ""
        found[f"{told['component']['name']}.{variable['name']}{instance}"] = told
    return found


def name(component: str, variable: str, **more: Any) -> dict[str, Any]:
    """A variable in a request. more: its attributeValue, its instance."""
    instance = {"instance": more.pop("instance")} if "instance" in more else {}
    return {"component": {"name": component}, "variable": {"name": variable, **instance}, **more}


async def test_b01_b09_b11_b12_a_station_boots_gets_a_network_profile_and_is_reset(programs: Programs) -> None:
    csms, station = await csms_and_station(programs, "--heartbeat-interval", "77")
    boot = await station.boot(
        "ApplicationReset", serial_number="4711", firmware_version="1.2", modem={"iccid": "893", "imsi": "262"}
    )
    assert (boot["status"], boot["interval"]) == ("Accepted", 77)
    entry = await csms.get(STATION)
    assert entry["charging_station"] == {
        "model": "Foreign",
        "vendorName": "Abroad",
        "serialNumber": "4711",
        "firmwareVersion": "1.2",
        "modem": {"iccid": "893", "imsi": "262"},
    }
    assert (entry["registration"], entry["state"], entry["subprotocol"]) == ("Accepted", "PoweredUp", "ocpp2.0.1")
    await station.report("Available")
    assert (await csms.get(STATION))["state"] == "Ready"
    await gets_network_profiles(csms, station)
    await is_reset(csms, station)

    async with events(csms) as told:
        assert await told.next("station.connected") == {"subprotocol": "ocpp2.0.1"}
        booted = await told.next("station.booted")
        assert booted == {
            "status": "Accepted",
            "reason": "ApplicationReset",
            "model": "Foreign",
            "vendor_name": "Abroad",
            "firmware_version": "1.2",
        }
        await told.next("station.booted", reason="RemoteReset")
        await station.do("vanish")
        assert not (await told.next("station.disconnected"))["expected"]
    entry = await csms.get(STATION)
    assert (entry["connected"], entry["state"]) == (False, None)


async def gets_network_profiles(csms: Csms, station: ForeignStation) -> None:
    """B09."""
    profile = {
        "configurationSlot": 1,
        "connectionData": {
            "ocppVersion": "OCPP20",
            "ocppTransport": "JSON",
            "ocppCsmsUrl": "wss://csms.example/ocpp",
            "messageTimeout": 30,
            "securityProfile": 2,
            "ocppInterface": "Wired0",
            "apn": {"apn": "internet", "apnPassword": "open sesame", "apnAuthentication": "CHAP"},
        },
    }
    await station.will_answer("SetNetworkProfile", status="Accepted")
    assert await csms.call(IDENTITY, "SetNetworkProfile", profile) == (200, {"result": {"status": "Accepted"}})
    received = await station.received("SetNetworkProfile", configuration_slot=1)
    assert received["connection_data"]["ocpp_csms_url"] == "wss://csms.example/ocpp"
    assert received["connection_data"]["apn"]["apn_password"] == "open sesame"
    info = {"reason_code": "InvalidURL", "additional_info": "no such host"}
    await station.will_answer("SetNetworkProfile", status="Rejected", status_info=info)
    _, answer = await csms.call(IDENTITY, "SetNetworkProfile", profile)
    assert answer["result"]["statusInfo"] == {"reasonCode": "InvalidURL", "additionalInfo": "no such host"}
    told = await csms.shows(f"{STATION}/messages", lambda body: len(body["messages"]) == 2, action="SetNetworkProfile")
    kept = [one["request"]["connectionData"] for one in told["messages"]]
    assert [(one["ocppInterface"], one["apn"]["apnPassword"]) for one in kept] == [("Wired0", "***")] * 2


async def is_reset(csms: Csms, station: ForeignStation) -> None:
    """B11, B12."""
    await station.will_answer("Reset", status="Rejected")
    assert await csms.call(IDENTITY, "Reset", {"type": "Immediate"}) == (200, {"result": {"status": "Rejected"}})
    assert (await csms.get(STATION))["reset"] is None, "B11.FR.06"
    for kind, agreed in (("OnIdle", "Scheduled"), ("Immediate", "Accepted")):
        await station.will_answer("Reset", status=agreed)
        assert await csms.call(IDENTITY, "Reset", {"type": kind}) == (200, {"result": {"status": agreed}})
        assert await station.received("Reset") == {"type": kind}
        reset = (await csms.get(STATION))["reset"]
        assert (reset["kind"], reset["status"]) == (kind, agreed), "B11.FR.03, B12.FR.01"
    before = await csms.get(STATION)
    async with events(csms) as happened:
        await station.do("close")
        assert (await happened.next("station.disconnected"))["expected"]
        await station.connect(csms)
        assert (await station.boot("RemoteReset"))["status"] == "Accepted"
        await happened.next("station.booted", reason="RemoteReset")
    entry = await csms.get(STATION)
    assert entry["reset"] is None
    assert entry["booted_at"] > before["booted_at"]


async def test_b02_b03_b07_a_station_waits_and_is_accepted_once_its_base_report_is_complete(programs: Programs) -> None:
    csms, station = await csms_and_station(
        programs, "--accept-pending", "report", "--boot-retry-interval", "7", registration="Rejected"
    )
    boot = await station.boot()
    assert (boot["status"], boot["interval"]) == ("Rejected", 7), "B03.FR.01"
    status, problem = await csms.call(IDENTITY, "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    assert (status, problem["detail"]) == (503, f"{IDENTITY} is Rejected"), "B03.FR.03"

    await csms.patch(IDENTITY, registration="Pending")
    boot = await station.boot()
    assert (boot["status"], boot["interval"]) == ("Pending", 7), "B02.FR.01"
    asked = await station.received("GetBaseReport", report_base="FullInventory")
    await csms.shows(STATION, lambda entry: entry["registration"] == "Accepted")
    # The answer to GetBaseReport may be taken note of behind the report itself.
    told = await csms.shows(f"{STATION}/variables", lambda body: [one for one in body["reports"] if one["status"]])
    (report,) = told["reports"]
    assert (report["request_id"], report["report_base"], report["status"]) == (
        asked["request_id"],
        "FullInventory",
        "Accepted",
    )
    assert (report["complete"], report["missing"]) == (True, [])
    kept = await variables(csms)
    assert {one: kept[one]["value"] for one in kept} == FULL_INVENTORY
    interval = kept["OCPPCommCtrlr.HeartbeatInterval"]
    assert (interval["attribute_type"], interval["mutability"], interval["persistent"]) == ("Actual", "ReadWrite", True)
    assert interval["characteristics"] == {"dataType": "integer", "supportsMonitoring": False, "unit": "s"}
    assert kept["DeviceDataCtrlr.ItemsPerMessage[GetVariables]"]["mutability"] == "ReadOnly"
    assert (await station.call("Heartbeat"))["code"] == "SecurityError", "B02.FR.09"

    assert (await station.boot())["status"] == "Accepted"
    assert "current_time" in await station.call("Heartbeat")
    async with events(csms) as happened:
        assert [(await happened.next("station.booted"))["status"] for _ in range(3)] == [
            "Rejected",
            "Pending",
            "Accepted",
        ]


async def test_b05_b06_variables_are_got_and_set_in_as_many_messages_as_the_station_takes(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs)
    report = {"requestId": 815, "reportBase": "FullInventory"}
    assert await csms.call(IDENTITY, "GetBaseReport", report) == (200, {"result": {"status": "Accepted"}})
    await csms.shows(f"{STATION}/variables", lambda body: body["reports"][0]["complete"])

    wanted = [
        name("TxCtrlr", "EVConnectionTimeOut"),
        name("SecurityCtrlr", "BasicAuthPassword"),
        name("Teapot", "Lid"),
        name("AuthCtrlr", "Lid"),
        name("DeviceDataCtrlr", "ItemsPerMessage", instance="GetVariables"),
    ]
    got = (await csms.rest.post(f"{STATION}/variables/get", json={"variables": wanted})).json()["variables"]
    assert [(one["attributeStatus"], one.get("attributeValue")) for one in got] == [
        ("Accepted", "60"),
        ("Rejected", None),
        ("UnknownComponent", None),
        ("UnknownVariable", None),
        ("Accepted", "2"),
    ]
    asked = station.all_received("GetVariables")
    assert [len(message["get_variable_data"]) for message in asked] == [2, 2, 1], "B06.FR.05"

    values = [
        name("OCPPCommCtrlr", "HeartbeatInterval", attributeValue="60"),
        name("OCPPCommCtrlr", "NetworkConfigurationPriority", attributeValue="0,1"),
        name("DeviceDataCtrlr", "ItemsPerMessage", instance="SetVariables", attributeValue="9"),
        name("SecurityCtrlr", "BasicAuthPassword", attributeValue="correct horse battery"),
    ]
    done = (await csms.rest.post(f"{STATION}/variables/set", json={"variables": values})).json()["variables"]
    assert [one["attributeStatus"] for one in done] == ["Accepted", "RebootRequired", "Rejected", "Accepted"]
    assert done[2]["attributeStatusInfo"] == {"reasonCode": "ReadOnly", "additionalInfo": "it cannot be set"}
    assert [len(message["set_variable_data"]) for message in station.all_received("SetVariables")] == [2, 2]

    kept = await variables(csms)
    assert {one: kept[one]["value"] for one in kept} == FULL_INVENTORY | {
        "OCPPCommCtrlr.HeartbeatInterval": "60",
        "OCPPCommCtrlr.NetworkConfigurationPriority": "0,1",
    }
    assert [one for one in kept if kept[one]["reboot_required"]] == ["OCPPCommCtrlr.NetworkConfigurationPriority"]
    assert (await variables(csms, component="txctrlr")).keys() == {"TxCtrlr.EVConnectionTimeOut"}
    assert (await station.boot())["status"] == "Accepted"
    assert not (await variables(csms))["OCPPCommCtrlr.NetworkConfigurationPriority"]["reboot_required"]

    told = await csms.shows(f"{STATION}/messages", lambda body: len(body["messages"]) == 2, action="SetVariables")
    assert told["messages"][0]["request"]["setVariableData"][1]["attributeValue"] == "***", "A00.FR.205"
    assert not [line for line in csms.lines if "horse" in line]
