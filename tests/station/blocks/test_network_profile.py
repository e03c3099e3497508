"""B Provisioning: network connection profiles and moving to another CSMS (B09, B10); security profiles (A05)."""

from __future__ import annotations

import itertools
from http import HTTPStatus
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.handshake import Refusal
from shared.ocppj.schemas import Schemas
from station.app import REBOOT_S
from station.blocks.provisioning import NetworkProfileSettings
from station.device_model import (
    ACTIVE_NETWORK_PROFILE,
    CERTIFICATE_ENTRIES,
    MESSAGE_TIMEOUT,
    NETWORK_CONFIGURATION_PRIORITY,
    NETWORK_PROFILE_CONNECTION_ATTEMPTS,
    RETRY_BACK_OFF_RANDOM_RANGE,
    SECURITY_PROFILE,
    DeviceModel,
)
from station.network_profile import Entry, NetworkProfile, NetworkProfiles, entry_to_try
from station.state import MemoryState
from tests.station.blocks.test_variables import put, value
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
DATA: dict[str, Any] = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "ws://other/ocpp",
    "messageTimeout": 20,
    "securityProfile": 1,
    "ocppInterface": "Wired0",
}
HOME = "ws://csms/ocpp/CP_1"
OTHER = "ws://other/ocpp/CP_1"
SECURE = {"ocppCsmsUrl": "wss://other", "securityProfile": 2}


async def store(csms: FakeCsms, slot: int, **data: Any) -> str:
    """Store a profile and return the status, behind which stands the reason code of a refusal."""
    response = await csms.call("SetNetworkProfile", {"configurationSlot": slot, "connectionData": DATA | data})
    return f"{response['status']} {response.get('statusInfo', {}).get('reasonCode', '')}".rstrip()


async def reboot(csms: FakeCsms) -> None:
    await csms.call("Reset", {"type": "Immediate"})
    csms.forget()
    await trio.sleep(REBOOT_S + 3)


def settings(variables: DeviceModel, profiles: NetworkProfiles) -> NetworkProfileSettings:
    return NetworkProfileSettings("CP_1", variables, profiles)


def set_priority(variables: DeviceModel, slots: str) -> str:
    result = variables.set_variable(
        {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": "NetworkConfigurationPriority"},
            "attributeValue": slots,
        }
    )
    return str(result["attributeStatus"])


@pytest.fixture
def variables() -> DeviceModel:
    """Three attempts to each profile, back-off without chance: 2, 4, 8, 16, 32, 32, ... seconds."""
    variables = DeviceModel()
    variables[NETWORK_PROFILE_CONNECTION_ATTEMPTS] = 3
    variables[RETRY_BACK_OFF_RANDOM_RANGE] = 0
    return variables


@pytest.mark.parametrize(
    ("slot", "data", "status"),
    [
        (2, {}, "Accepted"),  # B09.FR.01
        (3, {"ocppVersion": "OCPP16"}, "Accepted"),  # is ignored
        (2, SECURE, "Accepted"),
        (4, {}, "Rejected InvalidConfSlot"),  # B09.FR.05
        (0, {}, "Rejected InvalidConfSlot"),
        (2, {"ocppCsmsUrl": "http://other"}, "Rejected InvalidNetworkConf"),  # B09.FR.02
        (2, {"ocppCsmsUrl": "ws://user:secret@other"}, "Rejected InvalidNetworkConf"),
        (2, {"ocppTransport": "SOAP"}, "Rejected InvalidNetworkConf"),
        (2, {"messageTimeout": 0}, "Rejected InvalidNetworkConf"),
        (2, {"securityProfile": 2}, "Rejected InvalidNetworkConf"),  # without TLS
        (2, {"ocppCsmsUrl": "wss://other"}, "Rejected InvalidNetworkConf"),
        (2, SECURE | {"securityProfile": 4}, "Rejected InvalidNetworkConf"),
        (2, {"securityProfile": 0}, "Rejected NoSecurityDowngrade"),  # B09.FR.04
        (2, {"apn": {"apn": "internet", "apnAuthentication": "NONE"}}, "Rejected InvalidNetworkConf"),
    ],
)
async def test_b09_a_profile_is_taken_or_not(
    autojump_clock: MockClock, schemas: Schemas, slot: int, data: dict[str, Any], status: str
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await store(csms, slot, **data) == status


async def test_b09_what_is_in_use_stays_as_it_is_until_the_next_boot(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        assert await store(csms, 1) == "Accepted"
        await csms.hang_up()
        await trio.sleep(10)
        assert csms.dialled == [HOME, HOME]
        await reboot(csms)
        assert csms.dialled == [HOME, HOME, OTHER]
        assert await value(csms, "OCPPCommCtrlr.MessageTimeout[Default]") == "20"


@pytest.mark.parametrize("slots", ["2", "1,2", "2,1,3", "", "4", "1,1"])
async def test_b10_fr_02_an_order_with_a_slot_that_has_no_profile_is_rejected(
    autojump_clock: MockClock, schemas: Schemas, slots: str
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await store(csms, 3)
        assert await put(csms, PRIORITY, slots) == "Rejected InvalidValue"
        assert await value(csms, PRIORITY) == "1"


async def test_b10_fr_01_b10_fr_04_b10_fr_06_after_a_reboot_the_station_connects_to_the_new_csms(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        await store(csms, 2)
        assert await put(csms, PRIORITY, "2,1") == "RebootRequired"
        assert await put(csms, PRIORITY, "2,1") == "Accepted"  # it is so already
        assert await value(csms, "OCPPCommCtrlr.ActiveNetworkProfile") == "1"
        await reboot(csms)
        assert csms.dialled == [HOME, OTHER]
        assert csms.actions == ["BootNotification", "StatusNotification"]
        assert await value(csms, "OCPPCommCtrlr.ActiveNetworkProfile") == "2"


async def test_b10_fr_03_b10_fr_08_each_profile_gets_its_attempts_then_it_begins_again(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await store(csms, 2)
        await put(csms, PRIORITY, "2,1")
        csms.unreachable = OSError("down")
        await reboot(csms)
        await trio.sleep(300)
        assert csms.dialled[1:10] == [OTHER] * 3 + [HOME] * 3 + [OTHER] * 3
        waits = [later - earlier for earlier, later in itertools.pairwise(csms.dialled_at[1:10])]
        assert waits == [2, 4, 8, 16, 32, 32, 32, 32]


async def test_b10_fr_03_a_lost_connection_is_tried_in_the_order_of_priority(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await store(csms, 2)
        await put(csms, PRIORITY, "2,1")
        csms.down_hosts = {"other"}
        await reboot(csms)
        await trio.sleep(30)
        assert csms.dialled[1:] == [OTHER] * 3 + [HOME]
        await csms.hang_up()
        await trio.sleep(40)
        assert csms.dialled[5:] == [OTHER] * 3 + [HOME]


async def test_b10_fr_10_who_has_moved_registers_anew(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await store(csms, 2)
        await put(csms, PRIORITY, "1,2")
        await reboot(csms)
        csms.down_hosts = {"csms"}
        await csms.hang_up()
        csms.forget()
        await trio.sleep(60)
        assert csms.dialled[-1] == OTHER
        assert csms.actions == ["BootNotification", "StatusNotification"]
        await csms.hang_up()
        csms.forget()
        await trio.sleep(60)
        assert csms.dialled[-1] == OTHER
        assert csms.actions == []  # the same as before: it is still registered


async def test_b02_fr_02_another_csms_is_not_sent_what_the_last_one_asked_for(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await store(csms, 2)
        await put(csms, PRIORITY, "1,2")
        await reboot(csms)
        csms.thinks_s["NotifyReport"] = 20.0
        await csms.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
        assert await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"}) == {"status": "Accepted"}
        csms.down_hosts, csms.boot_status = {"csms"}, "Pending"
        await csms.hang_up()
        csms.forget()
        await trio.sleep(100)
        assert csms.dialled[-1] == OTHER
        assert csms.actions == ["BootNotification"]


async def test_b10_fr_07_a_mistake_does_not_leave_the_station_alone_for_ever(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await store(csms, 2, ocppCsmsUrl="ws://misspelt")
        await put(csms, PRIORITY, "2")
        csms.down_hosts = {"misspelt"}
        await reboot(csms)
        await trio.sleep(30)
        assert csms.dialled[1:] == ["ws://misspelt/CP_1"] * 3 + [HOME]
        assert await value(csms, "OCPPCommCtrlr.ActiveNetworkProfile") == "1"


async def test_b10_fr_07_what_worked_last_is_tried_even_where_its_slot_was_written_over(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await store(csms, 1, ocppCsmsUrl="ws://misspelt")
        csms.down_hosts = {"misspelt"}
        await reboot(csms)
        await trio.sleep(30)
        assert csms.dialled[1:] == ["ws://misspelt/CP_1"] * 3 + [HOME]


async def test_b10_a_password_that_is_refused_counts_as_an_attempt(
    autojump_clock: MockClock, schemas: Schemas, variables: DeviceModel
) -> None:
    variables[NETWORK_PROFILE_CONNECTION_ATTEMPTS] = 1
    async with station_on_fake_csms(schemas, variables=variables) as (_, csms):
        await store(csms, 2)
        await put(csms, PRIORITY, "2,1")
        csms.refusal = Refusal(HTTPStatus.UNAUTHORIZED, "wrong password")
        await reboot(csms)
        await trio.sleep(70)
        assert csms.dialled[1:] == [OTHER, HOME]


@pytest.mark.parametrize(("failures", "slot"), [(0, "1"), (2, "1"), (3, "2"), (5, "2"), (6, "1"), (9, "2"), (600, "1")])
def test_b10_fr_03_which_profile_is_tried(variables: DeviceModel, failures: int, slot: str) -> None:
    profile = NetworkProfile("ws://csms", 1, 30)
    assert entry_to_try((Entry("1", profile), Entry("2", profile)), failures, variables).slot == slot


def test_a05_fr_02_a_more_secure_profile_needs_a_root_certificate(variables: DeviceModel) -> None:
    profiles = NetworkProfiles("CP_1", "ws://csms", variables, MemoryState())
    settings(variables, profiles)
    profiles["2"] = NetworkProfile("wss://other", 2, 30)
    profiles["3"] = NetworkProfile("wss://other", 3, 30)
    assert set_priority(variables, "2,1") == "Rejected"
    variables[CERTIFICATE_ENTRIES] = 1
    assert set_priority(variables, "3,1") == "Rejected"  # A05.FR.03: and a certificate of its own
    assert set_priority(variables, "2,1") == "RebootRequired"  # A05.FR.04


def test_a05_fr_06_who_has_connected_more_securely_forgets_what_is_less_secure(variables: DeviceModel) -> None:
    profiles = NetworkProfiles("CP_1", "ws://csms", variables, MemoryState())
    profiles["2"] = secure = NetworkProfile("wss://other", 2, 20)
    variables[NETWORK_CONFIGURATION_PRIORITY] = ("2", "1")
    assert [entry.slot for entry in profiles.boot()] == ["2", "1"]
    profiles.connected(Entry("2", secure))
    assert variables[SECURITY_PROFILE] == 2
    assert variables[ACTIVE_NETWORK_PROFILE] == 2
    assert variables[MESSAGE_TIMEOUT] == 20
    assert variables[NETWORK_CONFIGURATION_PRIORITY] == ("2",)
    assert profiles["1"] is None
    assert profiles.boot() == (Entry("2", secure),)


def test_a05_fr_10_b09_fr_04_there_is_no_way_back_to_less_security(variables: DeviceModel) -> None:
    profiles = NetworkProfiles("CP_1", "wss://csms", variables, MemoryState())
    block = settings(variables, profiles)
    profiles.connected(profiles.boot()[0])
    response = block.set_network_profile({"configurationSlot": 2, "connectionData": DATA})  # type: ignore[typeddict-item]  # as it comes
    assert response["statusInfo"]["reasonCode"] == "NoSecurityDowngrade"
    profiles["2"] = NetworkProfile("ws://other", 1, 30)
    assert set_priority(variables, "1,2") == "Rejected"
    assert variables[SECURITY_PROFILE] == 2


def test_a_station_that_is_started_for_another_csms_goes_there_if_its_slot_was_left_alone() -> None:
    kept = MemoryState()
    NetworkProfiles("CP_1", "ws://first", DeviceModel(kept), kept)["2"] = NetworkProfile("ws://other", 1, 30)
    again = NetworkProfiles("CP_1", "ws://second", DeviceModel(kept), kept)
    assert [entry.profile.csms_url for entry in again.boot()] == ["ws://second"]


def test_a_station_whose_slots_are_all_empty_goes_where_it_was_started_for(variables: DeviceModel) -> None:
    profiles = NetworkProfiles("CP_1", "ws://csms", variables, MemoryState())
    del profiles["1"]
    assert [entry.profile.csms_url for entry in profiles.boot()] == ["ws://csms"]
