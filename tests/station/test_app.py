"""One station as a whole."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from websockets.frames import CloseCode

from shared.ocppj import errors
from shared.ocppj.schemas import Schemas
from station.device_model import HEARTBEAT_INTERVAL, MESSAGE_TIMEOUT, DeviceModel, Variable
from tests.station.fake_csms import FakeCsms, station_on_fake_csms

RESERVE_NOW: dict[str, Any] = {
    "id": 1,
    "expiryDateTime": "2026-11-22T04:00:00Z",
    "evseId": 1,
    "idToken": {"idToken": "guest", "type": "Central"},
}


@pytest.mark.parametrize("action", ["GetLocalListVersion"])
async def test_part_4_4_3_what_the_station_does_not_serve_is_not_supported(
    autojump_clock: MockClock, schemas: Schemas, action: str
) -> None:
    async with station_on_fake_csms(schemas) as (_, csms):
        with pytest.raises(errors.CallRefused) as refused:
            await csms.call(action, {})
        assert (refused.value.code, refused.value.description) == (
            "NotSupported",
            f"This station does not serve {action}",
        )


async def test_part_4_4_1_1_there_is_never_a_second_call_before_the_answer_to_the_first(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    behaviour: dict[str, Any] = {
        "interval_s": 3,
        "thinks_s": {"StatusNotification": 2.0, "Heartbeat": 1.0, "ReservationStatusUpdate": 4.0},
    }
    async with station_on_fake_csms(schemas, connector_types=(["cType2"] * 3,) * 2, **behaviour) as (station, csms):
        for second in range(300):
            _, connector = list(station.hardware.connectors())[second % 6]
            (connector.unplug if connector.plugged_in else connector.plug_in)()
            if second % 50 == 0:
                await csms.call("ReserveNow", RESERVE_NOW | {"id": second, "evseId": 1 + second % 2})
                await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
            await trio.sleep(1)
        waiting: str | None = None
        for text in csms.wire.texts:
            message = json.loads(text)
            if message[0] == 2 and not message[1].startswith("csms-"):
                assert waiting is None
                waiting = message[1]
            elif message[1] == waiting:
                waiting = None
        assert {"StatusNotification", "Heartbeat"} <= set(csms.actions)


async def test_a_call_that_is_not_answered_times_out_and_the_station_goes_on(
    autojump_clock: MockClock, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    variables = DeviceModel()
    variables[MESSAGE_TIMEOUT] = 5
    behaviour: dict[str, Any] = {"interval_s": 10, "thinks_s": {"Heartbeat": 6.0}}
    async with station_on_fake_csms(schemas, variables=variables, **behaviour) as (_, csms):
        await trio.sleep(29)
        assert [call.at for call in csms.received if call.action == "Heartbeat"] == [10.0, 20.0]
        assert "CP_1: Heartbeat brought no result: no answer to Heartbeat within 5 s" in caplog.messages


async def test_a_bug_in_one_part_ends_the_station(autojump_clock: MockClock, schemas: Schemas) -> None:
    variables = DeviceModel()
    with pytest.RaisesGroup(TypeError, flatten_subgroups=True):
        async with station_on_fake_csms(schemas, variables=variables) as (station, _):
            variables[cast(Variable[None], HEARTBEAT_INTERVAL)] = None  # the bug
            station.hardware.evses[0].connectors[0].plug_in()
            await trio.sleep(10)


async def test_a_station_that_is_offline_lives_on(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, unreachable=OSError("down")) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        station.hardware.evses[0].connectors[0].fail()
        await trio.sleep(1000)
        csms.unreachable = None
        await trio.sleep(60)
        assert csms.statuses() == [(1, 1, "Faulted")]


async def _a_life(schemas: Schemas, seed: int) -> FakeCsms:
    async with station_on_fake_csms(schemas, connector_types=(["cType2"],) * 2, seed=seed, interval_s=7) as (
        station,
        csms,
    ):
        connector = station.hardware.evses[0].connectors[0]
        await trio.sleep(10)
        await csms.call("ReserveNow", RESERVE_NOW | {"expiryDateTime": "2026-11-22T03:53:33.250Z"})
        await trio.sleep(20)
        connector.plug_in()
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(30)
        csms.unreachable = None
        await trio.sleep(60)
        connector.fail()
        await wait_all_tasks_blocked()
    return csms


@pytest.mark.parametrize("life", [1, 2])
def test_the_same_seed_gives_the_same_messages_at_the_same_times(schemas: Schemas, life: int) -> None:
    first, second, other = (
        trio.run(_a_life, schemas, seed, clock=MockClock(autojump_threshold=0)) for seed in (life, life, life + 1)
    )
    assert len(first.wire.texts) > 30
    assert (first.wire.texts, first.dialled_at) == (second.wire.texts, second.dialled_at)
    assert first.wire.texts != other.wire.texts


async def test_a_reboot_says_goodbye_and_boots_with_its_reason(schemas: Schemas, autojump_clock: MockClock) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        station.reboot("RemoteReset", off_s=7)
        await wait_all_tasks_blocked()
        assert station.firmware is None
        assert [goodbye.code for goodbye in csms.goodbyes] == [CloseCode.GOING_AWAY]
        await trio.sleep(8)
        assert [(call.at, call.action) for call in csms.received] == [
            (7, "BootNotification"),
            (7, "StatusNotification"),
        ]
        assert csms.received[0].payload["reason"] == "RemoteReset"


async def test_when_the_power_goes_nobody_says_goodbye(schemas: Schemas, autojump_clock: MockClock) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        csms.forget()
        station.reboot("PowerUp", graceful=False, off_s=7)
        station.reboot("RemoteReset", off_s=1)  # too late
        await wait_all_tasks_blocked()
        assert [goodbye.code for goodbye in csms.goodbyes] == [CloseCode.ABNORMAL_CLOSURE]
        await trio.sleep(8)
        assert [(call.at, call.payload.get("reason")) for call in csms.received] == [(7, "PowerUp"), (7, None)]


async def test_what_the_csms_left_unanswered_is_forgotten_in_a_reboot(
    schemas: Schemas, autojump_clock: MockClock
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        station.hardware.evses[0].connectors[0].plug_in()
        station.reboot("ApplicationReset")
        await wait_all_tasks_blocked()
        csms.forget()
        await trio.sleep(6)
        assert csms.actions == ["BootNotification", "StatusNotification"]
        assert csms.statuses() == [(1, 1, "Occupied")]
