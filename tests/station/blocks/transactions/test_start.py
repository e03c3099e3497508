"""E01, E02, E03: how transactions start, and what the events say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.device_model import (
    EV_CONNECTION_TIME_OUT,
    SAMPLED_DATA_SIGN_READINGS,
    SAMPLED_DATA_TX_UPDATED_INTERVAL,
    TX_START_POINT,
    TX_STOP_POINT,
)
from station.hardware import AC_VEHICLE, Limits
from tests.station.blocks.driving import CARD, OTHER_CARD, SOCKET, last, model, told
from tests.station.fake_csms import FakeCsms, station_on_fake_csms


@pytest.mark.parametrize(
    ("point", "started_by"),
    [
        ("ParkingBayOccupancy", ("EVDetected", "Idle")),  # E01.FR.01
        ("EVConnected", ("CablePluggedIn", "EVConnected")),  # E01.FR.02
        ("Authorized", ("Authorized", "EVConnected")),  # E01.FR.03
        ("DataSigned", ("Authorized", "EVConnected")),  # E01.FR.04
        ("PowerPathClosed", ("Authorized", "EVConnected")),  # E01.FR.05
        ("EnergyTransfer", ("ChargingStateChanged", "Charging")),  # E01.FR.06
    ],
)
async def test_e01_cable_plugin_first(
    autojump_clock: MockClock, schemas: Schemas, point: str, started_by: tuple[str, str]
) -> None:
    variables = model({TX_START_POINT: (point,), SAMPLED_DATA_SIGN_READINGS: True})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.occupy()
        await trio.sleep(1)
        evse.connectors[0].plug_in()
        await trio.sleep(1)
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert told(csms)[0] == ("Started", *started_by)
        assert [event["eventType"] for event in csms.events()].count("Started") == 1
        assert told(csms)[-1][2] == "Charging"
        assert [event["seqNo"] for event in csms.events()] == list(range(len(csms.events())))  # E01.FR.07


@pytest.mark.parametrize(
    ("point", "started_by"),
    [
        ("Authorized", ("Authorized", "Idle")),
        ("EVConnected", ("CablePluggedIn", "EVConnected")),
        ("PowerPathClosed", ("CablePluggedIn", "EVConnected")),
    ],
)
async def test_e03_id_token_first(
    autojump_clock: MockClock, schemas: Schemas, point: str, started_by: tuple[str, str]
) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_START_POINT: (point,)})) as (station, csms):
        evse = station.hardware.evses[0]
        evse.reader.present(CARD)
        await trio.sleep(10)
        evse.connectors[0].plug_in()
        await trio.sleep(10)
        first, *others = csms.events()
        assert told(csms)[0] == ("Started", *started_by)
        assert first["idToken"] == CARD  # E03.FR.01
        assert all("idToken" not in event for event in others)
        assert csms.events()[-1]["evse"] == {"id": 1, "connectorId": 1}  # E01.FR.16
        assert evse.contactor.closed


async def test_e02_fr_20_the_token_is_told_once_with_the_next_event(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_START_POINT: ("EVConnected",)})) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        await trio.sleep(10)
        assert "idToken" not in csms.events()[0]
        evse.reader.present(CARD)
        await trio.sleep(200)
        started, authorized, *others = csms.events()
        assert (authorized["triggerReason"], authorized["idToken"]) == ("Authorized", CARD)
        assert len({event["transactionInfo"]["transactionId"] for event in csms.events()}) == 1
        assert all("idToken" not in event for event in [started, *others])


async def test_e01_fr_18_e02_fr_17_every_change_of_the_charging_state_is_told(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({SAMPLED_DATA_TX_UPDATED_INTERVAL: 0})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in(replace(AC_VEHICLE, target_soc=0.4))
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert evse.vehicle is not None
        evse.vehicle.set_ready(ready=False)  # E01.FR.19
        await trio.sleep(10)
        evse.vehicle.set_ready(ready=True)
        await trio.sleep(10)
        evse.set_limits(Limits(current_a=0))
        await trio.sleep(10)
        evse.set_limits(Limits(current_a=16))
        await trio.sleep(4 * 3600)
        assert told(csms) == [
            ("Started", "Authorized", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
            ("Updated", "ChargingStateChanged", "SuspendedEV"),
            ("Updated", "ChargingStateChanged", "Charging"),
            ("Updated", "ChargingStateChanged", "SuspendedEVSE"),
            ("Updated", "ChargingStateChanged", "Charging"),
            ("Updated", "ChargingStateChanged", "SuspendedEV"),  # the battery is as full as the driver wants it
        ]


async def test_e02_fr_18_e02_fr_19_the_phases_that_are_used_are_told_when_they_change(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({SAMPLED_DATA_TX_UPDATED_INTERVAL: 0})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(10)
        evse.set_limits(Limits(phases=1))
        await trio.sleep(10)
        assert [event.get("numberOfPhasesUsed") for event in csms.events()] == [None, 3, 1]


async def test_e02_fr_18_direct_current_has_no_phases(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=(("cCCS2",),)) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(200)
        assert told(csms)[-1][2] == "Charging"
        assert all("numberOfPhasesUsed" not in event for event in csms.events())


async def test_e01_what_a_drivers_cable_can_carry_is_told(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in(cable_max_a=20)
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(10)
        assert [event.get("cableMaxCurrent") for event in csms.events()] == [20, None]


@pytest.mark.parametrize("stop_point", ["Authorized", "ParkingBayOccupancy"])
async def test_e03_fr_05_e03_fr_15_nobody_plugs_in(
    autojump_clock: MockClock, schemas: Schemas, stop_point: str
) -> None:
    variables = model({TX_START_POINT: ("Authorized",), TX_STOP_POINT: (stop_point,), EV_CONNECTION_TIME_OUT: 30})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.occupy()
        evse.reader.present(CARD)
        await trio.sleep(29)
        assert last(csms) == ("Started", "Authorized", None)
        await trio.sleep(2)
        if stop_point == "Authorized":
            assert last(csms) == ("Ended", "EVConnectTimeout", "Timeout")
        else:
            assert last(csms) == ("Updated", "EVConnectTimeout", None)
            evse.occupy(occupied=False)
            await trio.sleep(1)
            assert last(csms) == ("Ended", "EVDeparted", "Timeout")
        evse.connectors[0].plug_in()
        await trio.sleep(10)
        assert not evse.contactor.closed


async def test_c01_fr_26_who_does_not_plug_in_in_time_is_authorized_no_more(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({EV_CONNECTION_TIME_OUT: 30})) as (station, csms):
        evse = station.hardware.evses[0]
        evse.reader.present(CARD)
        await trio.sleep(31)
        evse.connectors[0].plug_in()
        await trio.sleep(10)
        assert not evse.contactor.closed
        assert csms.events() == []  # there was no transaction yet
        evse.reader.present(OTHER_CARD)
        await trio.sleep(10)
        assert evse.contactor.closed


async def test_e03_fr_05_who_plugs_in_in_time_charges(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({TX_START_POINT: ("Authorized",), EV_CONNECTION_TIME_OUT: 30})
    async with station_on_fake_csms(schemas, variables=variables) as (station, _):
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(29)
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(100)
        assert station.hardware.evses[0].contactor.closed


async def test_e01_fr_08_transaction_ids_never_come_again(autojump_clock: MockClock, schemas: Schemas) -> None:
    ids = []
    for day in range(2):
        async with station_on_fake_csms(schemas) as (station, csms):  # started again, from the same seed
            await trio.sleep(day * 86400)
            ids += [await _charge(station.hardware.evses[0], csms) for _ in range(2)]
            station.reboot("PowerUp")
            await trio.sleep(60)
            ids.append(await _charge(station.hardware.evses[0], csms))
    assert len(set(ids)) == 6


async def test_e01_fr_14_the_next_connector_waits_for_its_own_transaction(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(("cType2", "cType2"),)) as (station, csms):
        evse = station.hardware.evses[0]
        first, second = evse.connectors
        first.plug_in()
        evse.reader.present(CARD)
        await trio.sleep(10)
        second.plug_in()
        await trio.sleep(10)
        assert len({event["transactionInfo"]["transactionId"] for event in csms.events()}) == 1
        first.unplug()
        await trio.sleep(10)
        assert last(csms) == ("Ended", "EVCommunicationLost", "EVDisconnected")
        assert csms.events()[-1]["evse"] == {"id": 1, "connectorId": 1}
        assert not evse.contactor.closed  # the vehicle at the second connector was not authorized
        evse.reader.present(OTHER_CARD)
        await trio.sleep(10)
        assert csms.events()[-1]["evse"] == {"id": 1, "connectorId": 2}
        assert evse.contactor.closed


async def test_e01_fr_02_two_things_at_once_are_told_one_after_the_other(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({TX_START_POINT: ("ParkingBayOccupancy",), TX_STOP_POINT: ("ParkingBayOccupancy",)})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.occupy()
        evse.connectors[0].plug_in(replace(AC_VEHICLE, departure_s=100))
        evse.reader.present(CARD)
        await trio.sleep(200)
        assert told(csms)[-2:] == [
            ("Updated", "EVCommunicationLost", "Idle"),
            ("Ended", "EVDeparted", None),
        ]


async def test_g01_fr_06_the_connector_is_occupied_while_it_is_used_and_available_after(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(10)
        evse.reader.present(CARD)
        await trio.sleep(10)
        evse.connectors[0].unplug()
        await trio.sleep(10)
        assert csms.statuses() == [(1, 1, "Occupied"), (1, 1, "Available")]


async def test_e01_a_defective_evse_starts_nothing_before_it_is_repaired(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_START_POINT: ("EVConnected",)})) as (station, csms):
        evse = station.hardware.evses[0]
        evse.fault("GroundFailure")
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert csms.events() == []
        evse.clear_fault()
        await trio.sleep(10)
        assert told(csms) == [("Started", "CablePluggedIn", "EVConnected")]


async def _charge(evse: Any, csms: FakeCsms) -> str:
    evse.connectors[0].plug_in()
    evse.reader.present(CARD)
    await trio.sleep(10)
    evse.reader.present(CARD)
    await trio.sleep(10)
    evse.connectors[0].unplug()
    await trio.sleep(10)
    return str(csms.events()[-1]["transactionInfo"]["transactionId"])
