"""Whenever the power fails, the network goes or the CSMS does not answer, a station loses, doubles or reorders nothing.

The whole station, as `test_transaction_queue_power_cuts` has its queue alone: drivers charge at two EVSEs meanwhile.
"""

from __future__ import annotations

import itertools
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from shared.ocppj.errors import InternalError
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.device_model import (
    MESSAGE_ATTEMPT_INTERVAL,
    MESSAGE_ATTEMPTS,
    RESUMPTION_TIMEOUT,
    SAMPLED_DATA_TX_UPDATED_INTERVAL,
    DeviceModel,
)
from station.hardware import Locked
from tests.station.fake_csms import FakeCsms, station_on_fake_csms
from tests.station.life.drivers import card
from tests.station.life.ledger import WitnessedState, accepted_events, check_transactions, energy_by_evse

CLEARS_UP_S = 2000
EVSES = st.integers(0, 1)
SECONDS = st.sampled_from([0.0, 0.5, 7.0, 40.0, 200.0])
OFF_S = st.sampled_from([0.5, 20.0, 400.0])

STEPS = st.one_of(
    st.tuples(st.just("arrive"), EVSES),
    st.tuples(st.just("leave"), EVSES),
    st.tuples(st.just("wait"), SECONDS),
    st.tuples(st.just("cut"), OFF_S),
    st.tuples(st.just("reboot"), OFF_S),
    st.tuples(st.just("cut at message"), st.tuples(st.sampled_from(["sent", "received"]), st.integers(0, 3))),
    st.tuples(st.just("lose answers"), st.integers(1, 3)),
    st.tuples(st.just("network"), st.tuples(OFF_S, st.booleans())),
    st.tuples(st.just("answer late"), st.sampled_from([1.0, 29.5, 31.0, 70.0])),
    st.tuples(st.just("refuse"), st.none()),
    st.tuples(st.just("answer"), st.none()),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=10, max_size=40), resumes=st.booleans())
def test_e04_e12_no_event_is_lost_doubled_or_reordered(
    schemas: Schemas, steps: list[tuple[str, Any]], *, resumes: bool
) -> None:
    trio.run(_live, schemas, steps, resumes, clock=MockClock(autojump_threshold=0))


async def _live(schemas: Schemas, steps: list[tuple[str, Any]], resumes: bool) -> None:
    state = WitnessedState()
    variables = DeviceModel(state)
    variables[MESSAGE_ATTEMPTS] = 10_000
    variables[MESSAGE_ATTEMPT_INTERVAL] = 1
    variables[SAMPLED_DATA_TX_UPDATED_INTERVAL] = 10
    variables[RESUMPTION_TIMEOUT] = 300 if resumes else 0
    async with station_on_fake_csms(
        schemas, connector_types=(("sType2",), ("cCCS2",)), state=state, variables=variables
    ) as (station, csms):
        for step, how in itertools.chain([("arrive", 0)], steps):
            await _happen(station, csms, step, how)
        await _happen(station, csms, "answer", None)
        station.faults.clear()
        station.network.up()
        await trio.sleep(CLEARS_UP_S)
        for evse in (0, 1):
            await _leave(station, evse)
        await trio.sleep(CLEARS_UP_S)

        told, _ = accepted_events(csms.wire.texts)
        assert told == state.events, "the CSMS knows what the station kept, and nothing else"
        check_transactions(told)
        drawn = energy_by_evse(told)
        for one in station.hardware.evses:
            assert abs(drawn.get(one.evse_id, 0.0) - one.meter.energy_wh) < 0.002 * (len(told) + 1)
        assert station.firmware is not None
        assert station.firmware.view()["events_queued"] == 0


async def _happen(station: Station, csms: FakeCsms, step: str, how: Any) -> None:
    match step:
        case "arrive":
            evse = station.hardware.evses[how]
            evse.connectors[0].plug_in()
            evse.reader.present(card("anna"))
        case "leave":
            await _leave(station, how)
        case "wait":
            await trio.sleep(how)
        case "answer late":
            csms.thinks_s = {"TransactionEvent": how}
        case "refuse":
            csms.refuses = {"TransactionEvent": InternalError("no room")}
        case "answer":
            csms.thinks_s, csms.refuses = {}, {}
        case _:
            _fail(station, step, how)
    await trio.sleep(0.1)


def _fail(station: Station, step: str, how: Any) -> None:
    """Have the mains, the network or single messages fail."""
    match step:
        case "cut":
            station.cut_power(how)
        case "reboot":
            station.reboot("LocalReset", off_s=how)
        case "cut at message":
            direction, after = how
            rule = {"kind": "power-cut", "action": "TransactionEvent", "direction": direction, "after": after}
            station.faults.put({"rules": [{**rule, "count": 1}]})
        case "lose answers":
            rule = {"kind": "drop", "action": "TransactionEvent", "direction": "received", "count": how}
            station.faults.put({"rules": [rule]})
        case "network":
            seconds, half_open = how
            station.network.down(seconds, half_open=half_open)


async def _leave(station: Station, number: int) -> None:
    """The driver takes vehicle and cable away, as far as the lock lets him."""
    evse = station.hardware.evses[number]
    evse.press_stop()
    await trio.sleep(0.1)
    try:
        evse.connectors[0].unplug()
    except Locked:
        evse.connectors[0].disconnect_vehicle()
