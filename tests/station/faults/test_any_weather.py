"""Whatever happens to messages and to the network, a station survives, and works when the weather has cleared."""

from __future__ import annotations

import contextlib
from typing import Any, get_args

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from shared.ocppj.errors import CallFailed
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.device_model import (
    OFFLINE_THRESHOLD,
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_REPEAT_TIMES,
    RETRY_BACK_OFF_WAIT_MINIMUM,
    DeviceModel,
)
from station.faults.rules import Kind
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

CLEARS_UP_S = 300

KINDS = st.sampled_from(get_args(Kind))
SECONDS = st.sampled_from([0.5, 5.0, 45.0])


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """A rule of any kind, about any messages."""
    kind = draw(KINDS)
    rule: dict[str, Any] = {
        "kind": kind,
        "probability": draw(st.sampled_from([0.3, 1.0])),
        "after": draw(st.integers(0, 2)),
    }
    if kind in {"delay", "late-answer", "reorder"}:
        rule["seconds"] = draw(SECONDS)
    if kind not in {"call-error", "refuse"}:
        rule |= draw(st.sampled_from([{}, {"direction": "sent"}, {"direction": "received"}]))
    if kind in {"power-cut", "half-open"}:
        rule["count"] = 1
    return rule | draw(st.sampled_from([{}, {"action": "TransactionEvent"}, {"action": "TriggerMessage"}]))


EVENTS = st.one_of(
    st.tuples(st.just("faults"), st.lists(rules(), max_size=3)),
    st.tuples(st.just("down"), st.tuples(SECONDS, st.booleans())),
    st.tuples(st.just("up"), st.none()),
    st.tuples(st.just("plug"), st.none()),
    st.tuples(st.just("token"), st.none()),
    st.tuples(st.just("call"), st.none()),
    st.tuples(st.just("wait"), SECONDS),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, max_size=12), seed=st.integers(0, 1000))
def test_a_station_outlives_any_weather(schemas: Schemas, events: list[tuple[str, Any]], seed: int) -> None:
    trio.run(_weather, schemas, events, seed, clock=MockClock(autojump_threshold=0))


async def _weather(schemas: Schemas, events: list[tuple[str, Any]], seed: int) -> None:
    variables = DeviceModel()
    variables[RETRY_BACK_OFF_WAIT_MINIMUM], variables[RETRY_BACK_OFF_REPEAT_TIMES] = 5, 1
    variables[RETRY_BACK_OFF_RANDOM_RANGE] = 0
    variables[OFFLINE_THRESHOLD] = 1000
    async with (
        station_on_fake_csms(schemas, variables=variables, seed=seed, interval_s=60) as (station, csms),
        trio.open_nursery() as nursery,
    ):
        for event, how in events:
            _happen(station, csms, event, how, nursery)
            await trio.sleep(how if event == "wait" else 0)
        station.network.up()
        station.faults.clear()
        await trio.sleep(CLEARS_UP_S)
        nursery.cancel_scope.cancel()
        assert station.firmware is not None
        assert station.firmware.online
        csms.forget()
        assert await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"}) == {"status": "Accepted"}
        assert "Heartbeat" in csms.actions


def _happen(station: Station, csms: FakeCsms, event: str, how: Any, nursery: trio.Nursery) -> None:
    connector = station.hardware.evses[0].connectors[0]
    match event:
        case "faults":
            station.faults.put({"rules": how, "seed": 1})
        case "down":
            station.network.down(how[0], half_open=how[1])
        case "up":
            station.network.up()
        case "plug":
            (connector.unplug if connector.plugged_in else connector.plug_in)()
        case "token":
            station.hardware.evses[0].reader.present({"idToken": "04AABBCC", "type": "ISO14443"})
        case "call":
            nursery.start_soon(_call, csms)


async def _call(csms: FakeCsms) -> None:
    with contextlib.suppress(CallFailed):  # that is the weather
        await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
