"""E14, G01, G03, E04: what the station says of its transactions, and what has to wait for them."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.ocppj.schemas import Schemas
from station.device_model import TX_START_POINT, TX_STOP_POINT
from station.transaction_queue import TransactionQueue
from tests.station.blocks.driving import CARD, charge, charges, last, model
from tests.station.fake_csms import FakeCsms, station_on_fake_csms


async def status(csms: FakeCsms, **request: Any) -> dict[str, Any]:
    return await csms.call("GetTransactionStatus", request)


async def test_e14_what_is_ongoing_and_what_is_still_to_be_told(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        assert await status(csms) == {"messagesInQueue": False}  # E14.FR.06, E14.FR.08
        unknown = await status(csms, transactionId="unknown")
        assert unknown == {"ongoingIndicator": False, "messagesInQueue": False}  # E14.FR.01
        await charge(station.hardware.evses[0])
        transaction_id = csms.events()[0]["transactionInfo"]["transactionId"]
        known = await status(csms, transactionId=transaction_id)
        assert known == {"ongoingIndicator": True, "messagesInQueue": False}  # E14.FR.02, E14.FR.05
        assert await status(csms, transactionId=transaction_id.upper()) == known  # an identifierString
        csms.thinks_s["TransactionEvent"] = 10
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(1)
        known = await status(csms, transactionId=transaction_id)
        assert known == {"ongoingIndicator": False, "messagesInQueue": True}  # E14.FR.03, E14.FR.04
        assert await status(csms, transactionId=transaction_id.upper()) == known
        assert await status(csms) == {"messagesInQueue": True}  # E14.FR.07


@pytest.mark.parametrize("evse", [{}, {"evse": {"id": 1}}, {"evse": {"id": 1, "connectorId": 1}}])
async def test_g01_fr_05_g03_fr_05_a_connector_goes_out_of_use_behind_its_transaction(
    autojump_clock: MockClock, schemas: Schemas, evse: dict[str, Any]
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await charge(station.hardware.evses[0])
        answer = await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"} | evse)
        assert answer == {"status": "Scheduled"}
        await trio.sleep(100)
        assert charges(station.hardware.evses[0])
        csms.forget()
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(10)
        assert last(csms) == ("Ended", "StopAuthorized", "Local")
        assert csms.statuses() == [(1, 1, "Unavailable")]
        station.hardware.evses[0].reader.present(CARD)
        await trio.sleep(10)
        assert not charges(station.hardware.evses[0])


async def test_e04_where_there_is_no_room_for_events_nobody_new_charges(
    autojump_clock: MockClock, schemas: Schemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = model({TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)})
    async with station_on_fake_csms(schemas, connector_types=(("cType2",), ("cType2",)), variables=variables) as (
        station,
        csms,
    ):
        first, second = station.hardware.evses
        await charge(first)
        monkeypatch.setattr(TransactionQueue, "is_full", property(lambda _: True))
        second.connectors[0].plug_in()
        second.reader.present(CARD)
        await trio.sleep(100)
        assert charges(first)
        assert not charges(second)
        assert {event["evse"]["id"] for event in csms.events()} == {1}
        monkeypatch.undo()
        second.reader.present(CARD)
        await trio.sleep(100)
        assert charges(second)
        assert {event["evse"]["id"] for event in csms.events()} == {1, 2}
