"""E Transactions and J Meter values with a foreign station: whole ones, those told late and out of order, gaps."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from tests.interop.foreign_stations import (
    IDENTITY,
    STATION,
    ForeignStation,
    at,
    csms_and_booted_station,
    events,
)
from tests.processes import Csms, Programs

TOKEN: Final = {"id_token": "04A2B3C4", "type": "ISO14443"}
OTHER_TOKEN: Final = {"id_token": "04FFEEDD", "type": "ISO14443"}
EVSE: Final = {"id": 1, "connector_id": 2}
SIGNED: Final = {
    "signed_meter_data": "T0NNRnx7IkZWIjoiMS4wIn18eyJTRCI6IjMwNDUifQ==\n  verbatim/+\\ \u00e4\u20ac",
    "signing_method": "ECDSA-secp256r1-SHA256",
    "encoding_method": "OCMF",
    "public_key": "b2NhOmJhc2UxNjphc24xOjMwNTkzMDEz",
}

Payload = dict[str, Any]


def sample(value: float, **more: Any) -> Payload:
    """A SampledValueType."""
    return {"value": value, **more}


def metered(seconds: float, *samples: Payload) -> Payload:
    """A MeterValueType."""
    return {"timestamp": at(seconds), "sampled_value": list(samples)}


async def transaction(csms: Csms, transaction_id: str) -> Payload:
    """A transaction of the station, as REST shows it."""
    found: Payload = await csms.get(f"/api/v1/transactions/{IDENTITY}/{transaction_id}")
    return found


async def put_token(csms: Csms, id_token: str, **entry: Any) -> None:
    """Have the CSMS know a token."""
    (await csms.rest.put(f"/api/v1/tokens/ISO14443/{id_token}", json=entry)).raise_for_status()


async def test_e01_e02_e06_e07_j01_j02_a_whole_transaction_is_kept_with_all_that_is_measured(
    programs: Programs,
) -> None:
    csms, station = await csms_and_booted_station(programs)
    await put_token(csms, "04A2B3C4", group_id="family-1")
    await put_token(csms, "04FFEEDD", group_id="family-1")
    group = {"id_token": "family-1", "type": "Central"}
    kilo = {"unit_of_measure": {"unit": "Wh", "multiplier": 3}}

    began = [metered(0, sample(120.0, context="Transaction.Begin", **kilo))]
    assert await station.event("Started", "t/1", 0, evse=EVSE, meter_value=began, cable_max_current=32) == {}
    authorized = await station.event("Updated", "t/1", 1, trigger_reason="Authorized", id_token=TOKEN)
    assert authorized == {"id_token_info": {"status": "Accepted", "group_id_token": group}}, "E01.FR.12"
    charging = {"charging_state": "Charging"}
    assert await station.event("Updated", "t/1", 2, trigger_reason="ChargingStateChanged", info=charging) == {}
    measured = [
        metered(
            60,
            sample(229.8, measurand="Voltage", phase="L1-N", unit_of_measure={"unit": "V"}),
            sample(230.4, measurand="Voltage", phase="L2-N", unit_of_measure={"unit": "V"}),
            sample(16.0, measurand="Current.Import", phase="L1", location="Outlet", unit_of_measure={"unit": "A"}),
            sample(7.4, measurand="Power.Active.Import", unit_of_measure={"unit": "W", "multiplier": 3}),
            sample(41.0, measurand="SoC", location="EV", unit_of_measure={"unit": "Percent"}),
        ),
        metered(61, sample(121.5, signed_meter_value=SIGNED, **kilo), sample(-0.25, measurand="Power.Offered")),
    ]
    periodic = await station.event("Updated", "t/1", 3, trigger_reason="MeterValuePeriodic", meter_value=measured)
    assert periodic == {}
    ended = await station.event(
        "Ended",
        "t/1",
        4,
        timestamp=at(90),
        trigger_reason="StopAuthorized",
        id_token=OTHER_TOKEN,
        meter_value=[metered(90, sample(125_500.0, context="Transaction.End", signed_meter_value=SIGNED))],
        info={"charging_state": "EVConnected", "stopped_reason": "Local", "time_spent_charging": 80},
    )
    assert ended["id_token_info"]["status"] == "Accepted", "E07"

    kept = await transaction(csms, "t/1")
    about = {name: kept[name] for name in kept if name not in ("events", "meter_values", "updated_at")}
    assert about == {
        "station_id": IDENTITY,
        "transaction_id": "t/1",
        "evse_id": 1,
        "connector_id": 2,
        "started_at": at(0),
        "ended_at": at(90),
        "duration_s": 90.0,
        "open": False,
        "energy_wh": 5_500.0,
        "register_start_wh": 120_000.0,
        "register_stop_wh": 125_500.0,
        "id_token": "04A2B3C4",
        "id_token_type": "ISO14443",
        "id_token_status": "Accepted",
        "charging_state": "EVConnected",
        "stopped_reason": "Local",
        "remote_start_id": None,
        "reservation_id": None,
        "events_received": 5,
        "events_missing": 0,
        "complete": True,
        "total_cost": None,
        "currency": None,
        "messages_in_queue": None,
        "status_asked_at": None,
        "gaps": [],
    }
    assert [event["seq_no"] for event in kept["events"]] == [0, 1, 2, 3, 4]
    assert kept["events"][0]["request"]["cableMaxCurrent"] == 32
    assert kept["events"][1]["response"]["idTokenInfo"]["groupIdToken"] == {"idToken": "family-1", "type": "Central"}
    assert kept["events"][4]["request"]["transactionInfo"]["timeSpentCharging"] == 80
    await check_meter_values(csms, kept)
    (listed,) = (await csms.get("/api/v1/transactions"))["transactions"]
    assert listed == {name: kept[name] for name in listed}

    async with events(csms) as told:
        started = await told.next("transaction.started")
        assert (started["transaction_id"], started["evse_id"], started["connector_id"]) == ("t/1", 1, 2)
        assert (await told.next("transaction.updated"))["trigger_reason"] == "Authorized"
        assert (await told.next("transaction.updated"))["charging_state"] == "Charging"
        assert (await told.next("transaction.ended"))["stopped_reason"] == "Local"
    await measure_outside_of_transactions(csms, station)


async def check_meter_values(csms: Csms, kept: Payload) -> None:
    """J: what was measured is there, value by value, as a part of the transaction and of the station's meter values."""
    values = kept["meter_values"]
    assert [
        (one["seq_no"], one["sampled_at"], one["measurand"], one["context"], one["phase"], one["location"])
        for one in values
    ] == [
        (0, at(0), "Energy.Active.Import.Register", "Transaction.Begin", None, "Outlet"),
        (3, at(60), "Voltage", "Sample.Periodic", "L1-N", "Outlet"),
        (3, at(60), "Voltage", "Sample.Periodic", "L2-N", "Outlet"),
        (3, at(60), "Current.Import", "Sample.Periodic", "L1", "Outlet"),
        (3, at(60), "Power.Active.Import", "Sample.Periodic", None, "Outlet"),
        (3, at(60), "SoC", "Sample.Periodic", None, "EV"),
        (3, at(61), "Energy.Active.Import.Register", "Sample.Periodic", None, "Outlet"),
        (3, at(61), "Power.Offered", "Sample.Periodic", None, "Outlet"),
        (4, at(90), "Energy.Active.Import.Register", "Transaction.End", None, "Outlet"),
    ]
    assert [(one["value"], one["unit"], one["multiplier"]) for one in values] == [
        (120.0, "Wh", 3),
        (229.8, "V", 0),
        (230.4, "V", 0),
        (16.0, "A", 0),
        (7.4, "W", 3),
        (41.0, "Percent", 0),
        (121.5, "Wh", 3),
        (-0.25, None, 0),
        (125_500.0, "Wh", 0),
    ]
    signed = {
        "signedMeterData": SIGNED["signed_meter_data"],
        "signingMethod": SIGNED["signing_method"],
        "encodingMethod": SIGNED["encoding_method"],
        "publicKey": SIGNED["public_key"],
    }
    assert [one["signed_meter_value"] for one in values] == [None] * 6 + [signed, None, signed]
    assert (await csms.get(f"{STATION}/meter-values"))["meter_values"] == values
    voltages = await csms.get(f"{STATION}/meter-values", transaction_id="t/1", measurand="Voltage", evse_id=1)
    assert voltages["meter_values"] == values[1:3]
    later = await csms.get(f"{STATION}/meter-values", from_=at(61), to=at(90))
    assert later["meter_values"] == values[6:8]


async def measure_outside_of_transactions(csms: Csms, station: ForeignStation) -> None:
    """J01: MeterValues of the main meter (EVSE 0) and of an EVSE, each sent twice, as after a lost answer."""
    clock_aligned: Payload = {"context": "Sample.Clock", "location": "Inlet", "phase": "L3"}
    for evse_id, readings in ((0, (5.0, 6.0)), (2, (7.0, 8.0))):
        values = [
            metered(3600 + 900 * quarter, sample(reading, measurand="Power.Active.Import", **clock_aligned))
            for quarter, reading in enumerate(readings)
        ]
        for _ in range(2):
            assert await station.call("MeterValues", evse_id=evse_id, meter_value=values) == {}
    kept = (await csms.get(f"{STATION}/meter-values", from_=at(3600)))["meter_values"]
    assert [one["sampled_at"] for one in kept] == [at(3600), at(3600), at(4500), at(4500)]
    assert sorted((one["evse_id"], one["value"]) for one in kept) == [(0, 5.0), (0, 6.0), (2, 7.0), (2, 8.0)]
    assert {(one["context"], one["phase"], one["location"], one["transaction_id"], one["seq_no"]) for one in kept} == {
        ("Sample.Clock", "L3", "Inlet", None, None)
    }
    await station.event("Started", "t-1", 0, evse={"id": 2}, meter_value=[metered(4600, sample(1.0))])
    whose = {one["transaction_id"] for one in (await csms.get(f"{STATION}/meter-values", evse_id=2))["meter_values"]}
    assert whose == {None, "t-1"}


async def test_e04_e12_e13_e14_a_transaction_told_late_out_of_order_and_twice_comes_out_right(
    programs: Programs,
) -> None:
    csms, station = await csms_and_booted_station(programs)
    await put_token(csms, "04A2B3C4")
    await station.will_answer("GetTransactionStatus", messages_in_queue=True, ongoing_indicator=False)
    offline: Payload = {"offline": True, "evse": {"id": 1}}

    ended = metered(400, sample(3_000.0, context="Transaction.End"))
    assert await station.event("Ended", "t-2", 4, timestamp=at(400), meter_value=[ended], **offline) == {}
    assert await station.received("GetTransactionStatus") == {"transaction_id": "t-2"}, "E14"
    kept = await csms.shows(f"/api/v1/transactions/{IDENTITY}/t-2", lambda body: body["messages_in_queue"] is not None)
    assert (kept["messages_in_queue"], kept["complete"], kept["started_at"]) == (True, False, None)

    assert await station.event("Updated", "t-2", 2, timestamp=at(200), **offline) == {}
    kept = await transaction(csms, "t-2")
    assert (kept["gaps"], kept["events_missing"]) == ([{"first": 3, "last": 3}], 1)
    first = await station.event("Updated", "t-2", 1, timestamp=at(100), id_token=TOKEN, **offline)
    assert first == {"id_token_info": {"status": "Accepted"}}
    await put_token(csms, "04A2B3C4", status="Blocked")
    again = await station.event("Updated", "t-2", 1, timestamp=at(100), id_token=TOKEN, **offline)
    assert again == first, "E13.FR.02: it is the same message"
    began = metered(0, sample(1_000.0, context="Transaction.Begin"))
    assert await station.event("Started", "t-2", 0, timestamp=at(0), meter_value=[began], **offline) == {}
    assert await station.event("Updated", "t-2", 3, timestamp=at(300), **offline) == {}

    kept = await transaction(csms, "t-2")
    assert (kept["complete"], kept["gaps"], kept["events_missing"], kept["events_received"]) == (True, [], 0, 5)
    assert [event["seq_no"] for event in kept["events"]] == [0, 1, 2, 3, 4]
    assert (kept["started_at"], kept["ended_at"], kept["energy_wh"]) == (at(0), at(400), 2_000.0)
    assert (kept["id_token"], kept["id_token_status"]) == ("04A2B3C4", "Accepted")
    assert len((await csms.get(f"{STATION}/meter-values"))["meter_values"]) == 2
    assert len(station.all_received("GetTransactionStatus")) == 1, "once is enough"


async def test_e14_a_gap_stays_visible_until_it_closes_and_holds_up_no_other_transaction(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs)
    assert await station.event("Started", "t-old", 0, evse={"id": 1}) == {}
    assert await station.event("Started", "t-new", 0, timestamp=at(600), evse={"id": 1}) == {}
    still_open = await csms.get("/api/v1/transactions", open="true")
    assert [one["transaction_id"] for one in still_open["transactions"]] == ["t-new", "t-old"]

    await station.will_answer("GetTransactionStatus", messages_in_queue=False)
    assert await station.event("Ended", "t-new", 4, timestamp=at(700)) == {}
    assert await station.received("GetTransactionStatus") == {"transaction_id": "t-new"}
    kept = await csms.shows(
        f"/api/v1/transactions/{IDENTITY}/t-new", lambda body: body["messages_in_queue"] is not None
    )
    assert (kept["messages_in_queue"], kept["complete"], kept["events_missing"]) == (False, False, 3)
    assert kept["gaps"] == [{"first": 1, "last": 3}]
    assert kept["stopped_reason"] == "Local", "E06.FR.09: nothing said is Local"

    await station.do("vanish")
    await station.connect(csms)
    assert await station.event("Updated", "t-new", 2, timestamp=at(650)) == {}, "it need not boot again"
    assert await station.received("GetTransactionStatus") == {"transaction_id": "t-new"}, "asked anew"
    kept = await transaction(csms, "t-new")
    assert kept["gaps"] == [{"first": 1, "last": 1}, {"first": 3, "last": 3}]
    assert await station.event("Updated", "t-new", 3, timestamp=at(660)) == {}
    assert await station.event("Updated", "t-new", 1, timestamp=at(640)) == {}
    assert (await transaction(csms, "t-new"))["complete"]

    far = {"id": 77, "connector_id": 9}
    unknown = await station.event("Updated", "t-lost", 3, evse=far, id_token={"id_token": "?", "type": "ISO15693"})
    assert unknown == {"id_token_info": {"status": "Unknown"}}
    kept = await transaction(csms, "t-lost")
    assert (kept["evse_id"], kept["connector_id"], kept["started_at"]) == (77, 9, None), "never seen, yet not lost"
    status = await csms.call(IDENTITY, "GetTransactionStatus", {"transactionId": "t-lost"})
    assert status == (200, {"result": {"messagesInQueue": False}})


async def test_i02_i03_the_station_is_told_what_it_costs(programs: Programs) -> None:
    csms, station = await csms_and_booted_station(programs)
    prices = {"currency": "EUR", "energy_price": 0.4, "start_price": 0.5}
    put = await csms.rest.put("/api/v1/tariffs/default", json=prices)
    assert put.status_code == HTTPStatus.CREATED
    begin = datetime.fromisoformat(put.json()["valid_from"])

    async def tell(kind: str, number: int, wh: float) -> Payload:
        moment = (begin + timedelta(seconds=60 * number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        value = [{"timestamp": moment, "sampled_value": [sample(wh)]}]
        return await station.event(kind, "t/cost", number, timestamp=moment, evse=EVSE, meter_value=value)

    assert await tell("Started", 0, 10_000) == {}
    assert await tell("Updated", 1, 10_500) == {"total_cost": 0.7}
    assert await tell("Ended", 2, 12_000) == {"total_cost": 1.3}
    kept = await transaction(csms, "t/cost")
    assert (kept["total_cost"], kept["currency"]) == (1.3, "EUR")
