"""B Provisioning: reports of the device model (B07, B08)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj import errors
from shared.ocppj.schemas import Schemas
from station.blocks.provisioning.reports import ATTEMPTS, ROWS_IN_A_MESSAGE, UNANSWERED_PAUSE_S
from station.device_model import BYTES_PER_MESSAGE_GET_REPORT, ITEMS_PER_MESSAGE_GET_REPORT, DeviceModel
from station.device_model.catalogue import VARIABLES
from station.device_model.variable import Tier
from tests.station.fake_csms import FakeCsms, Received, station_on_fake_csms

ACCEPTED = {"status": "Accepted"}
FULL = {"requestId": 7, "reportBase": "FullInventory"}


def parts(csms: FakeCsms) -> list[Received]:
    return [call for call in csms.received if call.action == "NotifyReport"]


def reported(csms: FakeCsms) -> list[dict[str, Any]]:
    return [data for call in parts(csms) for data in call.payload["reportData"]]


def name(data: dict[str, Any]) -> str:
    """Component<evse,connector>.Variable[Instance]."""
    component, variable = data["component"], data["variable"]
    place = ",".join(str(number) for number in component.get("evse", {}).values())
    instance = f"[{variable['instance']}]" if "instance" in variable else ""
    return str(component["name"]) + (f"<{place}>" if place else "") + f".{variable['name']}{instance}"


def names(csms: FakeCsms) -> list[str]:
    return [name(data) for data in reported(csms)]


async def ask(csms: FakeCsms, **request: Any) -> str:
    """Ask for a report of what is wanted, let it come, and return the status of the answer."""
    csms.forget()
    response = await csms.call("GetReport", {"requestId": 1} | request)
    await wait_all_tasks_blocked()
    return str(response["status"])


async def test_b07_fr_03_b07_fr_04_b07_fr_10_a_report_comes_in_numbered_parts(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await csms.call("GetBaseReport", FULL) == ACCEPTED
        payloads = [call.payload for call in parts(csms)]
        assert len(payloads) > 1
        assert [payload["seqNo"] for payload in payloads] == list(range(len(payloads)))
        assert [payload["tbc"] for payload in payloads] == [True] * (len(payloads) - 1) + [False]
        assert {payload["requestId"] for payload in payloads} == {7}
        assert {payload["generatedAt"] for payload in payloads} == {"2026-11-22T03:52:53.000Z"}
        assert [len(payload["reportData"]) for payload in payloads[:-1]] == [ROWS_IN_A_MESSAGE] * (len(payloads) - 1)


async def test_b07_fr_08_the_full_inventory_has_every_variable_everywhere_once(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["cType2"] * 2, ["cCCS2"]]) as (_, csms):
        await csms.call("GetBaseReport", FULL)
        found = names(csms)
        tiers = {tier: sum(variable.tier is tier for variable in VARIABLES) for tier in Tier}
        assert len(found) == tiers[Tier.STATION] + 2 * tiers[Tier.EVSE] + 3 * tiers[Tier.CONNECTOR]
        assert len(set(found)) == len(found)
        assert {"EVSE<2>.AvailabilityState", "Connector<1,2>.ConnectorType", "TxCtrlr<1>.ChargingTime"} <= set(found)
        assert all("variableCharacteristics" in data for data in reported(csms))


async def test_b07_fr_08_a_variable_is_told_with_what_can_be_done_with_it(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.call("GetBaseReport", FULL)
        by_name = {name(data): data for data in reported(csms)}
        assert by_name["OCPPCommCtrlr.HeartbeatInterval"] == {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": "HeartbeatInterval"},
            "variableAttribute": [{"type": "Actual", "value": "300", "mutability": "ReadWrite", "persistent": True}],
            "variableCharacteristics": {
                "unit": "s",
                "dataType": "integer",
                "minLimit": 1,
                "supportsMonitoring": False,
            },
        }
        available = by_name["Connector<1,1>.Available"]
        assert available["component"] == {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}
        assert available["variableAttribute"] == [
            {"type": "Actual", "value": "true", "mutability": "ReadOnly", "constant": True}
        ]
        measurands = by_name["SampledDataCtrlr.TxUpdatedMeasurands"]["variableCharacteristics"]
        assert measurands["dataType"] == "MemberList"
        assert "Power.Active.Import" in measurands["valuesList"].split(",")


async def test_b07_fr_03_the_value_of_what_is_write_only_is_left_out(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await csms.call("GetBaseReport", {"requestId": 1, "reportBase": "ConfigurationInventory"})
        (password,) = [data for data in reported(csms) if data["variable"]["name"] == "BasicAuthPassword"]
        assert password["variableAttribute"] == [{"type": "Actual", "mutability": "WriteOnly", "persistent": True}]


async def test_b07_fr_07_the_configuration_inventory_has_all_that_can_be_set(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["sType2"]]) as (_, csms):
        await csms.call("GetBaseReport", {"requestId": 1, "reportBase": "ConfigurationInventory"})
        assert set(names(csms)) == {str(variable) for variable in VARIABLES if variable.mutability != "ReadOnly"}


async def test_b07_fr_09_the_summary_tells_what_is_available_and_what_has_a_problem(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    summary = {"requestId": 1, "reportBase": "SummaryInventory"}
    states = ["ChargingStation.AvailabilityState", "EVSE<1>.AvailabilityState", "EVSE<2>.AvailabilityState"]
    async with station_on_fake_csms(schemas, connector_types=[["cType2"] * 2, ["cCCS2"]]) as (station, csms):
        await csms.call("GetBaseReport", summary)
        assert names(csms) == states
        station.hardware.evses[0].connectors[1].fail()
        csms.forget()
        await csms.call("GetBaseReport", summary)
        assert sorted(names(csms)) == sorted(
            [
                *states,
                "ChargingStation.Problem",
                "EVSE<1>.Problem",
                "Connector<1,2>.Problem",
                "Connector<1,2>.AvailabilityState",
            ]
        )


async def test_b07_fr_13_b08_fr_16_there_is_one_report_at_a_time(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"NotifyReport": 1.0}) as (_, csms):
        assert await csms.call("GetBaseReport", FULL) == ACCEPTED
        refused = await csms.call("GetBaseReport", FULL | {"requestId": 8})
        assert refused["status"] == "Rejected"
        refused = await csms.call("GetReport", {"requestId": 9, "componentCriteria": ["Active"]})
        assert refused["status"] == "Rejected"
        await trio.sleep(60)
        assert {call.payload["requestId"] for call in parts(csms)} == {7}
        assert await csms.call("GetBaseReport", FULL | {"requestId": 8}) == ACCEPTED


async def test_b02_fr_02_a_pending_station_sends_the_report_it_was_asked_for(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, boot_status="Pending") as (_, csms):
        assert await csms.call("GetBaseReport", FULL) == ACCEPTED
        assert parts(csms)[-1].payload["tbc"] is False
        assert set(csms.actions) == {"BootNotification", "NotifyReport"}


async def test_a_part_that_is_left_unanswered_is_sent_again_and_then_the_report_is_given_up(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"NotifyReport": 40.0}) as (_, csms):
        await csms.call("GetBaseReport", FULL)
        await trio.sleep(ATTEMPTS * (30 + UNANSWERED_PAUSE_S) + 100)
        assert [(call.at, call.payload["seqNo"]) for call in parts(csms)] == [(0, 0), (60, 0), (120, 0)]
        assert await csms.call("GetBaseReport", FULL) == ACCEPTED


async def test_b07_fr_03_a_report_goes_on_when_the_connection_was_lost(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"NotifyReport": 2.0}) as (_, csms):
        await csms.call("GetBaseReport", FULL)
        await trio.sleep(3)
        assert [call.payload["seqNo"] for call in parts(csms)] == [0, 1]
        await csms.hang_up()
        csms.forget()
        await trio.sleep(60)
        numbers = [call.payload["seqNo"] for call in parts(csms)]
        assert numbers == list(range(1, numbers[-1] + 1))  # the second has not been answered
        assert [call.payload["tbc"] for call in parts(csms)][-2:] == [True, False]


async def test_b07_fr_13_a_report_that_was_asked_for_on_a_lost_connection_gives_way(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"NotifyReport": 20.0}) as (_, csms):
        await csms.call("GetBaseReport", FULL)
        await csms.hang_up()
        await trio.sleep(10)
        assert await csms.call("GetBaseReport", FULL | {"requestId": 8}) == ACCEPTED
        csms.forget()
        await trio.sleep(100)
        assert [call.payload["seqNo"] for call in parts(csms)] == list(range(len(parts(csms))))
        assert {call.payload["requestId"] for call in parts(csms)} == {8}


async def test_b08_fr_05_b08_fr_11_a_report_is_limited_to_what_is_wanted(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    wanted = [
        {"component": {"name": "TxCtrlr"}, "variable": {"name": "TxStartPoint"}},
        {"component": {"name": "txctrlr"}, "variable": {"name": "TXSTARTPOINT"}},
        {"component": {"name": "AuthCtrlr"}, "variable": {"name": "Nonsense"}},
    ]
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await ask(csms, componentVariable=wanted) == "Accepted"
        assert names(csms) == ["TxCtrlr.TxStartPoint"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        # B08.FR.20: every variable
        (
            {"component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}},
            [f"Connector<2,1>.{name}" for name in ("AvailabilityState", "Available", "ConnectorType", "Problem")]
            + ["Connector<2,1>.SupplyPhases"],
        ),
        # B08.FR.21: every instance
        (
            {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": "ItemsPerMessage"}},
            [f"DeviceDataCtrlr.ItemsPerMessage[{name}]" for name in ("GetReport", "GetVariables", "SetVariables")],
        ),
        (
            {
                "component": {"name": "DeviceDataCtrlr"},
                "variable": {"name": "ItemsPerMessage", "instance": "getvariables"},
            },
            ["DeviceDataCtrlr.ItemsPerMessage[GetVariables]"],
        ),
        # B08.FR.22: every connector
        (
            {"component": {"name": "Connector", "evse": {"id": 1}}, "variable": {"name": "Problem"}},
            ["Connector<1,1>.Problem", "Connector<1,2>.Problem"],
        ),
        # B08.FR.23: every EVSE, and the station itself
        (
            {"component": {"name": "EVSE"}, "variable": {"name": "AllowReset"}},
            ["EVSE<1>.AllowReset", "EVSE<2>.AllowReset"],
        ),
        (
            {"component": {"name": "Connector"}, "variable": {"name": "Problem"}},
            ["Connector<1,1>.Problem", "Connector<1,2>.Problem", "Connector<2,1>.Problem"],
        ),
        (
            {"component": {"name": "TxCtrlr", "evse": {"id": 2}}},
            ["TxCtrlr<2>.ChargingTime"],
        ),
    ],
)
async def test_b08_what_is_left_open_stands_for_all_there_is(
    autojump_clock: MockClock, schemas: Schemas, wanted: dict[str, Any], found: list[str]
) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["cType2"] * 2, ["cCCS2"]]) as (_, csms):
        assert await ask(csms, componentVariable=[wanted]) == "Accepted"
        assert sorted(names(csms)) == sorted(found)


@pytest.mark.parametrize(
    "wanted",
    [
        {"component": {"name": "NonsenseCtrlr"}},
        {"component": {"name": "EVSE", "evse": {"id": 3}}},
        {"component": {"name": "EVSE", "evse": {"id": 1, "connectorId": 1}}},
        {"component": {"name": "EVSE", "instance": "left"}},
        {"component": {"name": "TxCtrlr"}, "variable": {"name": "TxStartPoint", "instance": "left"}},
    ],
)
async def test_b08_fr_15_where_nothing_is_as_wanted_there_is_no_report(
    autojump_clock: MockClock, schemas: Schemas, wanted: dict[str, Any]
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await ask(csms, componentVariable=[wanted]) == "EmptyResultSet"
        assert parts(csms) == []


async def test_b08_fr_07_b08_fr_08_b08_fr_09_a_component_that_does_not_say_otherwise_meets_a_criterion(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await ask(csms, componentCriteria=["Active"]) == "Accepted"
        assert len(names(csms)) == len(VARIABLES)  # none has Active
        assert await ask(csms, componentCriteria=["Available"]) == "Accepted"
        assert "OCPPCommCtrlr.HeartbeatInterval" in names(csms)
        assert "ReservationCtrlr.Enabled" in names(csms)
        assert "SmartChargingCtrlr.Available" not in names(csms)
        switch = {"component": {"name": "ReservationCtrlr"}, "variable": {"name": "Enabled"}}
        await csms.call("SetVariables", {"setVariableData": [switch | {"attributeValue": "false"}]})
        assert await ask(csms, componentCriteria=["Enabled"]) == "Accepted"
        assert "AuthCtrlr.Enabled" in names(csms)
        assert not any(found.startswith("ReservationCtrlr.") for found in names(csms))


async def test_b08_fr_10_b08_fr_13_only_what_has_a_problem_is_one(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=[["cType2"]] * 2) as (station, csms):
        assert await ask(csms, componentCriteria=["Problem"]) == "EmptyResultSet"
        station.hardware.evses[1].connectors[0].fail()
        assert await ask(csms, componentCriteria=["Problem"]) == "Accepted"
        assert {found.partition(".")[0] for found in names(csms)} == {"ChargingStation", "EVSE<2>", "Connector<2,1>"}
        everything = len(VARIABLES) + sum(variable.tier is not Tier.STATION for variable in VARIABLES)
        assert await ask(csms, componentCriteria=["Problem", "Active"]) == "Accepted"
        assert len(names(csms)) == everything


async def test_b08_fr_05_criteria_and_variables_limit_together(autojump_clock: MockClock, schemas: Schemas) -> None:
    wanted = [{"component": {"name": "EVSE"}, "variable": {"name": "AvailabilityState"}}]
    async with station_on_fake_csms(schemas, connector_types=[["cType2"]] * 2) as (station, csms):
        station.hardware.evses[1].connectors[0].fail()
        assert await ask(csms, componentCriteria=["Problem"], componentVariable=wanted) == "Accepted"
        assert names(csms) == ["EVSE<2>.AvailabilityState"]


async def test_b08_fr_17_b08_fr_18_a_request_that_is_too_large_is_refused(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = DeviceModel()
    variables[ITEMS_PER_MESSAGE_GET_REPORT] = 2
    variables[BYTES_PER_MESSAGE_GET_REPORT] = 150
    evse: dict[str, Any] = {"component": {"name": "EVSE"}}
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        assert await ask(csms, componentVariable=[evse] * 2) == "Accepted"
        with pytest.raises(errors.CallRefused, match="OccurrenceConstraintViolation"):
            await ask(csms, componentVariable=[evse] * 3)
        with pytest.raises(errors.CallRefused, match="FormatViolation"):
            await ask(csms, componentVariable=[{"component": {"name": "EVSE", "instance": "x" * 50}}] * 2)
