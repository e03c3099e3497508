"""The physical world, without any OCPP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from random import Random

import pytest

from station.hardware import Connector, ConnectorSpec, Evse, EvseSpec, Hardware, Limits


@pytest.fixture
def hardware() -> Hardware:
    random = Random(1)  # noqa: S311  # repeatable on purpose
    return Hardware.of([["cType2", "cCCS2"], ["cType2"]], monotonic=lambda: 0.0, random=random)


def test_evses_and_connectors_are_numbered_from_one(hardware: Hardware) -> None:
    places = [
        (evse.evse_id, connector.connector_id, connector.connector_type) for evse, connector in hardware.connectors()
    ]
    assert places == [(1, 1, "cType2"), (1, 2, "cCCS2"), (2, 1, "cType2")]


def test_what_is_not_there_is_none(hardware: Hardware) -> None:
    evse = hardware.evse(2)
    assert evse is not None
    assert (hardware.evse(0), hardware.evse(3)) == (None, None)
    assert (evse.connector(0), evse.connector(2)) == (None, None)


def test_an_evse_is_plugged_in_when_one_of_its_connectors_is(hardware: Hardware) -> None:
    first, second = hardware.evses
    first.connectors[1].plug_in()
    assert (first.plugged_in, second.plugged_in) == (True, False)
    first.connectors[1].unplug()
    assert not first.plugged_in


@pytest.mark.parametrize(
    ("change", "revert"),
    [
        (Connector.plug_in, Connector.unplug),
        (Connector.fail, Connector.clear_fault),
        (lambda connector: connector.switch(operative=False), lambda connector: connector.switch(operative=True)),
    ],
)
def test_a_watcher_is_told_of_changes_and_of_nothing_else(
    hardware: Hardware, change: Callable[[Connector], None], revert: Callable[[Connector], None]
) -> None:
    seen: list[tuple[bool, bool, bool]] = []
    connector = hardware.evses[0].connectors[0]
    hardware.watch(lambda: seen.append((connector.plugged_in, connector.faulted, connector.operative)))
    revert(connector)
    assert seen == []
    change(connector)
    change(connector)
    assert len(seen) == 1
    revert(connector)
    assert seen[1] == (False, False, True)


def test_each_switch_keeps_its_own_position(hardware: Hardware) -> None:
    changes: list[None] = []
    hardware.watch(lambda: changes.append(None))
    first, second = hardware.evses
    first.connectors[1].switch(operative=False)
    second.switch(operative=False)
    hardware.switch(operative=False)
    hardware.switch(operative=False)
    assert not hardware.operative
    assert [hardware.in_use(*place) for place in hardware.connectors()] == [False, False, False]
    hardware.switch(operative=True)
    assert [hardware.in_use(*place) for place in hardware.connectors()] == [True, False, False]
    second.switch(operative=True)
    second.switch(operative=True)
    assert [hardware.in_use(*place) for place in hardware.connectors()] == [True, False, True]
    assert len(changes) == 5


def test_who_watches_for_a_while_is_told_of_everything_and_then_of_nothing(hardware: Hardware) -> None:
    first, second = hardware.evses
    told: list[object] = []
    token = {"idToken": "04A2", "type": "ISO14443"}

    def touch() -> None:
        second.occupy()
        second.occupy(occupied=False)
        first.reader.present(token)
        second.press_stop()

    with hardware.watching(
        lambda: told.append(second.bay_occupied),
        token=lambda evse, presented: told.append((evse.evse_id, presented)),
        stop=lambda evse: told.append((evse.evse_id, "stop")),
    ):
        touch()
    touch()
    assert told == [True, False, (1, token), (2, "stop")]


def test_a_watcher_may_leave_while_it_is_told(hardware: Hardware) -> None:
    told: list[str] = []
    with ExitStack() as first, ExitStack() as second:

        def leave() -> None:
            told.append("leaves")
            first.close()

        first.enter_context(hardware.watching(leave))
        second.enter_context(hardware.watching(lambda: told.append("stays")))
        hardware.evses[0].occupy()
        hardware.evses[1].occupy()
    assert told == ["leaves", "stays", "stays"]


def test_who_watches_twice_is_told_twice_and_leaves_once(hardware: Hardware) -> None:
    told: list[None] = []

    def tell() -> None:
        told.append(None)

    hardware.watch(tell)
    with hardware.watching(tell):
        hardware.evses[0].occupy()
    hardware.evses[1].occupy()
    assert len(told) == 3


@pytest.mark.parametrize(
    ("change", "revert"),
    [
        (lambda evse: evse.connectors[0].lock(), lambda evse: evse.connectors[0].unlock()),
        (lambda evse: evse.connectors[0].jam(), lambda evse: evse.connectors[0].unjam()),
        (lambda evse: evse.connectors[0].block(), lambda evse: evse.connectors[0].unblock()),
        (lambda evse: evse.contactor.close(), lambda evse: evse.contactor.open()),
        (lambda evse: evse.occupy(), lambda evse: evse.occupy(occupied=False)),
        (lambda evse: evse.fault("GroundFailure"), Evse.clear_fault),
        (Evse.trip_breaker, Evse.reset_breaker),
        (lambda evse: evse.set_limits(Limits(power_w=0)), lambda evse: evse.set_limits(Limits())),
        (lambda evse: evse.vehicle.set_ready(ready=False), lambda evse: evse.vehicle.set_ready(ready=True)),
    ],
)
def test_each_change_is_told_once_and_what_changes_nothing_is_not(
    hardware: Hardware, change: Callable[[Evse], object], revert: Callable[[Evse], object]
) -> None:
    evse = hardware.evses[0]
    evse.connectors[0].plug_in()
    told: list[None] = []
    hardware.watch(lambda: told.append(None))
    for touch, count in ((revert, 0), (change, 1), (change, 1), (revert, 2), (revert, 2)):
        touch(evse)
        assert len(told) == count


def test_losing_power_and_getting_it_back_is_told_once_each(hardware: Hardware) -> None:
    told: list[bool] = []
    hardware.watch(lambda: told.append(hardware.powered))
    for touch in (hardware.restore_power, hardware.lose_power, hardware.lose_power, hardware.restore_power):
        touch()
    assert told == [False, True]


def test_what_a_station_was_built_for_can_be_read_from_it(hardware: Hardware) -> None:
    first, second = hardware.evses
    assert (first.max_power_w, first.supply_phases) == (150_000, 3)
    assert (second.max_power_w, second.supply_phases) == (22_080, 3)
    type_2, ccs = first.connectors
    assert (type_2.phases, type_2.max_current_a, type_2.max_power_w, type_2.fixed_cable) == (3, 32, 22_080, True)
    assert (ccs.phases, ccs.max_current_a, ccs.max_power_w) == (0, 500, 150_000)


@pytest.mark.parametrize(
    "build",
    [
        lambda: EvseSpec.of([]),
        lambda: EvseSpec((ConnectorSpec.of("cType2"),), max_power_w=0),
        lambda: ConnectorSpec("cType2", 4, 32, 22_080, fixed_cable=True),
        lambda: ConnectorSpec("cType2", 3, 0, 22_080, fixed_cable=True),
    ],
)
def test_what_cannot_be_built_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"an EVSE|a connector"):
        build()
