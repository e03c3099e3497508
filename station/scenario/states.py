"""What a scenario can expect of how things are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from station.device_model.variable import Tier
from station.fields import Field, Invalid, below, choice, flag, number, text, whole
from station.hardware import Evse
from station.scenario.kinds import CHARGING_STATES, CONNECTOR, EVSE, Kind, Sketch, Values
from station.scenario.matching import shown
from station.scenario.seen import Look, Seen
from station.scenario.stage import Stage, StepFailed
from station.scenario.variables import find_variable


def _connection(is_met: Callable[[str], bool]) -> Kind[Look]:
    def look(stage: Stage, _: int) -> Seen:
        how = _connected(stage)
        return Seen(is_met(how), how)

    return Kind({}, lambda *_: look)


def _connected(stage: Stage) -> str:
    if not stage.station.hardware.powered:
        return "off"
    firmware = stage.station.firmware
    if firmware is None:
        return "disconnected"
    if firmware.online:
        return "registered"
    return "connected, not registered" if firmware.connected else "disconnected"


def _connector(values: Values, sketch: Sketch, pointer: str) -> Look:
    sketch.connector(values, pointer)
    expected = {name: values[name] for name in ("status", "locked", "plugged_in") if values[name] is not None}
    if not expected:
        raise Invalid(pointer, "expected a status, locked or plugged_in")

    def look(stage: Stage, _: int) -> Seen:
        evse, connector = stage.evse(values["evse"]), stage.connector(values["evse"], values["connector"])
        is_now: dict[str, Any] = {"locked": connector.locked, "plugged_in": connector.plugged_in}
        if "status" in expected:
            is_now["status"] = stage.firmware.connector_status(evse, connector)
        return Seen(expected.items() <= is_now.items(), ", ".join(f"{name} {shown(is_now[name])}" for name in expected))

    return look


def _charging_state(values: Values, sketch: Sketch, pointer: str) -> Look:
    sketch.evse(values, pointer)

    def look(stage: Stage, _: int) -> Seen:
        session = stage.firmware.transactions.sessions[values["evse"]]
        state = "none" if session.transaction is None else session.charging_state()
        return Seen(state == values["state"], state if session.transaction else "no transaction")

    return look


def _amount(of: Callable[[Stage, Evse], float], unit: str) -> Kind[Look]:
    def prepare(values: Values, sketch: Sketch, pointer: str) -> Look:
        sketch.evse(values, pointer)
        is_within = _bounds(values, pointer)

        def look(stage: Stage, _: int) -> Seen:
            amount = of(stage, stage.evse(values["evse"]))
            return Seen(is_within(amount), f"{amount:.10g}{unit}")

        return look

    return Kind({"evse": EVSE, **_BOUNDS}, prepare)


def _queued(values: Values, _: Sketch, pointer: str) -> Look:
    is_within = _bounds(values, pointer)

    def look(stage: Stage, _: int) -> Seen:
        queued = len(stage.firmware.transactions.queue)
        return Seen(is_within(queued), f"{queued} queued")

    return look


def _variable(values: Values, sketch: Sketch, pointer: str) -> Look:
    component: dict[str, Any] = {"name": values["component"]}
    tier = Tier.STATION
    if values["evse"] is not None:
        sketch.evse(values, pointer)
        component["evse"] = {"id": values["evse"]}
        tier = Tier.EVSE
        if values["connector"] is not None:
            sketch.connector(values, pointer)
            component["evse"]["connectorId"] = values["connector"]
            tier = Tier.CONNECTOR
    elif values["connector"] is not None:
        raise Invalid(below(pointer, "connector"), "a connector is one of an evse: name that as well")
    find_variable(values["component"], values["variable"], values["instance"], below(pointer, "variable"), tier)
    variable = {"name": values["variable"]} | ({"instance": values["instance"]} if values["instance"] else {})

    def look(stage: Stage, _: int) -> Seen:
        if stage.station.firmware is None:
            raise StepFailed("the station is off")
        result = stage.station.variables.get_variable({"component": component, "variable": variable})  # type: ignore[typeddict-item]  # as read
        value = result.get("attributeValue")
        return Seen(value == values["value"], result["attributeStatus"] if value is None else shown(value))

    return look


_BOUNDS: Final[Mapping[str, Field]] = {"at_least": Field(number()), "at_most": Field(number())}


def _bounds(values: Values, pointer: str) -> Callable[[float], bool]:
    least, most = values["at_least"], values["at_most"]
    if least is None and most is None:
        raise Invalid(pointer, "expected at_least, at_most or both")
    if least is not None and most is not None and least > most:
        raise Invalid(pointer, "nothing is at_least and at_most that, for the former is more")
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    return lambda amount: low <= amount <= high


def _energy_wh(stage: Stage, evse: Evse) -> float:
    return evse.meter.energy_wh - stage.began_wh[evse.evse_id]


def _power_w(_: Stage, evse: Evse) -> float:
    return evse.meter.read().power_w


def _soc(_: Stage, evse: Evse) -> float:
    if evse.vehicle is None:
        raise StepFailed(f"there is no vehicle at EVSE {evse.evse_id}")
    return evse.vehicle.soc


_NAME: Final = text(least=1, most=50)

STATES: Final[Mapping[str, Kind[Look]]] = MappingProxyType(
    {
        "connected": _connection(lambda how: how in {"registered", "connected, not registered"}),
        "registered": _connection(lambda how: how == "registered"),
        "disconnected": _connection(lambda how: how in {"disconnected", "off"}),
        "off": _connection(lambda how: how == "off"),
        "connector": Kind(
            {
                "evse": EVSE,
                "connector": CONNECTOR,
                "status": Field(choice(("Available", "Occupied", "Reserved", "Unavailable", "Faulted"))),
                "locked": Field(flag),
                "plugged_in": Field(flag),
            },
            _connector,
        ),
        "charging-state": Kind(
            {
                "evse": EVSE,
                "state": Field(choice(("none", *CHARGING_STATES)), required=True),
            },
            _charging_state,
        ),
        "variable": Kind(
            {
                "component": Field(_NAME, required=True),
                "variable": Field(_NAME, required=True),
                "instance": Field(_NAME),
                "evse": Field(whole(least=1)),
                "connector": Field(whole(least=1)),
                "value": Field(text(most=2500), required=True),
            },
            _variable,
        ),
        "energy": _amount(_energy_wh, " Wh"),
        "power": _amount(_power_w, " W"),
        "soc": _amount(_soc, ""),
        "queued": Kind(_BOUNDS, _queued),
    }
)
"""By the name that `expect` has."""
