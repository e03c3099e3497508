"""The physical world, without any OCPP."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from station.hardware import Connector, Hardware


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
    assert [hardware.in_use(*place) for place in hardware.connectors()] == [False, False, False]
    hardware.switch(operative=True)
    assert [hardware.in_use(*place) for place in hardware.connectors()] == [True, False, False]
    second.switch(operative=True)
    second.switch(operative=True)
    assert [hardware.in_use(*place) for place in hardware.connectors()] == [True, False, True]
    assert len(changes) == 5
