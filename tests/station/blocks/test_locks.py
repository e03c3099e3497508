"""G05 Lock failure: nothing is charged through a plug that is not held, and the CSMS is told."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj.errors import InternalError
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.hardware import Transfer
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

TOKEN = {"idToken": "anna", "type": "ISO14443"}
SOCKET = (("sType2",),)


def told(csms: FakeCsms) -> list[dict[str, Any]]:
    """The events that the CSMS was told of."""
    return [event for call in csms.received if call.action == "NotifyEvent" for event in call.payload["eventData"]]


async def a_driver_comes(station: Station, *, jammed: bool = True) -> None:
    (evse,) = station.hardware.evses
    if jammed:
        evse.connectors[0].jam()
    evse.connectors[0].plug_in()
    evse.reader.present(TOKEN)
    await wait_all_tasks_blocked()


async def test_g05_fr_01_nothing_is_charged_through_a_plug_that_is_not_held(
    schemas: Schemas, autojump_clock: MockClock
) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        await a_driver_comes(station)
        await trio.sleep(1000)
        (evse,) = station.hardware.evses
        assert evse.transfer is Transfer.CONNECTED
        assert evse.meter.energy_wh == 0
        assert all(event["transactionInfo"].get("chargingState") != "Charging" for event in csms.events())


async def test_g05_fr_02_the_csms_is_told_once(schemas: Schemas, autojump_clock: MockClock) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        await a_driver_comes(station)
        await trio.sleep(1000)
        (event,) = told(csms)
        assert event["component"] == {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}}
        assert event["variable"] == {"name": "Problem"}
        assert event["actualValue"] == "true"
        assert (event["trigger"], event["eventNotificationType"]) == ("Delta", "HardWiredNotification")
        wanted = {"component": event["component"], "variable": event["variable"]}
        answer = await csms.call("GetVariables", {"getVariableData": [wanted]})
        assert answer["getVariableResult"][0]["attributeValue"] == "true"


async def test_g05_charging_begins_when_the_lock_holds_after_all_and_the_csms_is_told_that_too(
    schemas: Schemas, autojump_clock: MockClock
) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        await a_driver_comes(station)
        (evse,) = station.hardware.evses
        evse.connectors[0].unjam()
        await wait_all_tasks_blocked()
        assert evse.transfer is Transfer.CHARGING
        assert evse.connectors[0].locked
        assert [(event["actualValue"], event.get("cleared")) for event in told(csms)] == [
            ("true", None),
            ("false", True),
        ]


async def test_g05_fr_02_a_failure_that_is_over_before_the_csms_could_be_told_is_told_all_the_same(
    schemas: Schemas, autojump_clock: MockClock
) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        csms.thinks_s["Heartbeat"] = 20.0
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        (connector,) = station.hardware.evses[0].connectors
        connector.plug_in()
        connector.jam()
        assert not connector.lock()
        connector.unplug()
        await trio.sleep(100)
        assert [event["actualValue"] for event in told(csms)] == ["true", "false"]


async def test_g05_a_driver_who_gives_up_ends_the_problem(schemas: Schemas, autojump_clock: MockClock) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        await a_driver_comes(station)
        station.hardware.evses[0].connectors[0].unplug()
        await wait_all_tasks_blocked()
        assert [event["actualValue"] for event in told(csms)] == ["true", "false"]
        assert csms.events()[-1]["eventType"] == "Ended"


async def test_g05_a_jammed_lock_is_no_failure_where_it_holds_already_or_is_not_needed(
    schemas: Schemas, autojump_clock: MockClock
) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        await a_driver_comes(station, jammed=False)
        station.hardware.evses[0].connectors[0].jam()
        await wait_all_tasks_blocked()
        assert station.hardware.evses[0].transfer is Transfer.CHARGING
        assert told(csms) == []
    async with station_on_fake_csms(schemas, connector_types=(("cType2",),)) as (station, csms):
        await a_driver_comes(station)
        assert station.hardware.evses[0].transfer is Transfer.CHARGING, "the cable is the station's"
        assert told(csms) == []


async def test_g05_it_is_told_when_the_station_is_connected_again_and_not_again_when_it_was_refused(
    schemas: Schemas, autojump_clock: MockClock
) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        csms.thinks_s["NotifyEvent"] = 10
        await a_driver_comes(station)
        assert len(told(csms)) == 1
        await csms.hang_up()
        csms.refuses["NotifyEvent"] = InternalError("no room")
        await trio.sleep(1000)
        assert [event["actualValue"] for event in told(csms)] == ["true", "true"]
        assert [event["eventId"] for event in told(csms)] == [1, 2]


async def test_g05_an_event_that_is_left_unanswered_is_told_again(schemas: Schemas, autojump_clock: MockClock) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        csms.thinks_s["NotifyEvent"] = 31
        await a_driver_comes(station)
        await trio.sleep(59)
        assert len(told(csms)) == 1
        csms.thinks_s.clear()
        await trio.sleep(100)
        assert len(told(csms)) == 2
