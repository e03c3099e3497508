"""Stations and drivers of a fleet, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from shared.handshake import Refusal
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.fleet.figures import Outcome
from station.fleet.outlook import Outlook, View
from station.fleet.settings import FleetSettings
from station.fleet.summary import summary
from tests.station.fake_csms import FakeCsms
from tests.station.fleet.fleets import in_virtual_time, running_fleet

BUSY = FleetSettings(count=8, rate=2, arrivals=8, dc_share=0.5, tokens=10, strangers=0.2, csms="ws://csms/ocpp")
AN_HOUR_S = 3600.0
Happened = tuple[float, str, dict[str, Any]]


def knows_no_strangers(_: str, csms: FakeCsms) -> None:
    """A CSMS that knows the cards of the pool, and no others."""
    csms.tokens = _OnlyTheFleets()


class _OnlyTheFleets(dict[str, dict[str, Any]]):
    def get(self, key: str, default: Any = None) -> Any:
        return {"status": "Unknown"} if key.startswith("STRANGER") else default


async def test_stations_connect_at_the_given_rate(autojump_clock: MockClock, schemas: Schemas) -> None:
    settings = replace(BUSY, count=5, rate=0.5, arrivals=0)
    async with running_fleet(schemas, settings) as (_, site, outlook):
        await trio.sleep(9)
        assert [csms.dialled_at for csms in site.csms.values()] == [[0.0], [2.0], [4.0], [6.0], [8.0]]
        assert list(site.csms) == ["CP_1", "CP_2", "CP_3", "CP_4", "CP_5"]
        view = outlook.look()
        assert (view.built, view.connected, view.accepted, view.arrived) == (5, 5, 5, 0)


def test_the_same_seed_gives_every_station_the_same_events(schemas: Schemas) -> None:
    first, second, other = (in_virtual_time(partial(events_of, schemas, seed)) for seed in (3, 3, 4))
    assert first == second
    assert first != other
    assert sum(len(events) for events in first.values()) > 60


async def events_of(schemas: Schemas, seed: int) -> dict[str, list[Happened]]:
    async with running_fleet(schemas, BUSY, seed=seed, prepare=knows_no_strangers) as (_, site, _outlook):
        await trio.sleep(AN_HOUR_S / 2)
        return {
            identity: [(call.at, call.action, call.payload) for call in csms.received]
            for identity, csms in site.csms.items()
        }


async def test_a_transaction_is_told_of_from_start_to_end_and_a_stranger_gets_no_energy(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    async with running_fleet(schemas, BUSY, prepare=knows_no_strangers) as (fleet, site, outlook):
        await trio.sleep(AN_HOUR_S)
        visits = outlook.look().visits
        assert visits[Outcome.CHARGED] > 5
        assert visits[Outcome.GAVE_UP] > 2
        assert visits[Outcome.TURNED_AWAY] > 5
        assert Outcome.FAILED not in visits
        events = [event for csms in site.csms.values() for event in csms.events()]
        ended = [event["transactionInfo"] for event in events if event["eventType"] == "Ended"]
        assert {info["stoppedReason"] for info in ended} >= {"Local", "EVDisconnected"}
        assert not [event for event in events if event.get("idToken", {}).get("idToken", "").startswith("STRANGER")]
        assert not fleet.figures.errors


async def test_c02_fr_01_without_cards_whoever_plugs_in_charges(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with running_fleet(schemas, replace(BUSY, tokens=0)) as (_, site, outlook):
        await trio.sleep(AN_HOUR_S)
        visits = outlook.look().visits
        assert visits[Outcome.CHARGED] > 5
        assert Outcome.GAVE_UP not in visits
        events = [event for csms in site.csms.values() for event in csms.events()]
        tokens = [event["idToken"] for event in events if "idToken" in event]
        assert tokens
        assert all(token == {"idToken": "", "type": "NoAuthorization"} for token in tokens)
        assert not [csms for csms in site.csms.values() if "Authorize" in csms.actions]


async def test_what_the_summary_says_is_what_the_csms_has_seen(autojump_clock: MockClock, schemas: Schemas) -> None:
    async with running_fleet(schemas, BUSY, prepare=knows_no_strangers) as (fleet, site, outlook):
        await trio.sleep(AN_HOUR_S + 0.123)
        document = summary(BUSY, 7, outlook.look(), fleet.figures, outlook.most_connected)
        received = [call for csms in site.csms.values() for call in csms.received]
        assert document["messages"]["answered"] == len(received) == document["answer_time_s"]["count"]
        assert document["messages"]["by_action"]["TransactionEvent"] == sum(len(c.events()) for c in site.csms.values())
        assert document["messages"]["per_s"] == pytest.approx(len(received) / (AN_HOUR_S + 0.123), abs=1e-3)
        assert document["stations"] == {
            "wanted": 8,
            "started": 8,
            "connected": 8,
            "accepted": 8,
            "most_connected": 8,
            "crashed": 0,
        }
        drivers = document["drivers"]
        assert drivers["arrived"] == sum(count for name, count in drivers.items() if name != "arrived")
        registers = [evse.meter.energy_wh for station in fleet.stations for evse in station.hardware.evses]
        assert document["charging"]["energy_kwh"] == round(sum(registers) / 1000, 3) > 50
        assert document["errors"] == {"count": 0, "by_kind": {}}


async def test_a_station_that_is_refused_or_has_no_csms_does_not_harm_the_others(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    def prepare(identity: str, csms: FakeCsms) -> None:
        if identity == "CP_2":
            csms.refusal = Refusal(HTTPStatus.UNAUTHORIZED, "no")
        if identity == "CP_3":
            csms.unreachable = OSError(111, "Connection refused")

    settings = replace(BUSY, count=6)
    async with running_fleet(schemas, settings, prepare=prepare) as (fleet, site, outlook):
        await trio.sleep(3600)
        view = outlook.look()
        assert (view.connected, view.crashed) == (4, 0)
        assert view.errors["not connected: refused with 401"] > 10
        assert view.errors["not connected: Connection refused"] > 10
        assert len(view.errors) == 2
        for identity in ("CP_1", "CP_4", "CP_5", "CP_6"):
            assert "Started" in [event["eventType"] for event in site.csms[identity].events()]
        assert fleet.stations[2].hardware.evses[0].meter.energy_wh == 0, "nobody there may say who may charge"


async def test_a_station_that_crashes_does_not_harm_the_others(
    autojump_clock: MockClock, schemas: Schemas, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = Station.run

    async def run(station: Station) -> None:
        if station.identity != "CP_2":
            await whole(station)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(whole, station)
            await trio.sleep(600)
            raise RuntimeError("a bug")

    monkeypatch.setattr(Station, "run", run)
    async with running_fleet(schemas, replace(BUSY, count=3)) as (_, site, outlook):
        await trio.sleep(3600)
        view = outlook.look()
        assert (view.connected, view.crashed, view.errors["a station crashed"]) == (2, 1, 1)
        assert "CP_2: crashed" in caplog.messages
        assert site.csms["CP_2"].received[-1].at < 700
        assert all(site.csms[identity].received[-1].at > 3000 for identity in ("CP_1", "CP_3"))


async def test_a_visit_that_goes_wrong_ends_alone(
    autojump_clock: MockClock, schemas: Schemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("station.fleet.traffic.draw_plan", plan)
    async with running_fleet(schemas, replace(BUSY, count=3)) as (_, _site, outlook):
        await trio.sleep(3600)
        view = outlook.look()
        assert view.arrived > 3
        assert view.visits == {Outcome.FAILED: view.arrived}
        assert view.errors == {"a visit went wrong": view.arrived}
        assert view.connected == 3


async def test_what_goes_wrong_with_messages_is_counted_by_kind(autojump_clock: MockClock, schemas: Schemas) -> None:
    def prepare(_: str, csms: FakeCsms) -> None:
        csms.interval_s = 60
        csms.thinks_s = {"Heartbeat": 3.0, "StatusNotification": 0.5}

    settings = replace(BUSY, count=2, arrivals=0, call_timeout=2)
    async with running_fleet(schemas, settings, prepare=prepare) as (fleet, site, outlook):
        await trio.sleep(70)
        site.csms["CP_1"].unreachable = OSError("gone")
        await site.csms["CP_1"].hang_up()
        await trio.testing.wait_all_tasks_blocked()
        view = outlook.look()
        assert view.errors == {"Heartbeat: CallTimedOut": 2, "disconnected: 1006 connection lost": 1}
        assert view.messages == 4, "two BootNotifications and two StatusNotifications"
        assert fleet.figures.latency.greatest_s == pytest.approx(0.5)


async def test_rates_and_answer_times_are_those_of_the_last_seconds(
    autojump_clock: MockClock, schemas: Schemas
) -> None:
    def prepare(_: str, csms: FakeCsms) -> None:
        csms.interval_s = 1
        csms.thinks_s = {"Heartbeat": 0.25}

    async with running_fleet(schemas, replace(BUSY, count=4, arrivals=0), prepare=prepare) as (_, site, outlook):
        view = await _watched(outlook, 60)
        assert view.messages_per_s == pytest.approx(4, rel=0.2)
        assert view.p50_s == pytest.approx(0.25, rel=0.03)
        for csms in site.csms.values():
            csms.freeze()
        view = await _watched(outlook, 15)
        assert (view.messages_per_s, view.p50_s, view.p99_s) == (0, None, None)


async def _watched(outlook: Outlook, seconds: int) -> View:
    """What is seen after so long, of who looks every second."""
    for _ in range(seconds):
        await trio.sleep(1)
        outlook.look()
    return outlook.look()
