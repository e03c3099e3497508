"""What a scenario can expect: how things are, and what was said, heard and done since the last action."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from shared.ocppj.redaction import redact
from shared.ocppj.versions import V201
from station.deeds.memory import AUTHORIZATION_STATUSES
from station.fields import Field, Invalid, below, choice, flag, number, text, whole
from station.hardware import Evse
from station.scenario.kinds import CONNECTOR, EVSE, Kind, Sketch, Values
from station.scenario.matching import difference, shown
from station.scenario.names import check_names, json_value, read_kept
from station.scenario.observer import Noted
from station.scenario.stage import Stage, StepFailed

_MOST_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What an expectation has seen. is_met: it is as expected. what: how it is, for people. take: to be called when it
    was what was expected; may raise StepFailed.
    """

    is_met: bool
    what: str
    take: Callable[[], None] = lambda: None


Look = Callable[[Stage, int], Seen]
"""Looks at the stage, and at what was noted after that number. Raises StepFailed where there is nothing to look at."""


# How things are


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
    if values["evse"] is not None:
        sketch.evse(values, pointer)
        component["evse"] = {"id": values["evse"]}
        if values["connector"] is not None:
            sketch.connector(values, pointer)
            component["evse"]["connectorId"] = values["connector"]
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


# What has happened


def _noted(
    expected: Values,
    is_one: Callable[[Noted], bool],
    instead: Callable[[Stage, int], str],
    keep: Mapping[str, str],
) -> Look:
    """The first that is one, with a payload as expected."""

    def look(stage: Stage, since: int) -> Seen:
        payload = stage.filled(expected)
        wrong: list[str] = []
        for note in stage.observer.since(since, is_one):
            found = difference(payload, note.payload)
            if found is None:
                return Seen(True, _told(note), lambda note=note: _take(stage, note, keep))  # type: ignore[misc]  # mypy does not infer lambdas with defaults
            shown_as = difference(payload, redact(note.payload)) or found  # people get to see no secrets
            wrong.append(f"{note.action or note.what} in which {shown_as}")
        return Seen(False, _listed(wrong[-_MOST_SHOWN:]) if wrong else instead(stage, since))

    return look


def _take(stage: Stage, note: Noted, keep: Mapping[str, str]) -> None:
    stage.observer.take(note)
    stage.keep(keep, note.payload)


def _message(direction: str) -> Kind[Look]:
    def prepare(values: Values, sketch: Sketch, pointer: str) -> Look:
        _check_action(values["action"], direction, values["message"], below(pointer, "action"))
        check_names(values["payload"], below(pointer, "payload"), sketch.names)
        sketch.names |= values["keep"].keys()

        def is_one(note: Noted) -> bool:
            return (note.direction, note.what, note.action) == (direction, values["message"], values["action"])

        def instead(stage: Stage, since: int) -> str:
            others = stage.observer.since(since, lambda note: note.direction == direction)
            names = dict.fromkeys(f"{note.action}{'' if note.what == 'call' else f' ({note.what})'}" for note in others)
            return f"{direction}: {', '.join(names)}" if names else f"nothing was {direction}"

        return _noted(values["payload"], is_one, instead, values["keep"])

    return Kind(
        {
            "action": Field(choice(sorted(V201.actions), f"an action of {V201.subprotocol}"), required=True),
            "message": Field(choice(("call", "answer", "error")), default="call"),
            **_MATCH,
        },
        prepare,
    )


def _check_action(action: str, direction: str, message: str, pointer: str) -> None:
    by_station = (direction == "sent") == (message == "call")
    if action not in (V201.station_actions if by_station else V201.csms_actions):
        raise Invalid(
            pointer, f"{action} is not {'a request of the station' if by_station else 'a request of the CSMS'}"
        )


_EVENT_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "event": ("eventType",),
    "trigger": ("triggerReason",),
    "stopped": ("transactionInfo", "stoppedReason"),
    "state": ("transactionInfo", "chargingState"),
    "offline": ("offline",),
}
"""What can be expected of a TransactionEventRequest by a short name, and where it is."""


def _transaction(values: Values, sketch: Sketch, pointer: str) -> Look:
    sketch.evse(values, pointer)
    check_names(values["payload"], below(pointer, "payload"), sketch.names)
    sketch.names |= values["keep"].keys()
    expected: dict[str, Any] = dict(values["payload"])
    for name, path in _EVENT_FIELDS.items():
        if values[name] is not None:
            inner = expected
            for member in path[:-1]:
                inner[member] = dict(inner.get(member, {}))
                inner = inner[member]
            inner[path[-1]] = values[name]

    def is_one(note: Noted) -> bool:
        return note.what == "event" and note.evse_id == values["evse"]

    return _noted(
        expected, is_one, lambda *_: f"nothing happened to a transaction at EVSE {values['evse']}", values["keep"]
    )


def _token(values: Values, sketch: Sketch, pointer: str) -> Look:
    sketch.evse(values, pointer)

    def is_one(note: Noted) -> bool:
        return note.what == "token" and note.evse_id == values["evse"]

    return _noted({"status": values["status"]}, is_one, lambda *_: "nobody has decided on a token", {})


def _told(note: Noted) -> str:
    what = {"answer": "answer to ", "error": "error for ", "token": "token", "event": "", "call": ""}[note.what]
    return f"{what}{note.action} {shown(redact(note.payload))}"


def _listed(things: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(things))


_MATCH: Final[Mapping[str, Field]] = {
    "payload": Field(json_value(least_depth=1), default={}),
    "keep": Field(read_kept, default={}),
}
_NAME: Final = text(least=1, most=50)

EXPECTATIONS: Final[Mapping[str, Kind[Look]]] = MappingProxyType(
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
        "transaction": Kind(
            {
                "evse": EVSE,
                "event": Field(choice(("Started", "Updated", "Ended"))),
                "trigger": Field(_NAME),
                "stopped": Field(_NAME),
                "state": Field(_NAME),
                "offline": Field(flag),
                **_MATCH,
            },
            _transaction,
        ),
        "charging-state": Kind(
            {
                "evse": EVSE,
                "state": Field(
                    choice(("none", "Idle", "EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE")), required=True
                ),
            },
            _charging_state,
        ),
        "token": Kind({"evse": EVSE, "status": Field(choice(AUTHORIZATION_STATUSES), required=True)}, _token),
        "sent": _message("sent"),
        "received": _message("received"),
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

HAPPENINGS: Final = frozenset({"transaction", "token", "sent", "received"})
"""Those that are about what happens, not about how things are: they cannot always be so."""
