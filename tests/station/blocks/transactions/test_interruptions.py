"""E04, E08, E11, E12, B11, B12, G03: transactions without the CSMS, without power, and in the way of a reset."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.errors import FormatViolation
from shared.ocppj.schemas import Schemas
from station.device_model import (
    MESSAGE_ATTEMPT_INTERVAL,
    MESSAGE_ATTEMPTS,
    RESUMPTION_TIMEOUT,
    SAMPLED_DATA_TX_UPDATED_INTERVAL,
    TX_BEFORE_ACCEPTED_ENABLED,
    TX_START_POINT,
    TX_STOP_POINT,
)
from tests.station.blocks.driving import CARD, SOCKET, charge, charges, last, locked, model, told
from tests.station.fake_csms import station_on_fake_csms


async def test_e04_e08_e12_a_whole_transaction_offline(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.reader.present(CARD)  # which the cache knows from now on
        await trio.sleep(10)
        csms.forget()
        csms.unreachable = OSError("down")
        await csms.hang_up()
        evse.connectors[0].unplug()
        await charge(evse)
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert not charges(evse)  # E08.FR.01
        csms.unreachable = None
        await trio.sleep(120)
        events = csms.events()
        assert [event["eventType"] for event in events] == ["Started", "Updated", "Updated", "Ended"]
        assert [event["seqNo"] for event in events] == [0, 1, 2, 3]
        assert all(event["offline"] for event in events)  # E04.FR.03, E08.FR.07
        assert events[0]["timestamp"] < events[-1]["timestamp"]


async def test_e11_a_connection_that_is_lost_in_the_middle(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await charge(station.hardware.evses[0])
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(600)  # 100 of the transaction have passed
        csms.unreachable = None
        await trio.sleep(300)
        offline = [event.get("offline", False) for event in csms.events()]
        before, missed = offline.index(True), offline.count(True)
        assert before == 3  # Started, Charging and the first sample
        assert offline == [False] * before + [True] * missed + [False] * (len(offline) - before - missed)
        assert missed >= 10  # E11.FR.02: a sample a minute, until it is connected again
        assert offline[-1] is False
        assert [event["seqNo"] for event in csms.events()] == list(range(len(offline)))
        assert charges(station.hardware.evses[0])


async def test_b11_a_transaction_goes_on_when_the_power_is_back_in_time(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({SAMPLED_DATA_TX_UPDATED_INTERVAL: 0, RESUMPTION_TIMEOUT: 100})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        await trio.sleep(7200)  # a long time without any event
        station.reboot("PowerUp", graceful=False, off_s=30)
        await trio.sleep(10)
        assert not charges(evse)
        await trio.sleep(50)
        assert charges(evse)
        assert told(csms)[-1] == ("Updated", "ChargingStateChanged", "Charging")
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")
        assert len({event["transactionInfo"]["transactionId"] for event in csms.events()}) == 1
        assert 7260 <= csms.events()[-1]["transactionInfo"]["timeSpentCharging"] <= 7350
        assert not locked(evse)


@pytest.mark.parametrize("timeout_s", [0, 100])
async def test_e06_fr_16_a_transaction_ends_when_there_was_no_power_for_too_long(
    autojump_clock: MockClock, schemas: Schemas, timeout_s: int
) -> None:
    variables = model({RESUMPTION_TIMEOUT: timeout_s})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        station.reboot("PowerUp", graceful=False, off_s=300)
        await trio.sleep(400)
        assert last(csms) == ("Ended", "AbnormalCondition", "PowerLoss")
        assert csms.events()[-1]["offline"]
        assert not charges(evse)
        assert not locked(evse)


async def test_e06_a_transaction_that_goes_on_was_not_ended_by_the_power_cut(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({TX_START_POINT: ("EnergyTransfer",), TX_STOP_POINT: ("EnergyTransfer",)})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        await charge(station.hardware.evses[0])
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(60)
        assert charges(station.hardware.evses[0])
        assert [event["eventType"] for event in csms.events()].count("Ended") == 0


async def test_e02_a_vehicle_that_left_in_the_dark_is_noticed(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        station.reboot("PowerUp", graceful=False, off_s=60)
        await trio.sleep(30)
        evse.connectors[0].unplug()
        await trio.sleep(60)
        assert last(csms) == ("Ended", "EVCommunicationLost", "EVDisconnected")


async def test_e02_who_was_authorized_without_a_transaction_gets_the_cable_back_with_the_power(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({TX_START_POINT: ("EnergyTransfer",)})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        assert evse.vehicle is not None
        evse.vehicle.set_ready(ready=False)
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert locked(evse)
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(60)
        assert not locked(evse)
        assert csms.events() == []


async def test_b12_fr_04_an_immediate_reset_ends_transactions(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        await charge(station.hardware.evses[0])
        assert await csms.call("Reset", {"type": "Immediate"}) == {"status": "Accepted"}
        await trio.sleep(60)
        assert last(csms) == ("Ended", "ResetCommand", "ImmediateReset")
        assert csms.actions.count("BootNotification") == 2
        assert not charges(station.hardware.evses[0])
        assert not locked(station.hardware.evses[0])


async def test_b12_fr_02_a_reset_on_idle_waits_for_transactions_but_for_no_more(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=(("cType2",), ("cType2",))) as (station, csms):
        busy, idle = station.hardware.evses
        await charge(busy)
        assert await csms.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        idle.connectors[0].plug_in()
        idle.reader.present(CARD)
        await trio.sleep(600)
        assert not charges(idle)
        assert charges(busy)
        busy.reader.present(CARD)
        await trio.sleep(60)
        assert csms.actions.count("BootNotification") == 2
        assert last(csms) == ("Ended", "StopAuthorized", "Local")


async def test_b12_fr_08_an_evse_is_reset_alone(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=(("cType2",), ("cType2",))) as (station, csms):
        first, second = station.hardware.evses
        await charge(first)
        await charge(second)
        assert await csms.call("Reset", {"type": "Immediate", "evseId": 1}) == {"status": "Accepted"}
        await trio.sleep(60)
        ended = [event for event in csms.events() if event["eventType"] == "Ended"]
        assert [event["evse"]["id"] for event in ended] == [1]
        assert charges(second)
        assert csms.actions.count("BootNotification") == 1


async def test_g03_an_evse_goes_out_of_use_before_its_driver_plugs_in(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        evse.reader.present(CARD)
        await trio.sleep(1)
        assert await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"}) == {"status": "Accepted"}
        evse.connectors[0].plug_in()
        await trio.sleep(1)
        await csms.call("ChangeAvailability", {"operationalStatus": "Operative"})
        await trio.sleep(10)
        assert not charges(evse)  # who was authorized then has to be so again
        assert csms.events() == []


@pytest.mark.parametrize("enabled", [False, True])
async def test_b01_b02_charging_before_the_station_is_accepted(
    autojump_clock: MockClock, schemas: Schemas, *, enabled: bool
) -> None:
    variables = model({TX_BEFORE_ACCEPTED_ENABLED: enabled, TX_START_POINT: ("EVConnected",)})
    async with station_on_fake_csms(schemas, variables=variables, boot_status="Pending", interval_s=60) as (
        station,
        csms,
    ):
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(30)
        assert csms.events() == []
        csms.boot_status = "Accepted"
        await trio.sleep(60)
        started = csms.events()[0]
        assert (started["eventType"], started.get("offline", False)) == ("Started", enabled)


async def test_an_invalid_message_of_the_stations_own_is_a_failure_and_no_end(
    autojump_clock: MockClock, schemas: Schemas, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    variables = model({MESSAGE_ATTEMPTS: 2, MESSAGE_ATTEMPT_INTERVAL: 10})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        validate = schemas.validate_request
        refused = []

        def refuse_starts(action: str, payload: dict[str, Any]) -> None:
            if payload.get("eventType") == "Started":
                refused.append(trio.current_time())
                raise FormatViolation("there is something wrong with it")
            validate(action, payload)

        monkeypatch.setattr(schemas, "validate_request", refuse_starts)
        await charge(station.hardware.evses[0])
        assert len(refused) == 2  # E13.FR.02, E13.FR.04
        assert refused[1] - refused[0] == 10
        assert "own TransactionEvent is invalid: there is something wrong with it" in caplog.text
        assert csms.events()[0]["seqNo"] == 1
        assert station.firmware is not None
