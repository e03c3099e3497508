"""A station's life at our CSMS, both in memory and in virtual time: in the end they agree on all that has happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from shared.clock import TrioClock
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201
from station.app import Station
from station.device_model import DeviceModel
from station.hardware import Hardware
from tests.csms.site import PASSWORD, START, Site
from tests.station.life.ledger import WitnessedState, check_transactions, energy_by_evse, energy_wh
from tests.station.life.world import World

ACCEPTED: Mapping[str, Mapping[str, Any]] = {
    "anna": {"status": "Accepted", "group_id": "family"},
    "bert": {"status": "Accepted", "group_id": "family"},
    "carl": {"status": "Accepted"},
    "dora": {"status": "Blocked"},
    "emil": {"status": "Accepted"},
}
ROUNDING_WH = 0.001


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas.load(V201)


class Operator:
    """What an operator sees at the CSMS's REST interface."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Have the CSMS send a request to the station; None for no result."""
        answer = await self._site.call(action, payload)
        return answer.json["result"] if answer.status == 200 else None

    async def transactions(self) -> dict[str, dict[str, Any]]:
        """All transactions, whole, by their ids."""
        whole = {}
        cursor: dict[str, str] = {}
        while True:
            page = (await self._site.get(f"/api/v1/transactions?{urlencode({'limit': 50, **cursor})}")).json
            for one in page["transactions"]:
                name = one["transaction_id"]
                whole[name] = (await self._site.get(f"/api/v1/transactions/CP_1/{name}")).json
            if page["next_cursor"] is None:
                return whole
            cursor = {"cursor": page["next_cursor"]}

    async def station(self) -> dict[str, Any]:
        view: dict[str, Any] = (await self._site.get("/api/v1/stations/CP_1")).json
        return view


def a_life_is_known_to_both(schemas: Schemas, seed: int, days: float) -> None:
    trio.run(_live, schemas, seed, days, clock=MockClock(autojump_threshold=0))


async def _live(schemas: Schemas, seed: int, days: float) -> None:
    random = Random(seed)  # noqa: S311  # repeatable on purpose
    state = WitnessedState()
    async with trio.open_nursery() as csms_nursery, trio.open_nursery() as station_nursery:
        site = Site(csms_nursery, heartbeat_interval=600, ping_interval=300.0)
        await trio.testing.wait_all_tasks_blocked()
        for name, token in ACCEPTED.items():
            assert (await site.put(f"/api/v1/tokens/ISO14443/{name}", dict(token))).status < 300

        async def open_stream(url: str) -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            return site.dial()

        station = Station(
            "CP_1",
            Hardware.of((("sType2",), ("cCCS2",)), monotonic=trio.current_time, random=random),
            DeviceModel(state),
            state,
            csms_url="ws://csms/ocpp",
            password=PASSWORD,
            open_stream=open_stream,
            clock=TrioClock(START),
            random=random,
            schemas=schemas,
        )
        station_nursery.start_soon(station.run)
        await trio.sleep(1)
        operator = Operator(site)
        await World(station, seed, operator.ask, site.clock.now).live(days)
        await _compare(operator, station, state, days)
        station_nursery.cancel_scope.cancel()
        csms_nursery.cancel_scope.cancel()


async def _compare(operator: Operator, station: Station, state: WitnessedState, days: float) -> None:
    check_transactions(state.events)
    known = await operator.transactions()
    assert known.keys() == state.events.keys()
    assert len(known) > days
    for transaction_id, events in state.events.items():
        seen = known[transaction_id]
        assert seen["complete"]
        assert not seen["open"]
        assert [event["seq_no"] for event in seen["events"]] == list(range(len(events)))
        for event in seen["events"]:
            told = {name: value for name, value in event["request"].items() if name != "offline"}
            assert told == events[event["seq_no"]]
        last = events[max(events)]
        assert seen["stopped_reason"] == last["transactionInfo"]["stoppedReason"]
        assert (seen["started_at"], seen["ended_at"]) == (events[0]["timestamp"], last["timestamp"])
        assert seen["energy_wh"] == pytest.approx(energy_wh(events), abs=2 * ROUNDING_WH)
    drawn = energy_by_evse(state.events)
    for evse in station.hardware.evses:
        assert drawn[evse.evse_id] == pytest.approx(evse.meter.energy_wh, abs=ROUNDING_WH * 2 * len(known))

    assert station.firmware is not None
    statuses = {
        (evse.evse_id, connector.connector_id): station.firmware.connector_status(evse, connector)
        for evse, connector in station.hardware.connectors()
    }
    seen_station = await operator.station()
    assert seen_station["connected"]
    assert {(one["evse_id"], one["connector_id"]): one["status"] for one in seen_station["connectors"]} == statuses, (
        json.dumps(seen_station)
    )
    assert set(statuses.values()) == {"Available"}


def test_a_day_of_a_station_s_life_is_the_same_in_the_csms_s_books(schemas: Schemas) -> None:
    a_life_is_known_to_both(schemas, 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_week_of_a_station_s_life_is_the_same_in_the_csms_s_books(schemas: Schemas, seed: int) -> None:
    a_life_is_known_to_both(schemas, seed, 7)
