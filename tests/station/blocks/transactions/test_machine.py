"""Whatever drivers, vehicles, defects, the CSMS, the network and the mains do: each transaction is told from its one
Started to its one Ended, and energy flows only for who may have it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import trio
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.ocppj import date_time
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201
from station.blocks.authorization import Authorization
from station.blocks.meter_values import Signer
from station.blocks.reservation import Reservations
from station.blocks.reservation.handlers import ReserveNowRequest
from station.blocks.transactions import Transactions
from station.blocks.transactions.points import TX_POINTS
from station.device_model import (
    EV_CONNECTION_TIME_OUT,
    MASTER_PASS_GROUP_ID,
    MAX_ENERGY_ON_INVALID_ID,
    SAMPLED_DATA_SIGN_READINGS,
    SAMPLED_DATA_TX_ENDED_INTERVAL,
    SAMPLED_DATA_TX_UPDATED_INTERVAL,
    STOP_TX_ON_EV_SIDE_DISCONNECT,
    STOP_TX_ON_INVALID_ID,
    TX_START_POINT,
    TX_STOP_POINT,
    DeviceModel,
)
from station.hardware import AC_VEHICLE, DC_VEHICLE, Hardware, Locked
from station.id_token import IdToken
from station.state import MemoryState

TOKENS: dict[str, dict[str, Any]] = {
    "anna": {"status": "Accepted", "groupIdToken": {"idToken": "family", "type": "Central"}},
    "bert": {"status": "Accepted", "groupIdToken": {"idToken": "family", "type": "Central"}},
    "carl": {"status": "Accepted"},
    "dora": {"status": "Blocked"},
    "boss": {"status": "Accepted", "groupIdToken": {"idToken": "masters", "type": "Central"}},
}
ENDED_BY = {
    "StopAuthorized": {"Authorized", "PowerPathClosed"},  # E06.FR.03, E06.FR.06
    "Deauthorized": {"Authorized", "PowerPathClosed", "EnergyTransfer"},  # E05.FR.10
    "RemoteStop": {"Authorized", "PowerPathClosed"},  # F03.FR.03
    "EVCommunicationLost": {"EVConnected", "PowerPathClosed"},  # E06.FR.02, E06.FR.06
    "EVDeparted": {"ParkingBayOccupancy"},  # E06.FR.01
}
"""The stop points with which a transaction does not outlast an event of this triggerReason."""
SCHEMAS = Schemas.load(V201)
PLACES = st.integers(0, 2)  # connectors: two of the first EVSE, one of the second


def token(name: str) -> IdToken:
    return {"idToken": name, "type": "ISO14443"}


class HandClock:
    def __init__(self) -> None:
        self.monotonic_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.monotonic_s)


class Charging(RuleBasedStateMachine):
    @initialize(
        start=st.sets(st.sampled_from(sorted(TX_POINTS)), min_size=1),
        stop=st.sets(st.sampled_from(sorted(TX_POINTS)), min_size=1),
        ev_side=st.booleans(),
        on_invalid=st.booleans(),
        free_wh=st.sampled_from([0, 2000]),
        ended_interval_s=st.sampled_from([0, 300]),
        signs=st.booleans(),
    )
    def power_up(
        self,
        start: set[str],
        stop: set[str],
        *,
        ev_side: bool,
        on_invalid: bool,
        free_wh: int,
        ended_interval_s: int,
        signs: bool,
    ) -> None:
        self.clock = HandClock()
        self.online = True
        self.usable = True
        self.state = MemoryState()
        self.variables = DeviceModel(self.state)
        self.variables[TX_START_POINT] = tuple(start)
        self.variables[TX_STOP_POINT] = tuple(stop)
        self.variables[STOP_TX_ON_EV_SIDE_DISCONNECT] = ev_side
        self.variables[STOP_TX_ON_INVALID_ID] = on_invalid
        self.variables[MAX_ENERGY_ON_INVALID_ID] = free_wh
        self.variables[SAMPLED_DATA_TX_UPDATED_INTERVAL] = 600
        self.variables[SAMPLED_DATA_TX_ENDED_INTERVAL] = ended_interval_s
        self.variables[SAMPLED_DATA_SIGN_READINGS] = signs
        self.variables[MASTER_PASS_GROUP_ID] = "masters"
        self.variables[EV_CONNECTION_TIME_OUT] = 60
        random = Random(1)  # noqa: S311  # repeatable on purpose
        self.hardware = Hardware.of(
            [["sType2", "cType2"], ["cCCS2"]], monotonic=lambda: self.clock.monotonic_s, random=random
        )
        self.random = random
        self.hardware.watch(self.hardware_changed)
        self.events: list[dict[str, Any]] = []
        self.registers = defaultdict[int, float](float)
        self.boot()

    def boot(self) -> None:
        self.authorization = Authorization(self.state, self.variables, self.clock, online=lambda: self.online)
        self.reservations = Reservations(
            "CP_1", self.hardware, self.variables, self.clock, self.state, monotonic=lambda: self.clock.monotonic_s
        )
        self.transactions = Transactions(
            "CP_1",
            self.hardware,
            self.state,
            self.variables,
            self.clock,
            monotonic=lambda: self.clock.monotonic_s,
            random=self.random,
            signer=Signer("CP_1", self.state, self.variables, self.random),
            authorization=self.authorization,
            reservations=self.reservations,
            usable=lambda _: self.usable,
            online=lambda: self.online,
        )
        self.transactions.resume()
        self.work()

    def hardware_changed(self) -> None:
        if self.hardware.powered:
            self.transactions.hardware_changed()

    def work(self) -> None:
        """Do what is due, and keep it."""
        self.hardware.advance()
        while self.transactions.tick():
            pass
        trio.run(self.state.keep)

    def converse(self) -> None:
        """Let the CSMS answer all that it is told."""
        self.work()
        while self.online and (outgoing := self.authorization.next_call() or self.transactions.next_call()):
            SCHEMAS.validate_request(outgoing.action, outgoing.payload)
            response: dict[str, Any] = {}
            if "idToken" in outgoing.payload:
                response = {"idTokenInfo": TOKENS.get(outgoing.payload["idToken"]["idToken"], {"status": "Unknown"})}
            if outgoing.action == "TransactionEvent":
                self.events.append(outgoing.payload)
            outgoing.answered(response)
            self.work()

    @rule(place=PLACES, stays_s=st.sampled_from([None, 300]))
    def plug_in(self, place: int, stays_s: float | None) -> None:
        _, connector = [*self.hardware.connectors()][place]
        usual = DC_VEHICLE if connector.phases == 0 else AC_VEHICLE
        connector.plug_in(replace(usual, departure_s=stays_s))

    @rule(place=PLACES)
    def unplug(self, place: int) -> None:
        _, connector = [*self.hardware.connectors()][place]
        try:
            connector.unplug()
        except Locked:
            connector.disconnect_vehicle()

    @rule(evse=st.integers(0, 1), name=st.sampled_from(sorted(TOKENS)))
    def present(self, evse: int, name: str) -> None:
        self.transactions.admission.present_token(evse + 1, token(name), lambda _: None)

    @rule(place=PLACES, name=st.sampled_from(["anna", "carl"]))
    def plug_in_and_charge(self, place: int, name: str) -> None:
        self.plug_in(place, None)
        self.converse()
        self.present(place // 2, name)
        self.converse()

    @rule(evse=st.integers(0, 1), name=st.sampled_from(sorted(TOKENS)), lasts_s=st.sampled_from([30, 3600]))
    def reserve(self, evse: int, name: str, lasts_s: int) -> None:
        expires_at = date_time.to_wire(self.clock.now() + timedelta(seconds=lasts_s))
        request: ReserveNowRequest = {"id": 5, "expiryDateTime": expires_at, "idToken": token(name), "evseId": evse + 1}
        self.reservations.reserve_now(request)

    @rule(evse=st.integers(0, 1))
    def press_stop(self, evse: int) -> None:
        self.transactions.press_stop(evse + 1)

    @rule(evse=st.integers(0, 1), occupied=st.booleans())
    def park(self, evse: int, *, occupied: bool) -> None:
        self.hardware.evses[evse].occupy(occupied=occupied)

    @rule(evse=st.integers(0, 1), ready=st.booleans())
    def vehicle_pauses(self, evse: int, *, ready: bool) -> None:
        vehicle = self.hardware.evses[evse].vehicle
        if vehicle is not None:
            vehicle.set_ready(ready=ready)

    @rule(evse=st.integers(0, 1), code=st.sampled_from(["GroundFailure", "EmergencyStop", None]))
    def defect(self, evse: int, code: str | None) -> None:
        if code is None:
            self.hardware.evses[evse].clear_fault()
        else:
            self.hardware.evses[evse].fault(code)

    @rule(evse=st.integers(0, 1), check=st.booleans(), name=st.sampled_from(["anna", "carl", "dora"]))
    def remote_start(self, evse: int, *, check: bool, name: str) -> None:
        session = self.transactions.sessions[evse + 1]
        if self.transactions.admission.may_start(session, token(name), None):
            self.transactions.admission.remote_start(session, token(name), None, 7, check=check)

    @rule(evse=st.integers(0, 1))
    def remote_stop(self, evse: int) -> None:
        self.transactions.sessions[evse + 1].remote_stop()

    @rule(usable=st.booleans())
    def switch(self, *, usable: bool) -> None:
        self.usable = usable
        self.work()

    @rule()
    def answer(self) -> None:
        self.converse()

    @precondition(lambda self: self.online)
    @rule()
    def lose_network(self) -> None:
        self.online = False
        self.authorization.disconnected()
        self.transactions.disconnected()

    @precondition(lambda self: not self.online)
    @rule()
    def find_network(self) -> None:
        self.online = True
        self.converse()

    @rule(seconds=st.sampled_from([1, 61, 700, 7200]))
    def wait(self, seconds: int) -> None:
        """Let time pass as the firmware does: from one thing to do to the next."""
        self.work()
        end = self.clock.monotonic_s + seconds
        while True:
            due = min(self.hardware.next_change_at(), self.transactions.tick_at())
            assert due > self.clock.monotonic_s or due >= end
            if due >= end:
                break
            self.clock.monotonic_s = due
            self.work()
        self.clock.monotonic_s = end
        self.work()

    @rule(off_s=st.sampled_from([5, 2000]))
    def lose_power(self, off_s: int) -> None:
        self.work()
        self.hardware.lose_power()
        self.state.lose_power()
        self.clock.monotonic_s += off_s
        self.hardware.restore_power()
        self.boot()

    @invariant()
    def energy_flows_only_for_somebody_who_may_have_it(self) -> None:
        for evse in self.hardware.evses:
            if evse.contactor.closed:
                assert self.usable
                session = self.transactions.sessions[evse.evse_id]
                assert session.grant is not None
                assert session.transaction is not None or "EnergyTransfer" in self.variables[TX_START_POINT]

    @invariant()
    def a_cable_is_locked_only_for_somebody(self) -> None:
        for evse in self.hardware.evses:
            session = self.transactions.sessions[evse.evse_id]
            if any(connector.locked for connector in evse.connectors):
                assert session.grant is not None or session.locked_for is not None

    @invariant()
    def registers_only_grow(self) -> None:
        for evse in self.hardware.evses:
            assert evse.meter.energy_wh >= self.registers[evse.evse_id]
            self.registers[evse.evse_id] = evse.meter.energy_wh

    def teardown(self) -> None:
        if not hasattr(self, "clock"):
            return
        self.online = self.usable = True
        for evse in self.hardware.evses:
            evse.clear_fault()
            evse.occupy(occupied=False)
        for number in (0, 1):
            self.press_stop(number)
        for place in range(3):
            self.unplug(place)
        self.converse()
        self.wait(7200)
        self.converse()
        assert not self.transactions.ongoing()
        assert not self.transactions.queue.pending()
        stop_points = self.variables[TX_STOP_POINT]
        by_transaction = defaultdict[str, list[dict[str, Any]]](list)
        ongoing: dict[int, str] = {}
        for event in self.events:
            transaction_id = event["transactionInfo"]["transactionId"]
            by_transaction[transaction_id].append(event)
            evse_id = cast(int, event["evse"]["id"])
            assert ongoing.setdefault(evse_id, transaction_id) == transaction_id  # E01.FR.14
            if event["eventType"] == "Ended":
                del ongoing[evse_id]
        for events in by_transaction.values():
            kinds = [event["eventType"] for event in events]
            assert kinds == ["Started", *["Updated"] * (len(kinds) - 2), "Ended"]
            assert [event["seqNo"] for event in events] == list(range(len(events)))
            assert "stoppedReason" in events[-1]["transactionInfo"]
            assert "chargingState" in events[0]["transactionInfo"]  # E01.FR.18
            states = [event["transactionInfo"].get("chargingState") for event in events]
            if "Charging" in states:
                assert any("idToken" in event for event in events[: states.index("Charging") + 1])  # E01.FR.10
            for event in events[:-1]:
                assert ENDED_BY.get(event["triggerReason"], set()).isdisjoint(stop_points)


TestCharging = Charging.TestCase
