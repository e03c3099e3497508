"""What a scenario can expect to happen: what was said, heard and done since the last action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from shared.ocppj.redaction import redact
from shared.ocppj.versions import V201
from station.deeds import AUTHORIZATION_STATUSES
from station.fields import Field, Invalid, below, choice, flag
from station.scenario.kinds import CHARGING_STATES, EVSE, Kind, Sketch, Values
from station.scenario.matching import difference, shown
from station.scenario.names import check_names, json_value, read_kept
from station.scenario.observer import Noted
from station.scenario.seen import Look, Seen
from station.scenario.stage import Stage

_MOST_SHOWN: Final = 3
TRIGGERS: Final = (
    "AbnormalCondition",
    "Authorized",
    "CablePluggedIn",
    "ChargingRateChanged",
    "ChargingStateChanged",
    "Deauthorized",
    "EnergyLimitReached",
    "EVCommunicationLost",
    "EVConnectTimeout",
    "EVDeparted",
    "EVDetected",
    "MeterValueClock",
    "MeterValuePeriodic",
    "RemoteStart",
    "RemoteStop",
    "ResetCommand",
    "SignedDataReceived",
    "StopAuthorized",
    "TimeLimitReached",
    "Trigger",
    "UnlockCommand",
)
"""OCPP's TriggerReasonEnumType."""
STOP_REASONS: Final = (
    "DeAuthorized",
    "EmergencyStop",
    "EnergyLimitReached",
    "EVDisconnected",
    "GroundFault",
    "ImmediateReset",
    "Local",
    "LocalOutOfCredit",
    "MasterPass",
    "Other",
    "OvercurrentFault",
    "PowerLoss",
    "PowerQuality",
    "Reboot",
    "Remote",
    "SOCLimitReached",
    "StoppedByEV",
    "TimeLimitReached",
    "Timeout",
)
"""OCPP's ReasonEnumType."""


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
    if not isinstance(expected.get("transactionInfo", {}), dict):
        place = below(below(pointer, "payload"), "transactionInfo")
        raise Invalid.unexpected(place, "an object", expected["transactionInfo"])
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
    "payload": Field(json_value(only_object=True), default={}),
    "keep": Field(read_kept, default={}),
}

HAPPENINGS: Final[Mapping[str, Kind[Look]]] = MappingProxyType(
    {
        "transaction": Kind(
            {
                "evse": EVSE,
                "event": Field(choice(("Started", "Updated", "Ended"))),
                "trigger": Field(choice(TRIGGERS)),
                "stopped": Field(choice(STOP_REASONS)),
                "state": Field(choice(CHARGING_STATES)),
                "offline": Field(flag),
                **_MATCH,
            },
            _transaction,
        ),
        "token": Kind({"evse": EVSE, "status": Field(choice(AUTHORIZATION_STATUSES), required=True)}, _token),
        "sent": _message("sent"),
        "received": _message("received"),
    }
)
"""By the name that `expect` has. They cannot always be so."""
