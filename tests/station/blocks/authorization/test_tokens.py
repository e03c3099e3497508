"""C01, C02, C09, C11, C12, C15: people hold tokens to readers."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.errors import InternalError, SecurityError
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.device_model import (
    AUTH_CACHE_ENABLED,
    AUTH_ENABLED,
    DISABLE_REMOTE_AUTHORIZATION,
    LOCAL_PRE_AUTHORIZE,
    MASTER_PASS_GROUP_ID,
    TX_START_POINT,
    TX_STOP_POINT,
)
from station.id_token import IdToken
from tests.station.blocks.driving import CARD, OTHER_CARD, charge, charges, last, member_of, model
from tests.station.fake_csms import station_on_fake_csms

TWO = (("cType2",), ("cType2",))


class Reader:
    """Presents tokens at an EVSE, and notes what comes of it."""

    def __init__(self, station: Station, evse_id: int = 1) -> None:
        self._station = station
        self._evse_id = evse_id
        self.answers: list[str] = []

    def present(self, card: IdToken) -> None:
        assert self._station.firmware is not None
        self._station.firmware.present_token(self._evse_id, card, lambda info: self.answers.append(info["status"]))


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "NoCredit", "NotAtThisTime", "ConcurrentTx"])
async def test_c01_fr_01_nothing_flows_for_who_is_not_accepted(
    autojump_clock: MockClock, schemas: Schemas, status: str
) -> None:
    async with station_on_fake_csms(schemas, tokens={CARD["idToken"]: {"status": status}}) as (station, csms):
        reader = Reader(station)
        station.hardware.evses[0].connectors[0].plug_in()
        reader.present(CARD)
        await trio.sleep(10)
        assert reader.answers == [status]
        assert csms.events() == []
        assert not charges(station.hardware.evses[0])


async def test_c01_fr_21_a_token_may_be_for_some_evses(autojump_clock: MockClock, schemas: Schemas) -> None:
    tokens = {CARD["idToken"]: {"status": "Accepted", "evseId": [2]}}
    async with station_on_fake_csms(schemas, connector_types=TWO, tokens=tokens) as (station, _):
        first, second = Reader(station, 1), Reader(station, 2)
        for evse in station.hardware.evses:
            evse.connectors[0].plug_in()
        first.present(CARD)
        await trio.sleep(10)
        second.present(CARD)
        await trio.sleep(10)
        assert (first.answers, second.answers) == (["NotAtThisLocation"], ["Accepted"])
        assert [charges(evse) for evse in station.hardware.evses] == [False, True]


async def test_c01_a_second_token_has_to_wait_for_the_first(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"Authorize": 5}) as (station, csms):
        reader = Reader(station)
        reader.present(CARD)
        await trio.sleep(1)
        reader.present(OTHER_CARD)
        assert reader.answers == ["NotAtThisTime"]
        await trio.sleep(10)
        assert reader.answers == ["NotAtThisTime", "Accepted"]
        assert csms.actions.count("Authorize") == 1


async def test_c01_fr_03_who_has_begun_can_always_stop(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        reader, evse = Reader(station), station.hardware.evses[0]
        await charge(evse)
        csms.thinks_s["Authorize"] = 20
        reader.present(OTHER_CARD)
        await trio.sleep(1)
        reader.present(CARD)  # while the CSMS thinks about the other one
        assert reader.answers == ["Accepted"]
        assert not charges(evse)
        await trio.sleep(30)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")
        assert reader.answers == ["Accepted", "NotAtThisTime"]
        assert not charges(evse)


async def test_c10_fr_04_an_answer_that_comes_late_is_remembered(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"Authorize": 40}) as (station, _):  # MessageTimeout is 30
        reader = Reader(station)
        reader.present(CARD)
        await trio.sleep(35)
        assert station.firmware is not None
        assert (reader.answers, station.firmware.view()["cached_tokens"]) == (["Unknown"], 0)
        await trio.sleep(10)
        assert (reader.answers, station.firmware.view()["cached_tokens"]) == (["Unknown"], 1)


async def test_b01_fr_10_who_waits_for_a_csms_that_has_forgotten_the_station_is_told(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO, thinks_s={"Authorize": 5}) as (station, csms):
        first, second = Reader(station, 1), Reader(station, 2)
        first.present(CARD)
        second.present(OTHER_CARD)
        await trio.sleep(1)
        csms.refuses["Authorize"] = SecurityError("who are you?")
        csms.boot_status = "Pending"
        await trio.sleep(10)
        assert (first.answers, second.answers) == (["Unknown"], ["Unknown"])
        assert csms.actions.count("Authorize") == 1


async def test_c01_an_evse_that_fails_while_the_csms_thinks_charges_nobody(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, thinks_s={"Authorize": 5}) as (station, csms):
        reader, evse = Reader(station), station.hardware.evses[0]
        evse.connectors[0].plug_in()
        reader.present(CARD)
        await trio.sleep(1)
        evse.fault("GroundFailure")
        await trio.sleep(10)
        assert reader.answers == ["NotAtThisTime"]
        assert csms.events() == []
        evse.clear_fault()
        await trio.sleep(10)
        assert not charges(evse)


@pytest.mark.parametrize("trouble", ["lost", "refused", "silent"])
async def test_c01_without_an_answer_the_station_decides_by_itself(
    autojump_clock: MockClock, schemas: Schemas, trouble: str
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        reader, evse = Reader(station), station.hardware.evses[0]
        await charge(evse)
        reader.present(CARD)
        csms.thinks_s["Authorize"] = 1000 if trouble == "silent" else 5
        if trouble == "refused":
            csms.refuses["Authorize"] = InternalError("no")
        reader.present(CARD)
        await trio.sleep(1)
        if trouble == "lost":
            csms.unreachable = OSError("down")
            await csms.hang_up()
        await trio.sleep(100)
        assert reader.answers == ["Accepted", "Accepted"]  # as the cache knows
        assert charges(evse)


async def test_c09_fr_03_c09_fr_07_one_of_the_same_group_stops_without_asking_if_known(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    tokens = {card["idToken"]: member_of("family") for card in (CARD, OTHER_CARD)}
    async with station_on_fake_csms(schemas, connector_types=TWO, tokens=tokens) as (station, csms):
        first, second = station.hardware.evses
        await charge(first)
        first.reader.present(OTHER_CARD)  # C09.FR.05: not known yet
        await trio.sleep(10)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")
        assert csms.events()[-1]["idToken"] == OTHER_CARD
        assert csms.actions.count("Authorize") == 2
        await charge(second)
        second.reader.present(OTHER_CARD)
        await trio.sleep(10)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")
        assert csms.actions.count("Authorize") == 3  # for the start


@pytest.mark.parametrize("info", [member_of("others"), {"status": "Accepted"}, member_of("family", "Blocked")])
async def test_c09_fr_11_others_do_not_stop_it(
    autojump_clock: MockClock, schemas: Schemas, info: dict[str, Any]
) -> None:
    tokens = {CARD["idToken"]: member_of("family"), OTHER_CARD["idToken"]: info}
    async with station_on_fake_csms(schemas, tokens=tokens) as (station, _):
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].reader.present(OTHER_CARD)
        await trio.sleep(10)
        assert charges(station.hardware.evses[0])


async def test_c11_the_cache_is_cleared_unless_there_is_none(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = model({LOCAL_PRE_AUTHORIZE: True})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):

        async def authorize_and_stop() -> None:
            for _ in range(2):
                station.hardware.evses[0].reader.present(CARD)
                await trio.sleep(10)

        await authorize_and_stop()
        await authorize_and_stop()
        assert csms.actions.count("Authorize") == 1
        assert await csms.call("ClearCache", {}) == {"status": "Accepted"}  # C11.FR.03
        await authorize_and_stop()
        assert csms.actions.count("Authorize") == 2
        variables[AUTH_CACHE_ENABLED] = False
        assert await csms.call("ClearCache", {}) == {"status": "Rejected"}  # C11.FR.04


async def test_c12_fr_02_who_is_known_charges_at_once_and_the_csms_checks_afterwards(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({LOCAL_PRE_AUTHORIZE: True})) as (station, csms):
        evse = station.hardware.evses[0]
        await charge(evse)
        evse.reader.present(CARD)
        await trio.sleep(10)
        csms.forget()
        evse.reader.present(CARD)
        await trio.sleep(10)
        assert charges(evse)  # C12.FR.04
        assert "Authorize" not in csms.actions
        assert csms.events()[0]["idToken"] == CARD


async def test_disable_remote_authorization_the_csms_is_never_asked(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({DISABLE_REMOTE_AUTHORIZATION: True})) as (station, csms):
        reader = Reader(station)
        reader.present(CARD)
        await trio.sleep(10)
        assert reader.answers == ["Unknown"]
        assert "Authorize" not in csms.actions


async def test_c16_fr_02_a_master_pass_counts_also_where_nobody_else_may_charge(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(
        schemas,
        connector_types=TWO,
        variables=model({MASTER_PASS_GROUP_ID: "masters"}),
        tokens={OTHER_CARD["idToken"]: member_of("masters")},
    ) as (station, csms):
        first, second = station.hardware.evses
        await charge(first)
        second.switch(operative=False)
        second.reader.present(OTHER_CARD)
        await trio.sleep(10)
        assert last(csms) == ("Ended", "StopAuthorized", "MasterPass")


@pytest.mark.parametrize("start_point", ["PowerPathClosed", "EVConnected"])
async def test_c02_fr_01_where_nobody_is_asked_a_vehicle_charges_when_it_comes_and_once(
    autojump_clock: MockClock, schemas: Schemas, start_point: str
) -> None:
    variables = model({AUTH_ENABLED: False, TX_START_POINT: (start_point,), TX_STOP_POINT: ("PowerPathClosed",)})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        for visit in (1, 2):
            evse.connectors[0].plug_in()
            await trio.sleep(100)
            assert charges(evse)
            tokens = [event["idToken"] for event in csms.events() if "idToken" in event]
            assert tokens == [{"idToken": "", "type": "NoAuthorization"}] * visit
            evse.press_stop()
            await trio.sleep(100)
            assert not charges(evse)  # as long as this vehicle stays
            assert last(csms) == ("Ended", "StopAuthorized", "Local")
            evse.connectors[0].unplug()
            await trio.sleep(100)
        assert "Authorize" not in csms.actions


async def test_auth_enabled_false_a_token_that_is_presented_is_told(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({AUTH_ENABLED: False})) as (station, csms):
        evse = station.hardware.evses[0]
        evse.reader.present(CARD)
        await trio.sleep(10)
        evse.connectors[0].plug_in()
        await trio.sleep(10)
        assert csms.events()[0]["idToken"] == CARD
        assert "Authorize" not in csms.actions
