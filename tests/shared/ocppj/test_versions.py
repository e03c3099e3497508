"""Each version's actions are those of its schemas, and each has the side that may send it (Part 2, messages)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from shared.ocppj.versions import V201, VERSIONS, Side, Version, choose_version


def schema_files(version: Version) -> set[str]:
    package = importlib.util.find_spec("ocpp")
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0], version.schema_folder, "schemas")
    return {file.stem for file in folder.glob("*.json")}


def test_actions_are_exactly_those_with_schemas() -> None:
    kinds = ("Request", "Response")
    assert schema_files(V201) == {f"{action}{kind}" for action in V201.actions for kind in kinds}
    assert len(V201.actions) == 64


def test_data_transfer_alone_goes_both_ways() -> None:
    """Part 2, P: DataTransferRequest is "sent either by the CSMS to the Charging Station or vice versa"."""
    assert V201.station_actions & V201.csms_actions == {"DataTransfer"}


@pytest.mark.parametrize(
    ("side", "action"),
    [
        (Side.STATION, "BootNotification"),
        (Side.STATION, "Heartbeat"),
        (Side.STATION, "TransactionEvent"),
        (Side.STATION, "ReservationStatusUpdate"),
        (Side.STATION, "GetCertificateStatus"),
        (Side.STATION, "Get15118EVCertificate"),
        (Side.STATION, "SignCertificate"),
        (Side.STATION, "ReportChargingProfiles"),
        (Side.CSMS, "ReserveNow"),
        (Side.CSMS, "CancelReservation"),
        (Side.CSMS, "CertificateSigned"),
        (Side.CSMS, "CostUpdated"),
        (Side.CSMS, "CustomerInformation"),
        (Side.CSMS, "GetTransactionStatus"),
        (Side.CSMS, "UnpublishFirmware"),
    ],
)
def test_action_is_sent_by_one_side(side: Side, action: str) -> None:
    assert action in V201.sent_by(side)
    assert action not in V201.sent_by(side.other)


def test_what_reports_is_sent_by_the_station() -> None:
    """Every Notify... and ...Notification is the station's word."""
    reports = {action for action in V201.actions if action.startswith("Notify") or action.endswith("Notification")}
    assert reports <= V201.sent_by(Side.STATION)
    assert len(reports) == 14


def test_what_sets_and_clears_is_sent_by_the_csms() -> None:
    orders = {action for action in V201.actions if action.startswith(("Set", "Clear", "Request", "Delete", "Install"))}
    assert orders - {"ClearedChargingLimit"} <= V201.sent_by(Side.CSMS)


def test_sides_are_each_others_other() -> None:
    assert Side.CSMS.other is Side.STATION
    assert Side.STATION.other is Side.CSMS


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp2.0.1"], V201),
        (["ocpp1.6", "ocpp2.0.1"], V201),
        (("ocpp9.9", "ocpp2.0.1", "ocpp2.0.1"), V201),
        ([], None),
        (["ocpp1.6", "ocpp2.0"], None),
        (["OCPP2.0.1"], None),
        (["ocpp2.0.1 "], None),
    ],
)
def test_version_is_chosen_among_the_subprotocols_offered(offered: list[str], chosen: Version | None) -> None:
    """Part 4 §3.1.2; RFC 6455 §4.1: names of subprotocols are compared as they stand."""
    assert choose_version(offered) is chosen


def test_csms_prefers_by_its_own_order() -> None:
    subprotocols = [version.subprotocol for version in VERSIONS]
    assert choose_version(reversed(subprotocols)) is VERSIONS[0]
    assert len(set(subprotocols)) == len(subprotocols)
