"""B Provisioning: the CSMS reads and sets variables (B05, B06), and gives the station another password (A01)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock
from websockets.frames import CloseCode

from shared.handshake import basic_credentials
from shared.ocppj import errors
from shared.ocppj.schemas import Schemas
from station.blocks.provisioning.variables import RECONNECT_AFTER_S
from station.device_model import (
    BYTES_PER_MESSAGE_SET_VARIABLES,
    ITEMS_PER_MESSAGE_GET_VARIABLES,
    ITEMS_PER_MESSAGE_SET_VARIABLES,
    DeviceModel,
)
from tests.station.fake_csms import PASSWORD, FakeCsms, station_on_fake_csms

NEW_PASSWORD = "0123456789abcdef"
TOO_SHORT = "0123456789abcde"


def named(name: str, **evse: int) -> dict[str, Any]:
    """Component and variable for Component.Variable[Instance]; evse: id and connectorId."""
    component, _, rest = name.partition(".")
    variable, _, instance = rest.rstrip("]").partition("[")
    return {
        "component": {"name": component} | ({"evse": evse} if evse else {}),
        "variable": {"name": variable} | ({"instance": instance} if instance else {}),
    }


async def get(csms: FakeCsms, name: str, **evse: int) -> dict[str, Any]:
    response = await csms.call("GetVariables", {"getVariableData": [named(name, **evse)]})
    (result,) = response["getVariableResult"]
    assert isinstance(result, dict)
    return result


async def value(csms: FakeCsms, name: str, **evse: int) -> str:
    result = await get(csms, name, **evse)
    assert result["attributeStatus"] == "Accepted"
    return str(result["attributeValue"])


async def put(csms: FakeCsms, name: str, text: str, **evse: int) -> str:
    """Set a variable and return the status, behind which stands the reason code of a refusal."""
    data = named(name, **evse) | {"attributeValue": text}
    response = await csms.call("SetVariables", {"setVariableData": [data]})
    (result,) = response["setVariableResult"]
    info = result.get("attributeStatusInfo", {}).get("reasonCode", "")
    return f"{result['attributeStatus']} {info}".rstrip()


async def test_b05_fr_10_b06_fr_10_what_was_set_is_what_is_read(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await put(csms, "OCPPCommCtrlr.OfflineThreshold", "7") == "Accepted"
        assert await put(csms, "TxCtrlr.TxStartPoint", "EVConnected,Authorized") == "Accepted"
        assert await value(csms, "OCPPCommCtrlr.OfflineThreshold") == "7"
        assert await value(csms, "TxCtrlr.TxStartPoint") == "EVConnected,Authorized"


async def test_b05_fr_01_b05_fr_02_b05_fr_03_b05_fr_12_there_is_a_result_for_each_and_all_stand_alone(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    wanted = [
        named("OCPPCommCtrlr.OfflineThreshold") | {"attributeValue": "7", "attributeType": "Actual"},
        named("OCPPCommCtrlr.Nonsense") | {"attributeValue": "7"},
        named("nonsensectrlr.Enabled") | {"attributeValue": "7", "attributeType": "Target"},
        named("TXCTRLR.evconnectiontimeout") | {"attributeValue": "9"},
    ]
    async with station_on_fake_csms(schemas) as (_, csms):
        response = await csms.call("SetVariables", {"setVariableData": wanted})
        results = response["setVariableResult"]
        assert [result["attributeStatus"] for result in results] == [
            "Accepted",
            "UnknownVariable",
            "UnknownComponent",
            "Accepted",
        ]
        assert [result["attributeType"] for result in results] == ["Actual", "Actual", "Target", "Actual"]
        asked_for = [{"component": data["component"], "variable": data["variable"]} for data in wanted]
        assert [{"component": result["component"], "variable": result["variable"]} for result in results] == asked_for
        assert await value(csms, "TxCtrlr.EVConnectionTimeOut") == "9"


@pytest.mark.parametrize(
    ("name", "evse", "status"),
    [
        ("NonsenseCtrlr.Enabled", {}, "UnknownComponent"),  # B05.FR.04, B06.FR.06
        ("EVSE.Available", {}, "UnknownComponent"),
        ("EVSE.Available", {"id": 3}, "UnknownComponent"),
        ("EVSE.Available", {"id": 0}, "UnknownComponent"),
        ("Connector.Available", {"id": 1}, "UnknownComponent"),
        ("Connector.Available", {"id": 1, "connectorId": 2}, "UnknownComponent"),
        ("OCPPCommCtrlr.HeartbeatInterval", {"id": 1}, "UnknownComponent"),
        ("OCPPCommCtrlr.Nonsense", {}, "UnknownVariable"),  # B05.FR.05, B06.FR.07
        ("OCPPCommCtrlr.MessageTimeout", {}, "UnknownVariable"),  # B06.FR.15
        ("OCPPCommCtrlr.MessageTimeout[Nonsense]", {}, "UnknownVariable"),
        ("OCPPCommCtrlr.HeartbeatInterval[Default]", {}, "UnknownVariable"),
    ],
)
async def test_b05_b06_what_is_not_there_is_unknown(
    autojump_clock: MockClock, schemas: Schemas, name: str, evse: dict[str, int], status: str
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"],) * 2) as (_, csms):
        result = await get(csms, name, **evse)
        assert result == {"attributeStatus": status, "attributeType": "Actual"} | named(name, **evse)
        assert await put(csms, name, "1", **evse) == status


async def test_b06_fr_14_b06_fr_15_instances_are_told_apart(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await value(csms, "OCPPCommCtrlr.MessageTimeout[Default]") == "30"
        no_instance: dict[str, Any] = named("OCPPCommCtrlr.HeartbeatInterval")
        no_instance["component"]["instance"] = no_instance["variable"]["instance"] = ""
        response = await csms.call("GetVariables", {"getVariableData": [no_instance]})
        assert response["getVariableResult"][0]["attributeStatus"] == "Accepted"
        no_instance["component"]["instance"] = "Second"
        response = await csms.call("GetVariables", {"getVariableData": [no_instance]})
        assert response["getVariableResult"][0]["attributeStatus"] == "UnknownComponent"


@pytest.mark.parametrize("attribute_type", ["Target", "MinSet", "MaxSet"])
async def test_b05_fr_06_b06_fr_08_there_are_actual_values_alone(
    autojump_clock: MockClock, schemas: Schemas, attribute_type: str
) -> None:
    wanted = named("OCPPCommCtrlr.HeartbeatInterval") | {"attributeType": attribute_type}
    refused = wanted | {"attributeStatus": "NotSupportedAttributeType"}
    async with station_on_fake_csms(schemas) as (_, csms):
        response = await csms.call("GetVariables", {"getVariableData": [wanted]})
        assert response == {"getVariableResult": [refused]}
        response = await csms.call("SetVariables", {"setVariableData": [wanted | {"attributeValue": "1"}]})
        assert response == {"setVariableResult": [refused]}


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("OCPPCommCtrlr.HeartbeatInterval", "often", "Rejected InvalidValue"),  # B05.FR.07
        ("OCPPCommCtrlr.HeartbeatInterval", "0", "Rejected ValueTooLow"),  # B05.FR.08
        ("OCPPCommCtrlr.RetryBackOffRepeatTimes", "17", "Rejected ValueTooHigh"),
        ("TxCtrlr.TxStartPoint", "EVConnected,Nonsense", "Rejected InvalidValue"),
        ("SampledDataCtrlr.TxUpdatedMeasurands", "Energy.Active.Export.Register", "Rejected InvalidValue"),
        ("AuthCtrlr.Enabled", "yes", "Rejected InvalidValue"),
        ("AuthCtrlr.MasterPassGroupId", "x" * 37, "Rejected ValueOutOfRange"),
        ("ClockCtrlr.DateTime", "2026-11-22T00:00:00Z", "Rejected ReadOnly"),  # B05.FR.09
        ("SecurityCtrlr.SecurityProfile", "2", "Rejected ReadOnly"),
        ("SecurityCtrlr.Identity", "CP_2", "Rejected ReadOnly"),
        ("ClockCtrlr.TimeSource", "", "Rejected InvalidValue"),
    ],
)
async def test_b05_what_cannot_be_is_rejected_and_changes_nothing(
    autojump_clock: MockClock, schemas: Schemas, name: str, text: str, status: str
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        before = await value(csms, name)
        assert await put(csms, name, text) == status
        assert await value(csms, name) == before


async def test_b06_fr_09_what_is_write_only_is_not_told(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        result = await get(csms, "SecurityCtrlr.BasicAuthPassword")
        assert (result["attributeStatus"], result["attributeStatusInfo"]["reasonCode"]) == ("Rejected", "WriteOnly")
        assert "attributeValue" not in result


async def test_b06_fr_02_an_id_that_is_written_as_1_0_is_1(autojump_clock: MockClock, schemas: Schemas) -> None:
    evse: Any = {"id": 1.0, "connectorId": 1.0}
    wanted = {"component": {"name": "Connector", "evse": evse}, "variable": {"name": "ConnectorType"}}
    async with station_on_fake_csms(schemas) as (_, csms):
        (result,) = (await csms.call("GetVariables", {"getVariableData": [wanted]}))["getVariableResult"]
        assert (result["attributeStatus"], result["attributeValue"]) == ("Accepted", "cType2")
        assert await csms.call("UnlockConnector", {"evseId": 1.0, "connectorId": 1.0}) == {"status": "Unlocked"}
        assert await csms.call("Reset", {"type": "Immediate", "evseId": 1.0}) == {"status": "Accepted"}


async def test_b06_fr_13_what_has_no_value_is_an_empty_string(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await value(csms, "AuthCtrlr.MasterPassGroupId") == ""
        assert await value(csms, "OCPPCommCtrlr.FileTransferProtocols") == ""


async def test_2_13_the_station_tells_how_it_is_now(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["cType2", "cCCS2"], ["cG105"]]) as (station, csms):
        assert await value(csms, "ClockCtrlr.DateTime") == "2026-11-22T03:52:53.000Z"
        await trio.sleep(2)
        assert await value(csms, "ClockCtrlr.DateTime") == "2026-11-22T03:52:55.000Z"
        assert await value(csms, "SecurityCtrlr.Identity") == "CP_1"
        assert await value(csms, "Connector.ConnectorType", id=1, connectorId=2) == "cCCS2"
        assert await value(csms, "EVSE.AvailabilityState", id=1) == "Available"
        one, other = station.hardware.evses
        one.connectors[1].plug_in()
        other.connectors[0].fail()
        assert await value(csms, "Connector.AvailabilityState", id=1, connectorId=2) == "Occupied"
        assert await value(csms, "EVSE.AvailabilityState", id=1) == "Occupied"
        assert await value(csms, "EVSE.Problem", id=1) == "false"
        assert await value(csms, "EVSE.AvailabilityState", id=2) == "Faulted"
        assert await value(csms, "Connector.Problem", id=2, connectorId=1) == "true"
        assert await value(csms, "ChargingStation.AvailabilityState") == "Occupied"
        assert await value(csms, "ChargingStation.Problem") == "true"


async def test_2_6_an_evse_tells_what_flows_and_for_how_long(autojump_clock: MockClock, schemas: Schemas) -> None:
    start = {"idToken": {"idToken": "AA", "type": "Central"}, "remoteStartId": 1, "evseId": 1}
    async with station_on_fake_csms(schemas, connector_types=[["cType2"]] * 2) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        await csms.call("RequestStartTransaction", start)
        await trio.sleep(60)
        assert float(await value(csms, "TxCtrlr.ChargingTime", id=1)) == pytest.approx(60, abs=1)
        assert float(await value(csms, "EVSE.Power", id=1)) > 1000
        assert await value(csms, "TxCtrlr.ChargingTime", id=2) == "0"
        assert await value(csms, "EVSE.Power", id=2) == "0"
        assert (await get(csms, "TxCtrlr.ChargingTime"))["attributeStatus"] == "UnknownVariable"


async def test_b05_fr_11_b06_fr_16_too_many_items_are_refused(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = DeviceModel()
    variables[ITEMS_PER_MESSAGE_GET_VARIABLES] = variables[ITEMS_PER_MESSAGE_SET_VARIABLES] = 2
    heartbeat, offline = named("OCPPCommCtrlr.HeartbeatInterval"), named("OCPPCommCtrlr.OfflineThreshold")
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        assert len((await csms.call("GetVariables", {"getVariableData": [offline] * 2}))["getVariableResult"]) == 2
        with pytest.raises(errors.CallRefused, match="OccurrenceConstraintViolation"):
            await csms.call("GetVariables", {"getVariableData": [offline] * 3})
        to_set = [heartbeat | {"attributeValue": "1"}, *[offline | {"attributeValue": "1"}] * 2]
        with pytest.raises(errors.CallRefused, match="OccurrenceConstraintViolation"):
            await csms.call("SetVariables", {"setVariableData": to_set})
        assert await value(csms, "OCPPCommCtrlr.HeartbeatInterval") == "300"


async def test_b06_fr_17_too_many_bytes_are_refused(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = DeviceModel()
    variables[BYTES_PER_MESSAGE_SET_VARIABLES] = 200
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        assert await put(csms, "SecurityCtrlr.OrganizationName", "x" * 50) == "Accepted"
        with pytest.raises(errors.CallRefused, match="FormatViolation"):
            await put(csms, "SecurityCtrlr.OrganizationName", "x" * 150)


async def test_b05_a_new_heartbeat_interval_counts_at_once(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await put(csms, "OCPPCommCtrlr.HeartbeatInterval", "10")
        csms.forget()
        await trio.sleep(25)
        assert [(call.at, call.action) for call in csms.received] == [(10, "Heartbeat"), (20, "Heartbeat")]


async def test_b05_a_new_ping_interval_counts_at_once(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await put(csms, "OCPPCommCtrlr.WebSocketPingInterval", "5")
        csms.freeze()
        await trio.sleep(9)
        assert len(csms.dialled_at) == 1
        await trio.sleep(8)
        assert len(csms.dialled_at) == 2  # after two intervals the peer is taken for dead


async def test_b05_a_new_back_off_counts_at_once(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await put(csms, "OCPPCommCtrlr.RetryBackOffWaitMinimum", "100")
        await put(csms, "OCPPCommCtrlr.RetryBackOffRandomRange", "0")
        await csms.hang_up()
        await trio.sleep(150)
        assert csms.dialled_at == [0, 100]


@pytest.mark.parametrize(("threshold", "reports"), [("5", 2), ("20", 0)])
async def test_b04_fr_01_b04_fr_02_the_offline_threshold_decides_what_is_reported_again(
    autojump_clock: MockClock, schemas: Schemas, threshold: str, reports: int
) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["cType2"] * 2]) as (_, csms):
        await put(csms, "OCPPCommCtrlr.OfflineThreshold", threshold)
        await put(csms, "OCPPCommCtrlr.RetryBackOffWaitMinimum", "10")
        await csms.hang_up()
        csms.forget()
        await trio.sleep(15)
        assert csms.actions == ["StatusNotification"] * reports


async def test_b01_fr_06_a_clock_of_its_own_does_not_follow_the_csms(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        assert await put(csms, "ClockCtrlr.TimeSource", "RealTimeClock,Heartbeat") == "Accepted"
        before = station.now()
        csms.clock.set(before.replace(year=2030))
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        assert station.now() == before
        assert await put(csms, "ClockCtrlr.TimeSource", "Heartbeat") == "Accepted"
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        assert station.now().year == 2030


async def test_a01_fr_01_a_new_password_is_shown_on_a_new_connection(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await put(csms, "SecurityCtrlr.BasicAuthPassword", NEW_PASSWORD) == "Accepted"
        assert csms.goodbyes == []
        await trio.sleep(RECONNECT_AFTER_S + 0.5)
        shown = [basic_credentials(request.headers["Authorization"]) for request in csms.requests]
        assert shown == [("CP_1", PASSWORD), ("CP_1", NEW_PASSWORD)]
        assert [goodbye.code for goodbye in csms.goodbyes] == [CloseCode.GOING_AWAY]
        assert csms.actions == ["BootNotification", "StatusNotification"]  # it has not rebooted


async def test_a01_a_new_password_outlives_a_reboot(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await put(csms, "SecurityCtrlr.BasicAuthPassword", NEW_PASSWORD)
        station.reboot("LocalReset")
        await trio.sleep(10)
        assert basic_credentials(csms.requests[-1].headers["Authorization"]) == ("CP_1", NEW_PASSWORD)
        assert len(csms.requests) == 2


@pytest.mark.parametrize(
    "password", [TOO_SHORT, "x" * 65, "with a space in it", "smørrebrød-password", NEW_PASSWORD + "\n"]
)
async def test_a01_fr_04_a_password_that_is_none_is_refused_and_the_old_one_stays(
    autojump_clock: MockClock, schemas: Schemas, password: str
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert (await put(csms, "SecurityCtrlr.BasicAuthPassword", password)).startswith("Rejected ")
        await trio.sleep(5)
        await csms.hang_up()
        await trio.sleep(5)
        shown = [basic_credentials(request.headers["Authorization"])[1] for request in csms.requests]
        assert shown == [PASSWORD, PASSWORD]


async def test_a01_fr_11_a01_fr_12_the_change_of_the_password_is_logged_and_not_the_password(
    autojump_clock: MockClock, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with station_on_fake_csms(schemas) as (_, csms):
        await put(csms, "SecurityCtrlr.BasicAuthPassword", NEW_PASSWORD)
        await put(csms, "SecurityCtrlr.BasicAuthPassword", TOO_SHORT)
        assert caplog.text.count("SecurityCtrlr.BasicAuthPassword was changed by the CSMS") == 1
        assert NEW_PASSWORD not in caplog.text
        assert TOO_SHORT not in caplog.text
