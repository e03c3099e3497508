"""However the events of a transaction come, late, twice or backwards, what is kept of it is the same."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import orjson
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, select

from csms.blocks import Conversation
from csms.blocks.meter_values import MeterLog
from csms.blocks.provisioning import BootRetries
from csms.blocks.transactions import Ledger, transaction_event
from csms.blocks.transactions.rules import COLUMNS, SeqNos, row_of
from csms.device_model import DeviceModels
from csms.events import EventLog
from csms.passwords import Passwords
from csms.registry import Registry, Station
from csms.remote_starts import RemoteStarts
from csms.reservations import Reservations
from csms.store import Store
from csms.store.database import open_engine
from csms.store.tables import events, meter_values, transaction_events, transactions
from csms.tariffs import Tariffs
from csms.tokens import Tokens
from shared.clock import TrioClock
from tests.csms.blocks.transactions.charging import Payload, event, session, token
from tests.csms.site import without_thread

START: Final = datetime(2026, 11, 22, 5, tzinfo=UTC)
STATES: Final = ["Charging", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Idle"]


def sample(value: float, **more: Any) -> Payload:
    return {"value": value, **more}


@st.composite
def sessions(draw: st.DrawFn) -> list[Payload]:
    """A charging session in order, whose events may lack anything that is optional."""
    first = draw(st.sampled_from([0, 7]))
    numbers = range(first, first + draw(st.integers(2, 7)))
    told = []
    for number in numbers:
        kind = "Started" if number == numbers[0] else "Ended" if number == numbers[-1] else "Updated"
        info: Payload = {}
        more: Payload = {}
        if draw(st.booleans()):
            info["chargingState"] = draw(st.sampled_from(STATES))
        if draw(st.booleans()):
            more["evse"] = {"id": 1, "connectorId": 2}
        if draw(st.booleans()):
            more["idToken"] = token(draw(st.sampled_from(["AA11", "BB22"])))
        if draw(st.booleans()):
            info["remoteStartId"] = 4711
        if draw(st.booleans()):
            more["offline"] = True
        if kind == "Ended" and draw(st.booleans()):
            info["stoppedReason"] = "EVDisconnected"
        if draw(st.booleans()):
            readings = draw(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 9_999)), min_size=1, max_size=3))
            more["meterValue"] = [
                {
                    "timestamp": f"2026-11-22T04:{minute:02}:00.000Z",
                    "sampledValue": [sample(wh), sample(230.5, measurand="Voltage", phase="L1-N")],
                }
                for minute, wh in readings
            ]
        told.append(event(kind, number, minute=draw(st.integers(0, 59)), info=info, **more))
    return told


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Payload], list[Payload]]:
    """A session in order, and how it comes: in any order, with some of it twice, perhaps with some not at all."""
    told = draw(sessions())
    lost = draw(st.sets(st.sampled_from(range(len(told))), max_size=2))
    told = [payload for number, payload in enumerate(told) if number not in lost] or told[:1]
    again = draw(st.lists(st.sampled_from(told), max_size=4))
    return told, draw(st.permutations(told + again))


def conversation_on(store: Store, at_hand: int) -> Conversation:
    """A conversation whose ledger keeps so many transactions in memory."""
    clock = TrioClock(START)
    random = Random(7)  # noqa: S311 - the same every time
    registry = Registry(store, clock)
    events = EventLog(store, clock)
    return Conversation(
        station=Station("CP_1"),
        store=store,
        events=events,
        registry=registry,
        device_models=DeviceModels(store, registry, clock, random),
        boot_retries=BootRetries(random),
        vendors={},
        passwords=Passwords(),
        reservations=Reservations(store, events, clock, random),
        remote_starts=RemoteStarts(store, clock, random),
        tokens=Tokens(store, clock),
        tariffs=Tariffs(store, clock),
        ledger=Ledger(store, clock, open_kept=at_hand, done_kept=at_hand),
        meter_log=MeterLog(store),
        clock=clock,
        heartbeat_interval_s=10,
        boot_retry_interval_s=10,
        accepts_after_report=False,
    )


def deliver(engine: Engine, told: list[Payload], at_hand: int = 100) -> dict[str, Any]:
    """What is kept of the transaction when all has been told to an emptied database, but for when it was told."""

    async def deliver_all() -> dict[str, Any]:
        store = Store(engine, without_thread, without_thread)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.writer.run)
            conversation = conversation_on(store, at_hand)
            answers: dict[int, Payload] = {}
            for payload in told:
                answer = await transaction_event(conversation, payload)
                assert answers.setdefault(payload["seqNo"], answer) == answer
            name = ("CP_1", "T1")
            record = await conversation.ledger.find_or_recall(name)
            kept = await store.read(look)
            store.writer.close()
        return {"gaps": record.seq_nos.missing(record.first_seq_no, record.final_seq_no), **kept}

    with engine.begin() as connection:
        for table in (transactions, transaction_events, meter_values, events):
            connection.execute(delete(table))
    return trio.run(deliver_all)


def look(connection: Connection) -> dict[str, Any]:
    row = dict(connection.execute(select(transactions)).mappings().one())
    del row["updated_at"]
    query = select(transaction_events).order_by(transaction_events.c.seq_no)
    told = [(event.seq_no, event.event_type, event.payload) for event in connection.execute(query)]
    values = connection.execute(select(meter_values).order_by(*meter_values.primary_key)).all()
    return {"transaction": row, "events": told, "meter_values": [tuple(value) for value in values]}


@pytest.fixture(scope="module")
def sqlite_in_memory() -> Engine:
    return open_engine("sqlite://")


@settings(max_examples=60, deadline=None)
@given(delivery=deliveries(), at_hand=st.sampled_from([0, 100]))
def test_a_transaction_is_the_same_in_whatever_order_its_events_come(
    sqlite_in_memory: Engine, delivery: tuple[list[Payload], list[Payload]], at_hand: int
) -> None:
    in_order, as_it_came = delivery
    assert deliver(sqlite_in_memory, as_it_came, at_hand) == deliver(sqlite_in_memory, in_order)


@pytest.mark.parametrize("seed", range(5))
def test_both_databases_agree_on_it(database_url: str, seed: int) -> None:
    shuffled = Random(seed).choices(session(9), k=25)  # noqa: S311 - the same every time
    in_order = sorted(
        {payload["seqNo"]: payload for payload in shuffled}.values(), key=lambda payload: payload["seqNo"]
    )
    engine = open_engine(database_url)
    assert deliver(engine, shuffled, at_hand=seed % 2) == deliver(engine, in_order)
    engine.dispose()


def test_a_whole_session_comes_out_right_backwards(database_url: str) -> None:
    engine = open_engine(database_url)
    kept = deliver(engine, session(6)[::-1])
    engine.dispose()
    assert kept["gaps"] == []
    transaction = kept["transaction"]
    assert (transaction["id_token"], transaction["id_token_type"]) == ("AA11", "ISO14443")
    assert (transaction["evse_id"], transaction["connector_id"]) == (1, 1)
    assert (transaction["charging_state"], transaction["stopped_reason"]) == ("EVConnected", "Local")
    assert (transaction["register_first_wh"], transaction["register_last_wh"]) == (1000, 2000)
    assert transaction["started_at"] < transaction["ended_at"]
    assert (transaction["first_seq_no"], transaction["final_seq_no"]) == (0, 5)


def test_a_station_that_pads_its_texts_with_nul_is_heard(database_url: str) -> None:
    engine = open_engine(database_url)
    values = [{"timestamp": "2026-11-22T04:00:00Z", "sampledValue": [{"value": 1, "unitOfMeasure": {"unit": "Wh\0"}}]}]
    kept = deliver(engine, [event("Started", 0, "T1\0", idToken=token("AA11\0"), meterValue=values)] * 2)
    engine.dispose()
    assert (kept["transaction"]["transaction_id"], kept["transaction"]["id_token"]) == ("T1\ufffd", "AA11\ufffd")
    assert orjson.loads(kept["events"][0][2])["transactionInfo"]["transactionId"] == "T1\0"


def test_a_row_has_the_columns_it_promises() -> None:
    assert tuple(row_of("CP_1", session()[0], 0, None)) == COLUMNS


@given(st.lists(st.integers(-3, 12)), st.none() | st.integers(-3, 12), st.none() | st.integers(-3, 12))
def test_what_is_missing_is_what_did_not_come(numbers: list[int], first: int | None, final: int | None) -> None:
    seq_nos = SeqNos()
    for number in numbers:
        seq_nos.add(number)
        assert number in seq_nos
    missing = {number for start, end in seq_nos.missing(first, final) for number in range(start, end + 1)}
    if numbers:
        low = min(numbers) if first is None else first
        high = max(numbers) if final is None else final
        assert missing == set(range(low, high + 1)) - set(numbers)
    else:
        assert not missing
    assert seq_nos.spans == SeqNos.of(set(numbers)).spans
