"""E05, C10, C15: the CSMS does not accept who is charging already."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.device_model import (
    LOCAL_PRE_AUTHORIZE,
    MAX_ENERGY_ON_INVALID_ID,
    OFFLINE_TX_FOR_UNKNOWN_ID_ENABLED,
    STOP_TX_ON_INVALID_ID,
    TX_STOP_POINT,
)
from tests.station.blocks.driving import CARD, OTHER_CARD, SOCKET, charge, charges, last, locked, member_of, model, told
from tests.station.fake_csms import FakeCsms, station_on_fake_csms


def block_card(csms: FakeCsms) -> None:
    csms.tokens[CARD["idToken"]] = {"status": "Blocked"}


@pytest.mark.parametrize("stop_point", ["Authorized", "PowerPathClosed", "EnergyTransfer"])
async def test_e05_fr_10_e05_fr_11_the_transaction_ends_and_the_cable_is_kept(
    autojump_clock: MockClock, schemas: Schemas, stop_point: str
) -> None:
    variables = model({LOCAL_PRE_AUTHORIZE: True, TX_STOP_POINT: (stop_point,)})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.reader.present(CARD)
        await trio.sleep(10)
        block_card(csms)
        csms.forget()
        evse.reader.present(CARD)  # the cache knows no better
        await trio.sleep(10)
        assert "Authorize" not in csms.actions
        assert last(csms) == ("Ended", "Deauthorized", "DeAuthorized")
        assert not charges(evse)
        assert locked(evse)
        evse.reader.present(OTHER_CARD)
        await trio.sleep(10)
        assert locked(evse)
        assert not charges(evse)
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert not locked(evse)


@pytest.mark.parametrize("ready", [False, True])
async def test_e05_fr_10_the_transaction_ends_also_where_no_energy_has_flowed(
    autojump_clock: MockClock, schemas: Schemas, *, ready: bool
) -> None:
    variables = model({TX_STOP_POINT: ("EnergyTransfer",)})
    async with station_on_fake_csms(schemas, variables=variables, thinks_s={"TransactionEvent": 5}) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        assert evse.vehicle is not None
        evse.vehicle.set_ready(ready=ready)
        evse.reader.present(CARD)
        await trio.sleep(1)
        block_card(csms)
        await trio.sleep(60)
        assert last(csms) == ("Ended", "Deauthorized", "DeAuthorized")


async def test_e05_fr_09_where_that_does_not_end_it_energy_stops(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({LOCAL_PRE_AUTHORIZE: True, TX_STOP_POINT: ("EVConnected",)})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.reader.present(CARD)
        await trio.sleep(10)
        block_card(csms)
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert told(csms)[-1] == ("Updated", "Deauthorized", "EVConnected")
        assert not charges(evse)
        evse.connectors[0].unplug()
        await trio.sleep(10)
        assert last(csms) == ("Ended", "EVCommunicationLost", "DeAuthorized")


@pytest.mark.parametrize("stop_point", ["EVConnected", "EnergyTransfer"])
async def test_e05_fr_02_without_energy_for_invalid_tokens_it_is_suspended(
    autojump_clock: MockClock, schemas: Schemas, stop_point: str
) -> None:
    variables = model({STOP_TX_ON_INVALID_ID: False, TX_STOP_POINT: (stop_point,)})
    async with station_on_fake_csms(schemas, variables=variables, thinks_s={"TransactionEvent": 5}) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(1)
        block_card(csms)
        await trio.sleep(60)
        assert not charges(evse)
        if stop_point == "EVConnected":
            assert told(csms)[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")
        else:
            assert last(csms) == ("Ended", "ChargingStateChanged", "DeAuthorized")


async def test_e05_fr_03_some_energy_is_allowed_for_an_invalid_token(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({STOP_TX_ON_INVALID_ID: False, MAX_ENERGY_ON_INVALID_ID: 1000})
    async with station_on_fake_csms(schemas, variables=variables, thinks_s={"TransactionEvent": 5}) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        evse.reader.present(CARD)
        await trio.sleep(1)
        block_card(csms)
        await trio.sleep(60)
        assert charges(evse)
        await trio.sleep(3600)
        assert not charges(evse)
        assert 1000 <= evse.meter.energy_wh < 1010
        assert told(csms)[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(60)
        assert not charges(evse)
        evse.reader.present(CARD)  # the driver can stop it all the same
        await trio.sleep(60)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")


async def test_c15_fr_04_who_was_accepted_offline_is_refused_when_the_connection_is_back(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({OFFLINE_TX_FOR_UNKNOWN_ID_ENABLED: True})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await charge(station.hardware.evses[0])
        block_card(csms)
        csms.unreachable = None
        await trio.sleep(120)
        assert csms.events()[0]["offline"]  # C15.FR.02
        assert last(csms) == ("Ended", "Deauthorized", "DeAuthorized")
        assert not charges(station.hardware.evses[0])


async def test_e05_c01_fr_21_a_token_that_the_csms_allows_at_other_evses_only(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    variables = model({OFFLINE_TX_FOR_UNKNOWN_ID_ENABLED: True})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await charge(station.hardware.evses[0])
        csms.tokens[CARD["idToken"]] = {"status": "Accepted", "evseId": [2]}
        csms.unreachable = None
        await trio.sleep(120)
        assert last(csms) == ("Ended", "Deauthorized", "DeAuthorized")


async def test_c09_fr_12_whom_a_token_belongs_to_may_be_told_with_the_event(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({OFFLINE_TX_FOR_UNKNOWN_ID_ENABLED: True})) as (
        station,
        csms,
    ):
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await charge(station.hardware.evses[0])
        csms.tokens = {card["idToken"]: member_of("family") for card in (CARD, OTHER_CARD)}
        csms.unreachable = None
        await trio.sleep(120)
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(60)
        station.hardware.evses[0].reader.present(OTHER_CARD)
        await trio.sleep(10)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")  # C09.FR.03
