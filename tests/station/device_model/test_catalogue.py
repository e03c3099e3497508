"""Which variables a station has: all that its functional blocks require, as the specification defines them."""

from __future__ import annotations

from typing import Any

import pytest

from station.device_model import MEASURANDS, Tier, Variable
from station.device_model.catalogue import COMPONENTS, VARIABLES, names
from station.device_model.data_types import DataType

REQUIRED = """
    ChargingStation.AvailabilityState ChargingStation.Available ChargingStation.SupplyPhases
    ClockCtrlr.DateTime ClockCtrlr.TimeSource
    DeviceDataCtrlr.BytesPerMessage[GetReport] DeviceDataCtrlr.BytesPerMessage[GetVariables]
    DeviceDataCtrlr.BytesPerMessage[SetVariables] DeviceDataCtrlr.ItemsPerMessage[GetReport]
    DeviceDataCtrlr.ItemsPerMessage[GetVariables] DeviceDataCtrlr.ItemsPerMessage[SetVariables]
    OCPPCommCtrlr.ActiveNetworkProfile OCPPCommCtrlr.FileTransferProtocols OCPPCommCtrlr.MessageTimeout[Default]
    OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent] OCPPCommCtrlr.MessageAttempts[TransactionEvent]
    OCPPCommCtrlr.NetworkConfigurationPriority OCPPCommCtrlr.NetworkProfileConnectionAttempts
    OCPPCommCtrlr.OfflineThreshold OCPPCommCtrlr.ResetRetries OCPPCommCtrlr.RetryBackOffRandomRange
    OCPPCommCtrlr.RetryBackOffRepeatTimes OCPPCommCtrlr.RetryBackOffWaitMinimum OCPPCommCtrlr.UnlockOnEVSideDisconnect
    OCPPCommCtrlr.WebSocketPingInterval
    SecurityCtrlr.BasicAuthPassword SecurityCtrlr.CertificateEntries SecurityCtrlr.OrganizationName
    SecurityCtrlr.SecurityProfile
    AuthCtrlr.AuthorizeRemoteStart AuthCtrlr.LocalAuthorizeOffline AuthCtrlr.LocalPreAuthorize
    TxCtrlr.EVConnectionTimeOut TxCtrlr.StopTxOnEVSideDisconnect TxCtrlr.StopTxOnInvalidId TxCtrlr.TxStartPoint
    TxCtrlr.TxStopPoint
    SampledDataCtrlr.TxEndedInterval SampledDataCtrlr.TxEndedMeasurands SampledDataCtrlr.TxStartedMeasurands
    SampledDataCtrlr.TxUpdatedInterval SampledDataCtrlr.TxUpdatedMeasurands
    AlignedDataCtrlr.Interval AlignedDataCtrlr.Measurands AlignedDataCtrlr.TxEndedInterval
    AlignedDataCtrlr.TxEndedMeasurands
""".split()
READ_ONLY = """
    ClockCtrlr.DateTime OCPPCommCtrlr.ActiveNetworkProfile OCPPCommCtrlr.FileTransferProtocols
    OCPPCommCtrlr.MessageTimeout[Default] DeviceDataCtrlr.ItemsPerMessage[GetVariables] SecurityCtrlr.SecurityProfile
    SecurityCtrlr.CertificateEntries SecurityCtrlr.Identity AuthCacheCtrlr.Available AuthCacheCtrlr.Storage
    SampledDataCtrlr.Available AlignedDataCtrlr.Available ReservationCtrlr.Available ReservationCtrlr.NonEvseSpecific
""".split()


def of_tier(tier: Tier) -> dict[str, Variable[Any]]:
    return {str(variable): variable for variable in VARIABLES if variable.tier is tier}


def test_b07_fr_08_what_the_functional_blocks_require_is_there() -> None:
    assert [name for name in REQUIRED if name not in of_tier(Tier.STATION)] == []


def test_part_2_2_13_every_evse_and_connector_has_what_is_required() -> None:
    assert {"EVSE.AvailabilityState", "EVSE.Available", "EVSE.Power", "EVSE.SupplyPhases"} <= of_tier(Tier.EVSE).keys()
    required = {"Connector.Available", "Connector.ConnectorType", "Connector.SupplyPhases"}
    assert required <= of_tier(Tier.CONNECTOR).keys()


def test_no_two_variables_have_the_same_names() -> None:
    assert len({(str(variable).lower(), variable.tier) for variable in VARIABLES}) == len(VARIABLES)
    assert sum(len(variables) for variables in COMPONENTS.values()) == len(VARIABLES)


def test_names_and_instances_fit_the_wire() -> None:
    for variable in VARIABLES:
        parts = (variable.component, variable.name, variable.instance or "", variable.unit or "")
        assert all(len(part) <= 50 for part in parts)
        assert len(variable.data_type.characteristics().get("valuesList", "")) <= 1000


@pytest.mark.parametrize("variable", VARIABLES, ids=str)
def test_a_default_is_a_value(variable: Variable[Any]) -> None:
    data_type: DataType[Any] = variable.data_type
    if variable.mutability != "WriteOnly" and variable.default not in {"", ()}:
        assert data_type.parse(data_type.to_text(variable.default)) == variable.default


def test_part_2_2_what_can_be_set_is_persistent_and_not_constant() -> None:
    for variable in VARIABLES:
        assert variable.kept or variable.mutability == "ReadOnly"
        assert not (variable.constant and variable.mutability != "ReadOnly")


@pytest.mark.parametrize("name", READ_ONLY)
def test_what_only_the_station_knows_cannot_be_set(name: str) -> None:
    assert of_tier(Tier.STATION)[name].mutability == "ReadOnly"


def test_a00_fr_205_the_password_is_write_only_and_40_to_64_characters_long_at_most() -> None:
    password = of_tier(Tier.STATION)["SecurityCtrlr.BasicAuthPassword"]
    assert password.mutability == "WriteOnly"
    assert password.data_type.characteristics() == {"maxLimit": 64}


def test_b09_fr_06_there_are_two_network_slots_at_least() -> None:
    priority = of_tier(Tier.STATION)["OCPPCommCtrlr.NetworkConfigurationPriority"]
    assert len(priority.data_type.characteristics()["valuesList"].split(",")) >= 2


def test_every_list_of_measurands_offers_what_the_station_can_measure() -> None:
    lists = [variable for variable in VARIABLES if variable.name.endswith("Measurands")]
    assert len(lists) == 5
    for variable in lists:
        assert variable.data_type.characteristics()["valuesList"] == ",".join(MEASURANDS)


def test_a_variable_is_found_in_any_case() -> None:
    assert names("TxStartPoint", None) == names("txstartpoint", "")
