"""E06, E07, E09, E10: how transactions end, and what becomes of the cable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.device_model import (
    ALIGNED_DATA_TX_ENDED_INTERVAL,
    CHARGING_TIME,
    EV_CONNECTION_TIME_OUT,
    MASTER_PASS_GROUP_ID,
    SAMPLED_DATA_SIGN_READINGS,
    SAMPLED_DATA_TX_ENDED_INTERVAL,
    STOP_TX_ON_EV_SIDE_DISCONNECT,
    TX_START_POINT,
    TX_STOP_POINT,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
)
from station.hardware import AC_VEHICLE, Limits
from tests.station.blocks.driving import (
    CARD,
    OTHER_CARD,
    SOCKET,
    charge,
    charges,
    last,
    locked,
    member_of,
    model,
    setting,
    told,
)
from tests.station.fake_csms import station_on_fake_csms


@pytest.mark.parametrize(
    ("point", "ended_by"),
    [
        ("Authorized", "StopAuthorized"),  # E06.FR.03
        ("PowerPathClosed", "StopAuthorized"),  # E06.FR.06
        ("EnergyTransfer", "StopAuthorized"),  # E06.FR.07
        ("DataSigned", "EVCommunicationLost"),  # which is no stop point: nothing is left to wait for
        ("EVConnected", "EVCommunicationLost"),  # E06.FR.02
        ("ParkingBayOccupancy", "EVDeparted"),  # E06.FR.01
    ],
)
async def test_e06_e07_a_driver_stops_with_the_token_and_leaves(
    autojump_clock: MockClock, schemas: Schemas, point: str, ended_by: str
) -> None:
    variables = model({TX_STOP_POINT: (point,), SAMPLED_DATA_SIGN_READINGS: True})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.occupy()
        await charge(evse)
        assert locked(evse)
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert not charges(evse)
        assert not locked(evse)  # E06.FR.10, E07.FR.07
        stop = next(event for event in csms.events() if event["triggerReason"] == "StopAuthorized")
        assert stop["idToken"] == CARD  # E07.FR.02
        evse.connectors[0].unplug()
        await trio.sleep(1)
        evse.occupy(occupied=False)
        await trio.sleep(1)
        assert last(csms) == ("Ended", ended_by, "Local")  # E07.FR.05: whatever happens afterwards
        assert [event["eventType"] for event in csms.events()].count("Ended") == 1
        assert csms.actions.count("Authorize") == 1  # E07.FR.01: not asked for the second time


async def test_e06_fr_05_was_deleted_data_that_can_no_longer_be_signed_ends_nothing(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({TX_STOP_POINT: ("DataSigned",), SAMPLED_DATA_SIGN_READINGS: True})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        await csms.call("SetVariables", setting("SampledDataCtrlr", "SignReadings", "false"))
        await trio.sleep(1)
        assert charges(station.hardware.evses[0])
        assert last(csms)[0] == "Updated"


@pytest.mark.parametrize(("by_vehicle", "reason"), [(True, "StoppedByEV"), (False, "Other")])
async def test_e06_fr_07_energy_stops_flowing(
    autojump_clock: MockClock, schemas: Schemas, *, by_vehicle: bool, reason: str
) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_STOP_POINT: ("EnergyTransfer",)})) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        assert evse.vehicle is not None
        if by_vehicle:
            evse.vehicle.set_ready(ready=False)
        else:
            evse.set_limits(Limits(current_a=0))
        await trio.sleep(1)
        assert last(csms) == ("Ended", "ChargingStateChanged", reason)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("GroundFailure", "GroundFault"),
        ("EmergencyStop", "EmergencyStop"),
        ("OverVoltage", "PowerQuality"),
        ("HighTemperature", "Other"),
    ],
)
async def test_e06_fr_16_a_defect_ends_it_whatever_the_stop_points_are(
    autojump_clock: MockClock, schemas: Schemas, code: str, reason: str
) -> None:
    variables = model({TX_STOP_POINT: ("ParkingBayOccupancy",)})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.fault(code)
        await trio.sleep(1)
        assert last(csms) == ("Ended", "AbnormalCondition", reason)
        assert not locked(evse)
        evse.clear_fault()
        await trio.sleep(10)
        assert not charges(evse)


async def test_e06_fr_16_the_breaker_trips(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].trip_breaker()
        await trio.sleep(1)
        assert last(csms) == ("Ended", "AbnormalCondition", "OvercurrentFault")


async def test_e07_fr_05_the_stop_button(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].press_stop()
        await trio.sleep(1)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")
        assert "idToken" not in csms.events()[-1]


async def test_e06_fr_11_the_end_has_what_was_sampled_for_it(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({SAMPLED_DATA_TX_ENDED_INTERVAL: 600, ALIGNED_DATA_TX_ENDED_INTERVAL: 900})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        await trio.sleep(1800)
        evse.reader.present(CARD)
        await trio.sleep(1)
        taken = csms.events()[-1]["meterValue"]
        contexts = [value["sampledValue"][0]["context"] for value in taken]
        assert contexts.count("Sample.Periodic") == 3
        assert contexts.count("Sample.Clock") == 2
        assert (contexts[0], contexts[-1]) == ("Transaction.Begin", "Transaction.End")
        registers = [value["sampledValue"][0]["value"] for value in taken]
        assert registers == sorted(registers)  # J02.FR.16
        assert registers[-1] == round(evse.meter.energy_wh, 3)  # J02.FR.17


async def test_e06_fr_11_without_an_interval_the_end_has_the_values_of_the_start_and_the_end(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({SAMPLED_DATA_TX_ENDED_INTERVAL: 0})) as (station, csms):
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(1)
        started, ended = csms.events()[0], csms.events()[-1]
        assert ended["meterValue"][0] == started["meterValue"][0]
        assert [value["sampledValue"][0]["context"] for value in ended["meterValue"]] == [
            "Transaction.Begin",
            "Transaction.End",
        ]


async def test_e06_fr_13_of_too_many_samples_intermediate_ones_go(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=model({SAMPLED_DATA_TX_ENDED_INTERVAL: 10})) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        await trio.sleep(3600)
        evse.reader.present(CARD)
        await trio.sleep(1)
        times = [value["timestamp"] for value in csms.events()[-1]["meterValue"]]
        assert 100 < len(times) <= 201
        assert times == sorted(times)
        assert times[0] == csms.events()[0]["timestamp"]


async def test_e02_time_spent_charging_does_not_follow_the_clock(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(600)
        csms.clock.set(csms.clock.now().replace(year=2025))
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        assert station.now().year == 2025
        await trio.sleep(605)
        evse.reader.present(CARD)
        await trio.sleep(60)
        assert csms.events()[-1]["transactionInfo"]["timeSpentCharging"] == 1205
        assert [event["triggerReason"] for event in csms.events()].count("MeterValuePeriodic") == 20
        data = {
            "component": {"name": CHARGING_TIME.component, "evse": {"id": 1}},
            "variable": {"name": CHARGING_TIME.name},
        }
        answer = await csms.call("GetVariables", {"getVariableData": [data]})
        assert float(answer["getVariableResult"][0]["attributeValue"]) == 1205


@pytest.mark.parametrize("stop_point", ["PowerPathClosed", "EVConnected"])
async def test_e09_fr_01_the_cable_is_pulled_out_of_the_vehicle(
    autojump_clock: MockClock, schemas: Schemas, stop_point: str
) -> None:
    variables = model({TX_STOP_POINT: (stop_point,)})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.connectors[0].disconnect_vehicle()
        await trio.sleep(1)
        assert last(csms) == ("Ended", "EVCommunicationLost", "EVDisconnected")
        assert not locked(evse)  # E09.FR.02
        evse.connectors[0].plug_in()
        await trio.sleep(10)
        assert not charges(evse)


async def test_e09_fr_01_a_suspended_transaction_needs_its_token_again(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({TX_STOP_POINT: ("ParkingBayOccupancy",)})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.occupy()
        await charge(evse)
        evse.connectors[0].disconnect_vehicle()
        await trio.sleep(1)
        assert told(csms)[-1] == ("Updated", "EVCommunicationLost", "Idle")
        evse.connectors[0].plug_in()
        await trio.sleep(1)
        assert not charges(evse)
        evse.reader.present(OTHER_CARD)
        await trio.sleep(1)
        assert not charges(evse)  # C01.FR.23
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert charges(evse)
        assert len({event["transactionInfo"]["transactionId"] for event in csms.events()}) == 1


async def test_e09_fr_03_the_cable_is_kept_until_its_owner_is_authorized(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({UNLOCK_ON_EV_SIDE_DISCONNECT: False})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.connectors[0].disconnect_vehicle()
        await trio.sleep(1)
        assert last(csms) == ("Ended", "EVCommunicationLost", "EVDisconnected")
        assert locked(evse)
        evse.reader.present(OTHER_CARD)
        await trio.sleep(1)
        assert locked(evse)
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(60)
        assert locked(evse)
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert not locked(evse)
        evse.connectors[0].unplug()
        evse.reader.present(OTHER_CARD)
        evse.connectors[0].plug_in()
        await trio.sleep(1)
        assert charges(evse)


async def test_e09_fr_03_the_cable_of_who_had_no_transaction_yet_is_kept_over_a_power_cut(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({UNLOCK_ON_EV_SIDE_DISCONNECT: False, TX_START_POINT: ("EnergyTransfer",)})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        assert evse.vehicle is not None
        evse.vehicle.set_ready(ready=False)
        evse.reader.present(CARD)
        await trio.sleep(1)
        evse.connectors[0].disconnect_vehicle()
        await trio.sleep(1)
        assert locked(evse)
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(60)
        assert locked(evse)
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert not locked(evse)
        assert csms.events() == []


async def test_e10_the_transaction_is_suspended_and_goes_on(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model(
        {
            STOP_TX_ON_EV_SIDE_DISCONNECT: False,
            TX_STOP_POINT: ("ParkingBayOccupancy", "Authorized"),
            EV_CONNECTION_TIME_OUT: 60,
        }
    )
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.occupy()
        await charge(evse)
        evse.connectors[0].disconnect_vehicle()
        await trio.sleep(600)
        assert locked(evse)  # E10.FR.01, for as long as it takes
        evse.connectors[0].plug_in()
        await trio.sleep(1)
        assert told(csms)[-3:] == [
            ("Updated", "EVCommunicationLost", "Idle"),
            ("Updated", "CablePluggedIn", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]
        evse.connectors[0].disconnect_vehicle()
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")
        assert not locked(evse)


async def test_e10_fr_02_a_cable_of_the_station_is_not_plugged_in_again(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model(
        {STOP_TX_ON_EV_SIDE_DISCONNECT: False, TX_STOP_POINT: ("Authorized",), EV_CONNECTION_TIME_OUT: 60}
    )
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].connectors[0].disconnect_vehicle()
        await trio.sleep(59)
        assert last(csms)[0] == "Updated"
        await trio.sleep(2)
        assert last(csms) == ("Ended", "EVConnectTimeout", "Timeout")


async def test_e09_a_driver_who_drives_away_takes_the_cable_as_soon_as_it_is_free(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in(replace(AC_VEHICLE, departure_s=900))
        evse.reader.present(CARD)
        await trio.sleep(1000)
        assert last(csms) == ("Ended", "EVCommunicationLost", "EVDisconnected")
        assert csms.statuses()[-1] == (1, 1, "Available")


async def test_e06_the_stop_points_are_those_of_the_moment(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_STOP_POINT: ("EVConnected",)})) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.reader.present(CARD)
        await trio.sleep(1)
        await csms.call("SetVariables", setting("TxCtrlr", "TxStopPoint", "PowerPathClosed"))
        await trio.sleep(1)
        assert last(csms)[0] == "Updated"
        evse.connectors[0].unplug()
        await trio.sleep(1)
        assert last(csms) == ("Ended", "EVCommunicationLost", "Local")


async def test_e06_who_is_authorized_again_has_not_stopped(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_STOP_POINT: ("EVConnected",)})) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        for _ in range(2):
            evse.reader.present(CARD)
            await trio.sleep(10)
        assert charges(evse)
        evse.connectors[0].unplug()
        await trio.sleep(1)
        assert last(csms) == ("Ended", "EVCommunicationLost", "EVDisconnected")


async def test_c16_fr_02_a_master_pass_stops_all_transactions_and_starts_none(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    master = {"idToken": "BOSS", "type": "ISO14443"}
    two = (("cType2",), ("cType2",), ("cType2",))
    async with station_on_fake_csms(
        schemas,
        connector_types=two,
        variables=model({MASTER_PASS_GROUP_ID: "Masters", TX_START_POINT: ("EVConnected",)}),
        tokens={"BOSS": member_of("masters")},
    ) as (station, csms):
        first, second, third = station.hardware.evses
        await charge(first)
        await charge(second)
        third.connectors[0].plug_in()
        second.reader.present(master)
        await trio.sleep(10)
        ended = [event for event in csms.events() if event["eventType"] == "Ended"]
        assert [event["transactionInfo"]["stoppedReason"] for event in ended] == ["MasterPass", "MasterPass"]
        assert {event["evse"]["id"] for event in ended} == {1, 2}
        third.reader.present(master)
        await trio.sleep(10)
        assert not third.contactor.closed  # C16.FR.03
