"""F01-F05, H03: the CSMS starts, stops and unlocks; reservations are used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj import date_time
from shared.ocppj.schemas import Schemas
from station.device_model import (
    ADDITIONAL_INFO_ITEMS_PER_MESSAGE,
    AUTHORIZE_REMOTE_START,
    EV_CONNECTION_TIME_OUT,
    MASTER_PASS_GROUP_ID,
    TX_START_POINT,
    TX_STOP_POINT,
    DeviceModel,
)
from station.id_token import AdditionalInfo, IdToken
from tests.station.blocks.driving import CARD, OTHER_CARD, SOCKET, charge, charges, last, locked, member_of, model, told
from tests.station.fake_csms import START, FakeCsms, station_on_fake_csms

TWO = (("cType2",), ("cType2",))
FROM_APP: IdToken = {"idToken": "app-1", "type": "Central"}


async def start(csms: FakeCsms, id_token: IdToken = CARD, **more: Any) -> dict[str, Any]:
    return await csms.call("RequestStartTransaction", {"idToken": id_token, "remoteStartId": 7} | more)


async def reserve(csms: FakeCsms, id_token: IdToken = CARD, **more: Any) -> dict[str, Any]:
    expires_at = date_time.to_wire(START + timedelta(hours=5))
    return await csms.call("ReserveNow", {"id": 5, "expiryDateTime": expires_at, "idToken": id_token} | more)


@pytest.mark.parametrize(("check", "asked"), [(True, 1), (False, 0)])
async def test_f01_fr_01_f01_fr_02_a_vehicle_is_there(
    autojump_clock: MockClock, schemas: Schemas, *, check: bool, asked: int
) -> None:
    variables = model({AUTHORIZE_REMOTE_START: check})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(1)
        assert await start(csms, evseId=1) == {"status": "Accepted"}
        await trio.sleep(10)
        assert csms.actions.count("Authorize") == asked
        first, *others = csms.events()
        assert told(csms)[0] == ("Started", "RemoteStart", "EVConnected")  # F01.FR.19
        assert first["idToken"] == CARD
        assert first["transactionInfo"]["remoteStartId"] == 7  # F02.FR.01
        assert all("remoteStartId" not in event["transactionInfo"] for event in others)
        assert charges(station.hardware.evses[0])


async def test_f01_fr_13_f01_fr_25_a_transaction_that_waits_for_a_token(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_START_POINT: ("EVConnected",)})) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(1)
        transaction_id = csms.events()[0]["transactionInfo"]["transactionId"]
        assert await start(csms, evseId=1) == {"status": "Accepted", "transactionId": transaction_id}
        await trio.sleep(10)
        event = csms.events()[1]
        assert (event["triggerReason"], event["idToken"]) == ("RemoteStart", CARD)
        assert event["transactionInfo"]["remoteStartId"] == 7


async def test_f02_fr_21_the_vehicle_comes_later(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, variables=model({TX_START_POINT: ("EVConnected",)})) as (station, csms):
        await start(csms, evseId=1)
        await trio.sleep(10)
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(10)
        assert told(csms)[0] == ("Started", "RemoteStart", "EVConnected")
        assert csms.events()[0]["transactionInfo"]["remoteStartId"] == 7


@pytest.mark.parametrize("stop_point", ["Authorized", "ParkingBayOccupancy"])
async def test_f02_fr_07_f02_fr_08_the_vehicle_does_not_come(
    autojump_clock: MockClock, schemas: Schemas, stop_point: str
) -> None:
    variables = model({TX_START_POINT: ("Authorized",), TX_STOP_POINT: (stop_point,), EV_CONNECTION_TIME_OUT: 60})
    async with station_on_fake_csms(schemas, variables=variables) as (station, csms):
        station.hardware.evses[0].occupy()
        await start(csms)
        await trio.sleep(100)
        if stop_point == "Authorized":
            assert last(csms) == ("Ended", "EVConnectTimeout", "Timeout")
        else:
            assert told(csms)[-1] == ("Updated", "EVConnectTimeout", None)


async def test_f01_a_token_that_is_not_accepted_starts_nothing(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, tokens={CARD["idToken"]: {"status": "Blocked"}}) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        assert await start(csms) == {"status": "Accepted"}
        await trio.sleep(10)
        assert csms.events() == []


@pytest.mark.parametrize("id_token", [FROM_APP, {"idToken": "", "type": "NoAuthorization"}])
async def test_c03_fr_01_c05_fr_01_a_token_of_the_csms_is_not_asked_about(
    autojump_clock: MockClock, schemas: Schemas, id_token: IdToken
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        await start(csms, id_token)
        await trio.sleep(10)
        assert charges(station.hardware.evses[0])
        assert "Authorize" not in csms.actions
        assert csms.events()[0]["idToken"] == id_token  # C05.FR.05


@pytest.mark.parametrize("told_by", ["request", "answer"])
async def test_c16_fr_03_a_master_pass_cannot_be_started_with_and_stops_nobody_from_afar(
    autojump_clock: MockClock, schemas: Schemas, told_by: str
) -> None:
    variables = model({MASTER_PASS_GROUP_ID: "Masters"})
    async with station_on_fake_csms(schemas, connector_types=TWO, variables=variables) as (station, csms):
        first, second = station.hardware.evses
        await charge(first)
        second.connectors[0].plug_in()
        if told_by == "request":
            answer = await start(csms, OTHER_CARD, evseId=2, groupIdToken={"idToken": "masters", "type": "Central"})
            assert answer == {"status": "Rejected"}
        else:
            csms.tokens[OTHER_CARD["idToken"]] = member_of("masters")
            assert await start(csms, OTHER_CARD, evseId=2) == {"status": "Accepted"}  # it was yet to be asked
        await trio.sleep(10)
        assert charges(first)
        assert not charges(second)


async def test_f01_fr_20_the_station_chooses_an_evse_with_a_vehicle(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO) as (station, csms):
        station.hardware.evses[1].connectors[0].plug_in()
        await start(csms)
        await trio.sleep(10)
        assert csms.events()[0]["evse"]["id"] == 2


async def test_f01_fr_20_the_station_chooses_the_evse_that_is_reserved(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(
        schemas, connector_types=TWO, variables=model({TX_START_POINT: ("Authorized",)})
    ) as (
        _,
        csms,
    ):
        await reserve(csms, evseId=2)
        await start(csms)
        await trio.sleep(10)
        assert (csms.events()[0]["evse"]["id"], csms.events()[0]["reservationId"]) == (2, 5)


@pytest.mark.parametrize("trouble", ["fault", "inoperative", "authorized", "being decided", "unknown", "reserved"])
async def test_f01_fr_21_to_f01_fr_24_rejected(autojump_clock: MockClock, schemas: Schemas, trouble: str) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        match trouble:
            case "fault":
                evse.fault("GroundFailure")  # F01.FR.23
            case "inoperative":
                evse.switch(operative=False)  # F01.FR.23
            case "authorized":
                await charge(evse)  # F01.FR.24
            case "being decided":
                csms.thinks_s["Authorize"] = 10
                evse.reader.present(OTHER_CARD)
            case "reserved":
                await reserve(csms, OTHER_CARD, evseId=1, groupIdToken={"idToken": "family", "type": "Central"})
        await trio.sleep(1)
        started = len(csms.events())
        assert await start(csms, evseId=2 if trouble == "unknown" else 1) == {"status": "Rejected"}
        await trio.sleep(1)
        assert len(csms.events()) == started


async def test_2_3_2_more_additional_info_than_the_station_can_send_is_refused(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    most = DeviceModel()[ADDITIONAL_INFO_ITEMS_PER_MESSAGE]
    items: list[AdditionalInfo] = [{"additionalIdToken": str(number), "type": "t"} for number in range(most + 1)]
    too_much: IdToken = {**CARD, "additionalInfo": items}
    async with station_on_fake_csms(schemas) as (station, csms):
        for answer in (await start(csms, too_much), await reserve(csms, too_much, evseId=1)):
            assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "TooManyElements")
        most_of_it: IdToken = {**CARD, "additionalInfo": items[:most]}
        assert await start(csms, most_of_it) == {"status": "Accepted"}
        station.hardware.evses[0].connectors[0].plug_in()
        await trio.sleep(10)
        assert csms.events()[0]["idToken"] == most_of_it


async def test_f01_while_one_remote_start_is_decided_there_is_no_other(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    tokens = {CARD["idToken"]: {"status": "Blocked"}}
    async with station_on_fake_csms(schemas, thinks_s={"Authorize": 5}, tokens=tokens) as (station, csms):
        evse = station.hardware.evses[0]
        evse.connectors[0].plug_in()
        assert await start(csms, evseId=1) == {"status": "Accepted"}
        assert await start(csms, OTHER_CARD, evseId=1) == {"status": "Rejected"}
        await trio.sleep(10)
        assert not charges(evse)
        assert await start(csms, OTHER_CARD, evseId=1) == {"status": "Accepted"}
        await trio.sleep(10)
        assert charges(evse)


@pytest.mark.parametrize(
    ("stop_point", "event"),
    [
        ("Authorized", ("Ended", "RemoteStop", "Remote")),  # F03.FR.03
        ("PowerPathClosed", ("Ended", "RemoteStop", "Remote")),
        ("EVConnected", ("Updated", "RemoteStop", None)),  # F03.FR.02
    ],
)
@pytest.mark.parametrize("authorized", [True, False])
async def test_f03_f04_a_transaction_is_stopped(
    autojump_clock: MockClock,
    schemas: Schemas,
    stop_point: str,
    event: tuple[str, str, str | None],
    *,
    authorized: bool,
) -> None:
    variables = model({TX_START_POINT: ("EVConnected",), TX_STOP_POINT: (stop_point,)})
    async with station_on_fake_csms(schemas, connector_types=SOCKET, variables=variables) as (station, csms):
        evse = station.hardware.evses[0]
        if authorized:
            await charge(evse)
        else:
            evse.connectors[0].plug_in()
            await trio.sleep(10)
        request = {"transactionId": csms.events()[0]["transactionInfo"]["transactionId"]}
        assert await csms.call("RequestStopTransaction", request) == {"status": "Accepted"}  # F03.FR.07
        await trio.sleep(10)
        assert last(csms) == event
        assert not charges(evse)
        assert not locked(evse)  # F04.FR.02
        evse.connectors[0].unplug()
        await trio.sleep(10)
        assert csms.events()[-1]["transactionInfo"]["stoppedReason"] == "Remote"  # F04.FR.03
        assert await csms.call("RequestStopTransaction", request) == {"status": "Rejected"}  # F03.FR.08


async def test_f05_the_cable_is_unlocked_unless_somebody_charges(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=SOCKET) as (station, csms):
        connector = station.hardware.evses[0].connectors[0]
        request = {"evseId": 1, "connectorId": 1}
        assert await csms.call("UnlockConnector", request) == {"status": "Unlocked"}  # F05.FR.06
        assert await csms.call("UnlockConnector", request | {"connectorId": 2}) == {"status": "UnknownConnector"}
        assert await csms.call("UnlockConnector", request | {"evseId": 2}) == {"status": "UnknownConnector"}
        await charge(station.hardware.evses[0])
        assert await csms.call("UnlockConnector", request) == {"status": "OngoingAuthorizedTransaction"}  # F05.FR.02
        assert connector.locked
        connector.jam()
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(10)
        assert await csms.call("UnlockConnector", request) == {"status": "UnlockFailed"}  # F05.FR.05
        connector.unjam()
        assert await csms.call("UnlockConnector", request) == {"status": "Unlocked"}  # F05.FR.04
        connector.unplug()


async def test_f05_a_transaction_that_is_no_longer_authorized_is_told_of_the_unlocking(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(
        schemas, connector_types=SOCKET, variables=model({TX_STOP_POINT: ("EVConnected",)})
    ) as (
        station,
        csms,
    ):
        await charge(station.hardware.evses[0])
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(10)
        assert await csms.call("UnlockConnector", {"evseId": 1, "connectorId": 1}) == {"status": "Unlocked"}
        await trio.sleep(10)
        assert last(csms) == ("Updated", "UnlockCommand", None)


async def test_f06_fr_07_the_transaction_is_told_as_it_is(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO) as (station, csms):
        request = {"requestedMessage": "TransactionEvent"}
        assert await csms.call("TriggerMessage", request) == {"status": "Rejected"}
        await charge(station.hardware.evses[1])
        assert await csms.call("TriggerMessage", request | {"evse": {"id": 1}}) == {"status": "Rejected"}
        assert await csms.call("TriggerMessage", request) == {"status": "Accepted"}
        await trio.sleep(1)
        event = csms.events()[-1]
        assert (event["triggerReason"], event["transactionInfo"]["chargingState"]) == ("Trigger", "Charging")
        assert event["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"


@pytest.mark.parametrize("plugged_first", [True, False])
async def test_h03_g01_fr_06_a_reservation_is_used(
    autojump_clock: MockClock, schemas: Schemas, *, plugged_first: bool
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        evse = station.hardware.evses[0]
        await reserve(csms, evseId=1)
        if plugged_first:
            evse.connectors[0].plug_in()
            await trio.sleep(1)
            assert csms.statuses()[-1] == (1, 1, "Reserved")
        evse.reader.present(OTHER_CARD)
        await trio.sleep(1)
        assert not charges(evse)
        evse.reader.present(CARD)  # H03.FR.01
        await trio.sleep(1)
        assert csms.statuses()[-1] == (1, 1, "Occupied" if plugged_first else "Available")  # H03.FR.10
        evse.connectors[0].plug_in()
        await trio.sleep(100)
        assert csms.statuses()[-1] == (1, 1, "Occupied")
        assert [event.get("reservationId") for event in csms.events()][:2] == [5, None]  # E01.FR.13
        assert await csms.call("CancelReservation", {"reservationId": 5}) == {"status": "Rejected"}  # H03.FR.09
        assert "ReservationStatusUpdate" not in csms.actions


async def test_h03_fr_04_h03_fr_08_one_of_the_group_uses_it(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, tokens={OTHER_CARD["idToken"]: member_of("family")}) as (station, csms):
        await reserve(csms, evseId=1, groupIdToken={"idToken": "family", "type": "Central"})
        await charge(station.hardware.evses[0], OTHER_CARD)
        assert csms.events()[0]["reservationId"] == 5


@pytest.mark.parametrize("where", [{}, {"connectorType": "cType2"}])
async def test_h03_fr_02_h03_fr_03_a_reservation_of_no_certain_evse(
    autojump_clock: MockClock, schemas: Schemas, where: dict[str, Any]
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO) as (station, csms):
        assert await reserve(csms, **where) == {"status": "Accepted"}
        await charge(station.hardware.evses[1])
        assert csms.events()[0]["reservationId"] == 5


async def test_h03_f01_a_remote_start_uses_the_reservation_of_its_group(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    family: IdToken = {"idToken": "family", "type": "Central"}
    async with station_on_fake_csms(schemas) as (station, csms):
        await reserve(csms, evseId=1, groupIdToken=family)
        station.hardware.evses[0].connectors[0].plug_in()
        assert await start(csms, FROM_APP, evseId=1, groupIdToken=family) == {"status": "Accepted"}
        await trio.sleep(10)
        assert csms.events()[0]["reservationId"] == 5
