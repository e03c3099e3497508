"""The values of one station's variables, for its own parts."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from station.device_model import (
    BASIC_AUTH_PASSWORD,
    CONNECTOR_SUPPLY_PHASES,
    EVSE_POWER,
    EVSE_SUPPLY_PHASES,
    HEARTBEAT_INTERVAL,
    IDENTITY,
    MESSAGE_TIMEOUT,
    STATION_SUPPLY_PHASES,
    TX_START_POINT,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
    DeviceModel,
    Place,
    Variable,
)
from station.device_model.description import Description, evse_availability, station_availability
from station.device_model.report import report_data
from station.hardware import Hardware
from station.state import MemoryState

PASSWORD = "correct-horse-battery"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def set_text(model: DeviceModel, variable: Variable[Any], text: str) -> str:
    """Set a variable as a CSMS does, and return the status."""
    names = {"component": {"name": variable.component}, "variable": variable.variable_type()}
    status: str = model.set_variable({"attributeValue": text, **names})["attributeStatus"]  # type: ignore[typeddict-item]  # names has the two that miss
    return status


def hardware_of(connector_types: list[list[str]]) -> Hardware:
    return Hardware.of(connector_types, monotonic=lambda: 0.0, random=Random(1))  # noqa: S311  # repeatable on purpose


def described_by(hardware: Hardware) -> DeviceModel:
    model = DeviceModel()
    model.describe(Description(hardware, status=lambda *_: "Available", now=lambda: NOON))
    return model


def described(connector_types: list[list[str]]) -> DeviceModel:
    return described_by(hardware_of(connector_types))


def test_a_variable_has_its_default_then_what_was_delivered_then_what_was_set() -> None:
    model = DeviceModel()
    assert model[HEARTBEAT_INTERVAL] == 300
    model.deliver(HEARTBEAT_INTERVAL, 60)
    assert model[HEARTBEAT_INTERVAL] == 60
    model[HEARTBEAT_INTERVAL] = 10
    model.deliver(HEARTBEAT_INTERVAL, 90)
    assert model[HEARTBEAT_INTERVAL] == 10


def test_two_stations_share_no_values() -> None:
    one, other = DeviceModel(), DeviceModel()
    one[HEARTBEAT_INTERVAL] = 10
    assert other[HEARTBEAT_INTERVAL] == 300


def test_part_2_2_what_was_set_outlives_the_program() -> None:
    kept = MemoryState()
    model = DeviceModel(kept)
    model.deliver(BASIC_AUTH_PASSWORD, "as-delivered-at-first")
    assert set_text(model, BASIC_AUTH_PASSWORD, PASSWORD) == "Accepted"
    assert set_text(model, TX_START_POINT, "EVConnected,Authorized") == "Accepted"
    model[MESSAGE_TIMEOUT] = 7  # is not persistent
    again = DeviceModel(kept)
    again.deliver(BASIC_AUTH_PASSWORD, "as-delivered-at-first")
    assert again[BASIC_AUTH_PASSWORD] == PASSWORD
    assert again[TX_START_POINT] == ("EVConnected", "Authorized")
    assert again[MESSAGE_TIMEOUT] == 30


def test_a_boot_brings_back_what_was_kept() -> None:
    kept = MemoryState()
    model = DeviceModel(kept)
    model.deliver(IDENTITY, "CP_1")
    model[HEARTBEAT_INTERVAL] = 10
    kept.delete(kept.keys()[0])  # the power went before it was on disk
    model.recall()
    assert model[HEARTBEAT_INTERVAL] == 300
    assert model[IDENTITY] == "CP_1"


def test_what_another_version_kept_is_no_reason_to_fail(caplog: pytest.LogCaptureFixture) -> None:
    kept = MemoryState()
    kept.put("variables/OCPPCommCtrlr.HeartbeatInterval", "0")
    kept.put("variables/SecurityCtrlr.BasicAuthPassword", "short")
    kept.put("variables/OCPPCommCtrlr.GoneLongAgo", "1")
    model = DeviceModel(kept)
    assert model[HEARTBEAT_INTERVAL] == 300
    assert "OCPPCommCtrlr.HeartbeatInterval has its default again" in caplog.text
    assert "short" not in caplog.text


def test_whoever_watches_is_told_what_was_set() -> None:
    model = DeviceModel()
    told: list[Variable[Any]] = []
    with model.watching(told.append):
        model[HEARTBEAT_INTERVAL] = 10
        set_text(model, TX_START_POINT, "Authorized")
        set_text(model, TX_START_POINT, "Nonsense")
    model[HEARTBEAT_INTERVAL] = 20
    assert told == [HEARTBEAT_INTERVAL, TX_START_POINT]


@pytest.mark.parametrize(
    ("connector_types", "sockets"),
    [([["sType2"]], True), ([["cType2"], ["cCCS2", "sType2"]], True), ([["cType2"]], False)],
)
def test_2_1_12_a_station_with_fixed_cables_alone_never_unlocks_one(
    connector_types: list[list[str]], *, sockets: bool
) -> None:
    model = described(connector_types)
    assert model[UNLOCK_ON_EV_SIDE_DISCONNECT] is sockets
    assert set_text(model, UNLOCK_ON_EV_SIDE_DISCONNECT, "true") == ("Accepted" if sockets else "Rejected")
    assert model[UNLOCK_ON_EV_SIDE_DISCONNECT] is sockets


def test_2_13_6_supply_phases_are_those_of_the_hardware_0_for_dc() -> None:
    model = described([["cType1"], ["cType2", "cCCS2"], ["cCCS2"]])
    assert [model.at(EVSE_SUPPLY_PHASES, Place(evse_id)) for evse_id in (1, 2, 3)] == [1, 3, 0]
    assert [model.at(CONNECTOR_SUPPLY_PHASES, Place(2, number)) for number in (1, 2)] == [3, 0]
    assert model[STATION_SUPPLY_PHASES] == 3
    assert described([["cType1"]])[STATION_SUPPLY_PHASES] == 1
    assert described([["cCCS2"]])[STATION_SUPPLY_PHASES] == 3  # of its feed


def test_2_13_7_what_an_evse_can_give_is_told_and_what_it_gives() -> None:
    hardware = hardware_of([["cType2"], ["cCCS2"]])
    model = described_by(hardware)
    by_evse = {
        row["component"]["evse"]["id"]: row
        for row in report_data(model, [row for row in model.rows() if row.variable is EVSE_POWER])
    }
    assert by_evse[1]["variableCharacteristics"]["maxLimit"] == hardware.evses[0].max_power_w
    assert by_evse[2]["variableCharacteristics"]["maxLimit"] == hardware.evses[1].max_power_w
    assert by_evse[1]["variableCharacteristics"]["unit"] == "W"
    assert by_evse[1]["variableAttribute"][0]["value"] == "0"
    hardware.evses[0].connectors[0].plug_in()
    hardware.evses[0].contactor.close()
    assert model.at(EVSE_POWER, Place(1)) == hardware.evses[0].meter.power_w > 0


def test_2_13_2_an_evse_with_a_vehicle_is_occupied_and_a_station_with_a_free_evse_available() -> None:
    assert evse_availability(["Faulted", "Unavailable", "Available", "Occupied"]) == "Occupied"
    assert station_availability(["Faulted", "Unavailable", "Available", "Occupied"]) == "Available"
    assert evse_availability(["Faulted", "Unavailable"]) == station_availability(["Faulted", "Unavailable"])
    assert evse_availability(["Faulted"]) == "Faulted"


def test_a_fleet_fits_into_memory_the_model_of_a_station_takes_less_than_5_kb() -> None:
    stations = [hardware_of([["cType2"]] * 2) for _ in range(200)]
    states = [MemoryState() for _ in stations]
    models: list[DeviceModel] = []
    gc.collect()
    tracemalloc.start()
    for hardware, state in zip(stations, states, strict=True):
        model = DeviceModel(state)
        model.deliver(IDENTITY, "CP_1")
        model.deliver(BASIC_AUTH_PASSWORD, PASSWORD)
        model[HEARTBEAT_INTERVAL] = 10
        model.describe(Description(hardware, status=lambda *_: "Available", now=lambda: NOON))
        models.append(model)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(models) < 5000
