"""What the station still knows when the power is back, or when it is started again (B01, B11, G03, G04, H04)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from shared.ocppj import date_time
from shared.ocppj.errors import ConnectionLost
from shared.ocppj.schemas import Schemas
from station.state import MemoryState, StateUnavailable, open_state
from tests.station.fake_csms import START, FakeCsms, station_on_fake_csms

TWO_AND_ONE = (("cType2", "cCCS2"), ("cType2",))
PATIENCE_S = 30.0


def reserve_now(lasts_s: float = 3600.0) -> dict[str, Any]:
    expires_at = date_time.to_wire(START + timedelta(seconds=lasts_s))
    return {
        "id": 5,
        "expiryDateTime": expires_at,
        "evseId": 1,
        "idToken": {"idToken": "guest", "type": "Central"},
    }


def updates(csms: FakeCsms) -> list[tuple[int, str]]:
    payloads = [call.payload for call in csms.received if call.action == "ReservationStatusUpdate"]
    return [(payload["reservationId"], payload["reservationUpdateStatus"]) for payload in payloads]


async def test_b01_fr_13_b11_fr_05_a_reserved_evse_is_reserved_when_the_power_is_back(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE) as (station, csms):
        await csms.call("ReserveNow", reserve_now(lasts_s=100))
        station.reboot("PowerUp", graceful=False)
        csms.forget()
        await trio.sleep(20)
        assert csms.statuses() == [(1, 1, "Reserved"), (1, 2, "Reserved"), (2, 1, "Available")]
        await trio.sleep(100)
        assert updates(csms) == [(5, "Expired")]


async def test_h02_a_cancelled_reservation_does_not_come_back(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await csms.call("ReserveNow", reserve_now())
        await csms.call("CancelReservation", {"reservationId": 5})
        station.reboot("PowerUp", graceful=False)
        csms.forget()
        await trio.sleep(20)
        assert csms.statuses() == [(1, 1, "Available")]


async def test_h04_what_expires_without_power_is_told_when_it_is_back(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await csms.call("ReserveNow", reserve_now(lasts_s=30))
        station.reboot("PowerUp", graceful=False, off_s=60)
        csms.forget()
        await trio.sleep(70)
        assert csms.actions == ["BootNotification", "ReservationStatusUpdate", "StatusNotification"]
        assert updates(csms) == [(5, "Expired")]
        assert csms.statuses() == [(1, 1, "Available")]


async def test_h04_an_update_that_waits_for_the_csms_outlives_a_power_cut(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas) as (station, csms):
        await csms.call("ReserveNow", reserve_now(lasts_s=30))
        csms.unreachable = OSError("down")
        await csms.hang_up()
        await trio.sleep(60)
        station.reboot("PowerUp", graceful=False)
        csms.unreachable = None
        await trio.sleep(60)
        assert updates(csms) == [(5, "Expired")]
        station.reboot("PowerUp", graceful=False)
        await trio.sleep(60)
        assert updates(csms) == [(5, "Expired")]  # it was answered


@pytest.mark.parametrize(
    ("evse", "statuses"),
    [
        ({}, ["Unavailable", "Unavailable", "Unavailable"]),
        ({"evse": {"id": 1}}, ["Unavailable", "Unavailable", "Available"]),
        ({"evse": {"id": 1, "connectorId": 2}}, ["Available", "Unavailable", "Available"]),
    ],
)
async def test_g03_fr_08_g04_fr_09_what_was_switched_off_is_unavailable_when_the_power_is_back(
    autojump_clock: MockClock, schemas: Schemas, evse: dict[str, Any], statuses: list[str]
) -> None:
    state = MemoryState()
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE, state=state) as (_, csms):
        await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"} | evse)
        state.lose_power()
    async with station_on_fake_csms(schemas, connector_types=TWO_AND_ONE, state=state) as (station, csms):
        assert [status for _, _, status in csms.statuses()] == statuses
        await csms.call("ChangeAvailability", {"operationalStatus": "Operative"} | evse)
        station.reboot("PowerUp", graceful=False)
        csms.forget()
        await trio.sleep(20)
        assert [status for _, _, status in csms.statuses()] == ["Available"] * 3


async def test_b01_fr_09_the_reason_of_a_reboot_is_told_even_by_another_process_and_once(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    state = MemoryState()
    async with station_on_fake_csms(schemas, state=state) as (station, _):
        station.reboot("RemoteReset", off_s=1000)
        await wait_all_tasks_blocked()
    reasons = []
    for _ in range(2):
        async with station_on_fake_csms(schemas, state=state) as (_, csms):
            reasons.append(csms.received[0].payload["reason"])
    assert reasons == ["RemoteReset", "PowerUp"]


class SlowState(MemoryState):
    """Takes a second to keep anything."""

    async def keep(self) -> None:
        await trio.sleep(1)
        await super().keep()


async def test_an_answer_waits_for_the_disk_and_what_it_brings_about_is_told_behind_it(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with station_on_fake_csms(schemas, state=SlowState()) as (_, csms):
        await trio.sleep(10)
        before, csms.wire.texts = trio.current_time(), []
        await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"})
        assert trio.current_time() >= before + 1
        await trio.sleep(10)
        messages = [json.loads(text) for text in csms.wire.texts]
        assert [message[0] for message in messages[:3]] == [2, 3, 2]
        assert messages[1][2] == {"status": "Accepted"}
        assert messages[2][2] == "StatusNotification"


async def test_what_the_csms_did_not_see_accepted_has_not_happened(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with station_on_fake_csms(schemas, state=SlowState()) as (station, csms):
        await trio.sleep(10)

        async def reserve() -> None:
            with pytest.raises(ConnectionLost):
                await csms.call("ReserveNow", reserve_now())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(reserve)
            await wait_all_tasks_blocked()
            station.reboot("PowerUp", graceful=False)
        csms.forget()
        await trio.sleep(20)
        assert csms.statuses() == [(1, 1, "Available")]


class FullState(MemoryState):
    """Cannot keep anything."""

    async def keep(self) -> None:
        raise StateUnavailable("the disk is full")


async def test_a_station_that_cannot_keep_what_it_is_to_remember_ends(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(StateUnavailable, match="the disk is full"), flatten_subgroups=True):
        async with station_on_fake_csms(schemas, state=FullState()) as (station, _):
            station.hardware.switch(operative=False)
            await trio.sleep(10)


async def test_a_station_that_is_started_again_on_its_directory_is_the_same_station(
    tmp_path: Path, schemas: Schemas
) -> None:
    # Threads write, so the clock is real.
    with trio.fail_after(PATIENCE_S):
        async with (
            open_state(tmp_path, "CP_1") as state,
            station_on_fake_csms(schemas, connector_types=TWO_AND_ONE, state=state) as (_, csms),
        ):
            assert await csms.call("ReserveNow", reserve_now()) == {"status": "Accepted"}
            await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 2}})
            state.lose_power()
        async with (
            open_state(tmp_path, "CP_1") as state,
            station_on_fake_csms(schemas, connector_types=TWO_AND_ONE, state=state) as (_, csms),
        ):
            assert csms.statuses() == [(1, 1, "Reserved"), (1, 2, "Reserved"), (2, 1, "Unavailable")]
