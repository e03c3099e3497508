"""E Transactions and J Meter values, as a station and an operator see them."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from sqlalchemy import Connection, select
from trio.testing import MockClock

from csms.blocks.transactions import Ledger
from csms.store import StoreUnavailable
from csms.store.tables import events, transaction_events, transactions
from tests.csms.blocks.transactions.charging import Payload, event, session, token
from tests.csms.fake_station import FakeStation
from tests.csms.site import Site, settle

URL = "/api/v1/transactions/CP_1/T1"


async def tell(station: FakeStation, *payloads: Payload) -> list[Payload]:
    return [await station.ask("TransactionEvent", payload) for payload in payloads]


async def whole(site: Site, url: str = URL) -> dict[str, Any]:
    answer = await site.get(url)
    assert answer.status == 200, answer.text
    return dict(answer.json)


async def status_of(station: FakeStation, payload: Payload) -> str:
    return str((await station.ask("TransactionEvent", payload))["idTokenInfo"]["status"])


def starting(transaction_id: str, evse_id: int = 1, number: str = "AA11", minute: int = 0) -> Payload:
    return event(
        "Started", 0, transaction_id, trigger="Authorized", idToken=token(number), evse={"id": evse_id}, minute=minute
    )


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_a_session_is_kept_with_all_its_events(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await tell(station, *session(5))
    kept = await whole(site)
    assert (kept["complete"], kept["open"], kept["gaps"]) == (True, False, [])
    assert (kept["started_at"], kept["ended_at"]) == ("2026-11-22T04:00:00.000Z", "2026-11-22T04:04:00.000Z")
    assert (kept["duration_s"], kept["energy_wh"]) == (240, 1000)
    assert (kept["evse_id"], kept["connector_id"]) == (1, 1)
    assert (kept["id_token"], kept["stopped_reason"], kept["charging_state"]) == ("AA11", "Local", "EVConnected")
    assert [each["request"] for each in kept["events"]] == session(5)
    assert kept["events"][1]["response"] == {"idTokenInfo": {"status": "Unknown"}}


async def test_j02_fr_19_an_event_without_token_is_answered_empty(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    assert await tell(station, event("Started", 0), event("Updated", 1)) == [{}, {}]


async def test_e13_a_resent_event_is_kept_once_and_answered_as_before(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {})
    told = session(4)
    answers = await tell(station, *told)
    await site.put("/api/v1/tokens/ISO14443/AA11", {"status": "Blocked"})
    assert await tell(station, *told) == answers
    kept = await whole(site)
    assert kept["events_received"] == 4
    assert len(kept["meter_values"]) == 3
    rows = await site.store.read(lambda connection: connection.execute(select(events)).all())
    assert [row.event_type for row in rows if row.event_type.startswith("transaction.")] == [
        "transaction.started",
        "transaction.updated",
        "transaction.updated",
        "transaction.ended",
    ]


async def test_e13_a_resent_event_is_answered_as_before_after_a_restart(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"group_id": "G"})
    told = session(4)
    answers = await tell(station, *told)
    site.csms.ledger = Ledger(site.store, site.clock)
    await site.csms.load()
    await site.delete("/api/v1/tokens/ISO14443/AA11")
    await station.hang_up()
    station = await site.connect_ready()
    assert await tell(station, *told) == answers


async def test_what_is_not_stored_is_not_answered(
    site: Site, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = await site.connect_ready()
    commit = site.store.commit

    async def fail(*_: Any) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(site.store, "commit", fail)
    assert (await station.call("TransactionEvent", event("Started", 0)))[2] == "InternalError"
    monkeypatch.setattr(site.store, "commit", commit)
    await tell(station, event("Started", 0))
    assert (await whole(site))["events_received"] == 1


async def test_an_evse_and_a_token_never_seen_are_kept(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    assert await status_of(station, starting("T1", evse_id=77, number="ZZ")) == "Unknown"
    kept = await whole(site)
    assert (kept["evse_id"], kept["id_token"]) == (77, "ZZ")


async def test_a_start_is_not_refused_because_an_older_transaction_was_left_open(
    site: Site, autojump_clock: MockClock
) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"max_transactions": 1})
    assert await status_of(station, starting("T1")) == "Accepted"
    assert await status_of(station, starting("T2", minute=9)) == "Accepted"
    assert (await whole(site))["open"]


async def test_a_seq_no_that_no_integer_holds_is_refused(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    assert (await station.call("TransactionEvent", event("Updated", 2**70, minute=1)))[0] == 4


async def test_what_happens_is_told_to_programs_in_the_same_commit(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await tell(station, session(4)[0])

    def read(connection: Connection) -> list[tuple[str, str]]:
        rows = connection.execute(select(events).where(events.c.event_type == "transaction.started"))
        return [(row.station_id, row.data) for row in rows]

    [(station_id, data)] = await site.store.read(read)
    assert station_id == "CP_1"
    assert '"transaction_id":"T1"' in data
    assert '"evse_id":1' in data


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_e01_fr_12_the_token_of_an_event_is_judged(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"group_id": "FLEET"})
    [answer] = await tell(station, starting("T1", number="aa11"))
    assert answer["idTokenInfo"] == {
        "status": "Accepted",
        "groupIdToken": {"idToken": "FLEET", "type": "Central"},  # C09.FR.12
    }


async def test_c02_fr_02_a_start_button_is_accepted(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    assert await status_of(station, event("Started", 0, idToken=token("", "NoAuthorization"))) == "Accepted"


async def test_c05_a_central_token_that_nobody_registered_is_accepted(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    assert await status_of(station, event("Started", 0, idToken=token("guest", "Central"))) == "Accepted"
    await site.put("/api/v1/tokens/Central/stolen", {"status": "Blocked"})
    assert await status_of(station, event("Started", 0, "T2", idToken=token("stolen", "Central"))) == "Blocked"


async def test_concurrent_tx_where_a_token_may_have_one_transaction(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready(evses=2)
    await site.put("/api/v1/tokens/ISO14443/AA11", {"max_transactions": 1})
    assert await status_of(station, starting("T1", evse_id=1)) == "Accepted"
    assert await status_of(station, starting("T2", evse_id=2)) == "ConcurrentTx"
    assert await status_of(station, event("Updated", 1, "T1", trigger="Authorized", idToken=token())) == "Accepted"
    stop = event("Ended", 2, "T1", trigger="StopAuthorized", idToken=token())
    assert await status_of(station, stop) == "Accepted"
    assert await status_of(station, starting("T3", evse_id=1, minute=9)) == "Accepted"  # T2 has no energy
    assert await status_of(station, starting("T4", evse_id=2, minute=9)) == "ConcurrentTx"


async def test_concurrent_tx_is_known_after_a_restart(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready(evses=2)
    await site.put("/api/v1/tokens/ISO14443/AA11", {"max_transactions": 1})
    await tell(station, starting("T1", evse_id=1), starting("T0", evse_id=3))
    await tell(station, event("Ended", 1, "T1"))
    await tell(station, starting("T1a", evse_id=1, minute=2))
    site.csms.ledger = Ledger(site.store, site.clock)
    await site.csms.load()
    await station.hang_up()
    station = await site.connect_ready()
    assert await status_of(station, starting("T2", evse_id=2)) == "ConcurrentTx"
    await tell(station, event("Ended", 1, "T1a", minute=3))
    assert await status_of(station, starting("T3", evse_id=1, minute=4)) == "Accepted"  # T0 was not


async def test_c12_fr_09_a_master_pass_starts_nothing_but_stops(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await site.put("/api/v1/tokens/ISO14443/AA11", {"group_id": "MASTER", "master_pass": True})
    assert await status_of(station, starting("T1")) == "Invalid"
    stop = event("Ended", 1, info={"stoppedReason": "MasterPass"}, trigger="StopAuthorized", idToken=token())
    assert await status_of(station, stop) == "Accepted"


async def test_a_token_on_an_evse_it_must_not_use_is_not_accepted(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready(evses=2)
    await site.put("/api/v1/tokens/ISO14443/AA11", {"stations": {"CP_1": [2]}})
    assert (await tell(station, starting("T1", evse_id=1)))[0]["idTokenInfo"] == {"status": "NotAtThisLocation"}
    [answer] = await tell(station, starting("T2", evse_id=2))
    assert answer["idTokenInfo"] == {"status": "Accepted", "evseId": [2]}


# --- gaps -------------------------------------------------------------------------------------------------------------


async def test_a_gap_is_shown_until_it_closes(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    told = session(6)
    await tell(station, told[0], told[1], told[4])
    kept = await whole(site)
    assert (kept["gaps"], kept["events_missing"]) == ([{"first": 2, "last": 3}], 2)
    await tell(station, told[2], told[3])
    kept = await whole(site)
    assert (kept["gaps"], kept["complete"], kept["open"]) == ([], False, True)
    await tell(station, told[5])
    assert (await whole(site))["complete"]
    assert station.unread() == []  # nothing to ask


async def test_e14_after_an_end_with_a_gap_the_station_is_asked_once(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    told = session(6)
    await tell(station, told[0], told[5])
    assert await station.answer("GetTransactionStatus", {"messagesInQueue": True, "ongoingIndicator": False}) == {
        "transactionId": "T1"
    }
    await tell(station, told[1])
    await settle()
    assert station.unread() == []
    kept = await whole(site)
    assert kept["messages_in_queue"] is True
    assert kept["status_asked_at"] is not None
    assert kept["gaps"] == [{"first": 2, "last": 4}]


async def test_e14_on_its_next_connection_the_station_is_asked_again(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    told = session(6)
    await tell(station, told[0], told[5])
    await station.expect("GetTransactionStatus")
    await station.vanish()
    station = await site.connect_ready()
    await tell(station, told[2])
    await station.answer("GetTransactionStatus", {"messagesInQueue": False})
    await settle()
    assert (await whole(site))["messages_in_queue"] is False


async def test_e14_it_is_asked_also_when_the_end_alone_comes_again(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    told = session(6)
    await tell(station, told[0], told[5])
    await station.expect("GetTransactionStatus")
    await site.restart()
    station = await site.connect_ready()
    await tell(station, told[5])
    await station.answer("GetTransactionStatus", {"messagesInQueue": True})
    await tell(station, told[5])
    await settle()
    assert station.unread() == []
    assert (await whole(site))["messages_in_queue"] is True


async def test_e14_an_end_without_a_start_is_asked_about(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await tell(station, session(3)[2])
    await station.refuse("GetTransactionStatus", "NotImplemented")
    await tell(station, *session(3)[:2])
    assert (await whole(site))["complete"]


# --- what comes again while it is being written -----------------------------------------------------------------------


async def test_an_event_that_comes_again_while_it_is_written_is_told_once(site: Site) -> None:
    station = await site.connect_ready()
    started = session()[0]
    site.hold_store()
    await station.send([2, "first", "TransactionEvent", started])
    await settle()
    again = await site.connect()
    await again.send([2, "again", "TransactionEvent", started])
    await settle()
    site.release_store()
    assert (await again.receive())[:2] == [3, "again"]
    assert len(await site.events("transaction.started")) == 1
    assert (await whole(site))["events_received"] == 1


async def test_one_whose_sender_has_gone_meanwhile_is_too_and_is_answered_as_before(site: Site) -> None:
    await site.put("/api/v1/tokens/ISO14443/AA11", {"status": "Accepted"})
    station = await site.connect_ready()
    authorized = session()[1]
    site.hold_store()
    await station.send([2, "first", "TransactionEvent", authorized])
    await settle()
    await station.vanish()
    again = await site.connect()
    await again.send([2, "again", "TransactionEvent", authorized])
    await settle()
    site.release_store()
    assert await again.receive() == [3, "again", {"idTokenInfo": {"status": "Accepted"}}]
    assert len(await site.events("transaction.updated")) == 1
    await tell(again, session()[0], session()[2])
    assert (await whole(site))["events_received"] == 3


async def test_one_that_the_database_has_not_taken_is_kept_when_it_comes_again(site: Site) -> None:
    station = await site.connect_ready()
    await tell(station, session()[0])
    site.break_store()
    for _ in range(2):
        frame = await station.call("TransactionEvent", session()[1])
        assert (frame[0], frame[2]) == (4, "InternalError")
    site.mend_store()
    await tell(station, *session()[1:])
    assert (await whole(site))["complete"]
    assert len(await site.events("transaction.updated")) == 3


# --- remote starts and reservations -----------------------------------------------------------------------------------


async def test_memory_is_bounded_and_what_it_forgot_is_looked_up(site: Site, autojump_clock: MockClock) -> None:
    site.csms.ledger = Ledger(site.store, site.clock, open_kept=2, done_kept=1)
    station = await site.connect_ready()
    for number in range(5):
        await tell(station, event("Started", 0, f"T{number}", evse={"id": 1}, minute=number))
    for number in range(5):
        await tell(station, event("Ended", 1, f"T{number}", minute=10 + number))
    assert sum(site.csms.ledger.find(("CP_1", f"T{number}")) is not None for number in range(5)) == 1
    listed = (await site.get("/api/v1/transactions")).json["transactions"]
    assert [each["complete"] for each in listed] == [True] * 5


async def test_what_is_loaded_at_start_is_what_was_heard_of_last(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    for number in range(4):
        await tell(station, event("Started", 0, f"T{number}", evse={"id": number + 1}))
        await trio.sleep(1)
    await tell(station, event("Updated", 3, "T3"), event("Ended", 1, "T2"))
    site.csms.ledger = Ledger(site.store, site.clock, open_kept=2)
    await site.csms.load()
    # T3 has a gap: its seqNos are read when it goes on.
    assert [number for number in range(4) if site.csms.ledger.find(("CP_1", f"T{number}"))] == [1]


# --- meter values -----------------------------------------------------------------------------------------------------

SIGNED = {"signedMeterData": "AAEC", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "++=="}


async def test_j01_sampled_values_are_kept_with_their_defaults(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    sampled = [
        {"value": 12.5},
        {
            "value": 3,
            "measurand": "Power.Active.Import",
            "context": "Sample.Clock",
            "phase": "L1-N",
            "location": "Inlet",
            "unitOfMeasure": {"unit": "W", "multiplier": 3},
        },
        {"value": 230, "measurand": "Voltage"},
        {"value": 7, "signedMeterValue": SIGNED},
    ]
    request = {"evseId": 0, "meterValue": [{"timestamp": "2026-11-22T04:00:00Z", "sampledValue": sampled}]}
    assert await station.ask("MeterValues", request) == {}  # J01.FR.18
    assert await station.ask("MeterValues", request) == {}  # resent: kept once
    values = (await site.get("/api/v1/stations/CP_1/meter-values")).json["meter_values"]
    common = {"sampled_at": "2026-11-22T04:00:00.000Z", "evse_id": 0, "transaction_id": None, "seq_no": None}
    plain = {"context": "Sample.Periodic", "phase": None, "location": "Outlet", "multiplier": 0}
    energy = {"measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    assert values == [
        {**common, **plain, **energy, "value": 12.5, "signed_meter_value": None},
        {
            **common,
            "measurand": "Power.Active.Import",
            "context": "Sample.Clock",
            "phase": "L1-N",
            "location": "Inlet",
            "unit": "W",
            "multiplier": 3,
            "value": 3,
            "signed_meter_value": None,
        },
        {**common, **plain, "measurand": "Voltage", "unit": None, "value": 230, "signed_meter_value": None},
        {**common, **plain, **energy, "value": 7, "signed_meter_value": SIGNED},
    ]


async def test_j01_fr_15_values_that_were_split_over_messages_are_all_kept(
    site: Site, autojump_clock: MockClock
) -> None:
    station = await site.connect_ready()
    for measurand in ("Voltage", "SoC"):
        sampled = [{"value": 50, "measurand": measurand}]
        value = {"timestamp": "2026-11-22T04:00:00Z", "sampledValue": sampled}
        await station.ask("MeterValues", {"evseId": 1, "meterValue": [value]})
    values = (await site.get("/api/v1/stations/CP_1/meter-values?measurand=SoC")).json["meter_values"]
    assert [value["measurand"] for value in values] == ["SoC"]
    assert len((await site.get("/api/v1/stations/CP_1/meter-values")).json["meter_values"]) == 2


@pytest.mark.parametrize(
    ("sampled", "energy_wh"),
    [
        ([{"value": 5}], 1000),
        ([{"value": 5, "unitOfMeasure": {"unit": "kWh"}}], 1_000_000),
        ([{"value": 5, "unitOfMeasure": {"multiplier": -1}}], 100),
        ([{"value": 2, "phase": "L1"}, {"value": 3, "phase": "L2"}], 2000),
        ([{"value": 2, "phase": "L1"}, {"value": 5}], 1000),
        ([{"value": 5, "location": "Inlet"}], None),
        ([{"value": 5, "unitOfMeasure": {"unit": "varh"}}], None),
        ([{"value": 5, "unitOfMeasure": {"multiplier": 2_000_000_000}}], None),
        ([{"value": 5, "measurand": "Voltage"}], None),
    ],
)
async def test_energy_is_what_the_register_went_up(
    site: Site, autojump_clock: MockClock, sampled: list[Payload], energy_wh: float | None
) -> None:
    station = await site.connect_ready()
    for seq_no, more in ((0, 0), (1, 1000)):
        values = [sample | {"value": sample["value"] + more} for sample in sampled]
        told = event("Started" if seq_no == 0 else "Ended", seq_no)
        await tell(station, told | {"meterValue": [{"timestamp": told["timestamp"], "sampledValue": values}]})
    assert (await whole(site))["energy_wh"] == energy_wh


async def test_the_tables_hold_what_was_told(site: Site, autojump_clock: MockClock) -> None:
    station = await site.connect_ready()
    await tell(station, *session(3))
    rows = await site.store.read(lambda connection: connection.execute(select(transaction_events)).all())
    assert [row.seq_no for row in rows] == [0, 1, 2]
    [row] = await site.store.read(lambda connection: connection.execute(select(transactions)).all())
    assert (row.first_seq_no, row.final_seq_no, row.state_seq_no, row.token_seq_no) == (0, 2, 2, 1)
