"""H Reservation: whatever happens in whatever order, reservations are kept and the CSMS knows.

Hypothesis drives hardware, clock and requests; after each step the model looks at nothing but what a CSMS would have
been told and what a person sees at the pillar.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any, NamedTuple

import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.clock import TrioClock
from shared.ocppj import date_time
from station.blocks.availability import Availability, Changes
from station.blocks.reservation import Reservations
from station.device_model import HEARTBEAT_INTERVAL, DeviceModel
from station.hardware import Connector, Evse, Hardware
from station.state import MemoryState

TYPES = st.sampled_from(["cType2", "cCCS2"])
START = datetime(2026, 11, 22, tzinfo=UTC)


class HandClock(TrioClock):
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self._time = START

    def now(self) -> datetime:
        return self._time

    def set(self, now: datetime) -> None:
        self._time = now


class Wish(NamedTuple):
    evse_id: int | None
    connector_type: str | None
    expires_at: datetime


class ReservedStation(RuleBasedStateMachine):
    @initialize(connector_types=st.lists(st.lists(TYPES, min_size=1, max_size=2), min_size=1, max_size=3))
    def power_up(self, connector_types: list[list[str]]) -> None:
        self.variables = DeviceModel()
        self.variables[HEARTBEAT_INTERVAL] = 10**9
        self.clock = HandClock()
        random = Random(1)  # noqa: S311  # repeatable on purpose
        self.hardware = Hardware.of(connector_types, monotonic=lambda: 0.0, random=random)
        self.state = MemoryState()
        self.boot()
        self.hardware.watch(self.hardware_changed)
        self.kept: dict[int, Wish] = {}
        self.told: dict[tuple[int, int], str] = {}
        self.ended: list[tuple[int, str]] = []
        self.deliver()

    def boot(self) -> None:
        changes = Changes(self.hardware, self.state, ongoing=lambda _: False)
        self.reservations = Reservations(
            "CP_1", self.hardware, self.variables, self.clock, self.state, monotonic=lambda: 0.0
        )
        self.reservations.tick()
        self.availability = Availability(
            self.hardware, self.reservations, self.variables, self.clock, changes, monotonic=lambda: 0.0
        )
        self.availability.sending("BootNotification")
        self.powered = True

    def hardware_changed(self) -> None:
        if self.powered:
            self.reservations.hardware_changed()
            self.availability.hardware_changed()

    @rule()
    def power_cycle(self) -> None:
        """What was told and answered is kept, so nothing has changed."""
        trio.run(self.state.keep)
        told = dict(self.told)
        self.powered = False
        Changes(self.hardware, MemoryState(), ongoing=lambda _: False)  # switched as it comes from the factory
        self.boot()
        self.deliver()
        assert self.ended == []
        assert self.told == told

    def deliver(self) -> None:
        """Let the station say all it has to say."""
        self.ended = []
        while outgoing := self.reservations.next_call() or self.availability.next_call():
            payload = outgoing.payload
            if outgoing.action == "StatusNotification":
                self.told[payload["evseId"], payload["connectorId"]] = payload["connectorStatus"]
            else:
                assert outgoing.action == "ReservationStatusUpdate"
                self.ended.append((payload["reservationId"], payload["reservationUpdateStatus"]))
            outgoing.answered({})
        for reservation_id, _ in self.ended:
            del self.kept[reservation_id]
        assert not self.reservations.tick(), "what is settled stays so, or the station would work for ever"

    @rule(
        number=st.integers(1, 4),
        evse_id=st.none() | st.integers(1, 4),
        connector_type=st.none() | TYPES,
        lasts_s=st.integers(-1, 20),
    )
    def reserve(self, number: int, evse_id: int | None, connector_type: str | None, lasts_s: int) -> None:
        wish = Wish(evse_id, connector_type, self.clock.now() + timedelta(seconds=lasts_s))
        request: Any = {
            "id": number,
            "expiryDateTime": date_time.to_wire(wish.expires_at),
            "idToken": {"idToken": "guest", "type": "Central"},
        }
        request |= {} if evse_id is None else {"evseId": evse_id}
        request |= {} if connector_type is None else {"connectorType": connector_type}
        others = [kept for kept_number, kept in self.kept.items() if kept_number != number]
        possible = lasts_s > 0 and self.can_keep([*others, wish], list(self.hardware.evses))
        status = self.reservations.reserve_now(request)["status"]
        assert (status == "Accepted") == possible
        if possible:
            self.kept[number] = wish
        else:
            assert status in self.expected_refusals(wish, lasts_s)
        self.deliver()
        assert self.ended == []

    def expected_refusals(self, wish: Wish, lasts_s: int) -> set[str]:
        targeted = {
            self.told[evse.evse_id, connector.connector_id]
            for evse, connector in self.hardware.connectors()
            if wish.evse_id in {None, evse.evse_id} and wish.connector_type in {None, connector.connector_type}
        }
        if not targeted or lasts_s <= 0:
            return {"Rejected"}
        return targeted if targeted <= {"Faulted", "Unavailable"} else {"Occupied"}

    @rule(number=st.integers(1, 4))
    def cancel(self, number: int) -> None:
        status = self.reservations.cancel_reservation({"reservationId": number})["status"]
        assert status == ("Accepted" if self.kept.pop(number, None) else "Rejected")
        self.deliver()
        assert self.ended == []

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))
        due = {number for number, wish in self.kept.items() if wish.expires_at <= self.clock.now()}
        assert self.reservations.expire() == bool(due)
        self.deliver()
        assert {number for number, _ in self.ended} == due
        assert {status for _, status in self.ended} <= {"Expired"}

    @rule(data=st.data())
    def plug_in_or_out(self, data: st.DataObject) -> None:
        connector = self.draw_connector(data)
        (connector.unplug if connector.plugged_in else connector.plug_in)()
        self.deliver()
        assert self.ended == []  # G01.FR.09: nobody takes a reservation away by plugging in

    @rule(data=st.data())
    def break_or_repair(self, data: st.DataObject) -> None:
        connector = self.draw_connector(data)
        (connector.clear_fault if connector.faulted else connector.fail)()
        self.deliver()
        assert {status for _, status in self.ended} <= {"Removed"}

    @rule(data=st.data())
    def switch(self, data: st.DataObject) -> None:
        target: Any = data.draw(st.sampled_from([self.hardware, *self.hardware.evses, self.draw_connector(data)]))
        target.switch(operative=not target.operative)
        self.deliver()
        assert {status for _, status in self.ended} <= {"Removed"}

    @precondition(lambda self: self.kept)
    @rule()
    def wait_for_the_last_to_expire(self) -> None:
        self.clock.set(max(wish.expires_at for wish in self.kept.values()))
        self.reservations.expire()
        self.deliver()
        assert self.kept == {}
        assert "Reserved" not in self.told.values()

    @invariant()
    def each_reservation_has_an_evse_of_its_own(self) -> None:
        assert self.can_keep(list(self.kept.values()), list(self.hardware.evses))

    @invariant()
    def an_evse_is_reported_reserved_exactly_when_the_reservations_need_it(self) -> None:
        for evse in self.hardware.evses:
            others = [other for other in self.hardware.evses if other is not evse]
            needed = not self.can_keep(list(self.kept.values()), others)
            usable = {self.told[evse.evse_id, connector.connector_id] for connector in evse.connectors} - {
                "Faulted",
                "Unavailable",
            }
            assert ("Reserved" in usable) == needed
            assert not needed or usable == {"Reserved"}

    def can_keep(self, wishes: list[Wish], evses: list[Evse]) -> bool:
        """Whether each of these could have one of these EVSEs to itself, for all one can see."""
        return any(
            all(self.suits(wish, evse) for wish, evse in zip(wishes, chosen, strict=True))
            for chosen in permutations(evses, len(wishes))
        )

    def suits(self, wish: Wish, evse: Evse) -> bool:
        statuses = {
            self.told[evse.evse_id, connector.connector_id]
            for connector in evse.connectors
            if wish.connector_type in {None, connector.connector_type}
        }
        free = "Reserved" in statuses or ("Available" in statuses and not evse.plugged_in)
        return free and wish.evse_id in {None, evse.evse_id}

    def draw_connector(self, data: st.DataObject) -> Connector:
        return data.draw(st.sampled_from([connector for _, connector in self.hardware.connectors()]))


TestReservedStation = ReservedStation.TestCase
TestReservedStation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
