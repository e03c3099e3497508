"""What a scenario can do: whatever the control interface can, wait, and ask the CSMS's REST interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, cast

import trio

from shared.ocppj.errors import CallFailed, PeerError
from shared.ocppj.versions import V201
from station.deeds import (
    CACHED_FIELDS,
    CONNECTOR_DEEDS,
    EVSE_DEEDS,
    ID_TOKEN_FIELDS,
    STATION_DEEDS,
    VARIABLE_FIELDS,
    Deed,
    Impossible,
    id_token_of,
)
from station.fields import Field, Invalid, below, choice, number, text, whole
from station.hardware import Connector, Evse, HardwareError
from station.id_token import IdTokenInfo
from station.scenario.kinds import CONNECTOR, EVSE, Kind, Sketch, Values
from station.scenario.matching import difference, shown
from station.scenario.names import check_names, json_value, read_kept
from station.scenario.stage import Stage, StepFailed
from station.scenario.variables import check_variable

Act = Callable[[Stage], Awaitable[None]]

_PATIENCE_S: Final = 60.0
_MOST_S: Final = 1_000_000
_SUCCESS: Final = range(200, 300)
_KEEP: Final = Field(read_kept, default={})


def at_once(act: Callable[[Stage], object]) -> Act:
    """Something that takes no time; what the world does not let happen fails the step."""

    async def acting(stage: Stage) -> None:
        await trio.lowlevel.checkpoint()
        try:
            act(stage)
        except (HardwareError, Impossible) as error:
            raise StepFailed(str(error)) from None

    return acting


def _on_connector(deed: Deed[Connector]) -> Kind[Act]:
    def prepare(values: Values, sketch: Sketch, pointer: str) -> Act:
        deed.prepare(sketch.connector(values, pointer), values, pointer)
        place = values["evse"], values["connector"]
        return at_once(lambda stage: deed.prepare(stage.connector(*place), values, pointer)())

    return Kind({"evse": EVSE, "connector": CONNECTOR, **deed.fields}, prepare)


def _on_evse(deed: Deed[Evse]) -> Kind[Act]:
    def prepare(values: Values, sketch: Sketch, pointer: str) -> Act:
        deed.prepare(sketch.evse(values, pointer), values, pointer)
        return at_once(lambda stage: deed.prepare(stage.evse(values["evse"]), values, pointer)())

    return Kind({"evse": EVSE, **deed.fields}, prepare)


def _on_either(of_evse: Deed[Evse], of_connector: Deed[Connector]) -> Kind[Act]:
    """At the connector where one is named, at the EVSE else."""

    def prepare(values: Values, sketch: Sketch, pointer: str) -> Act:
        kind = _on_evse(of_evse) if values["connector"] is None else _on_connector(of_connector)
        return kind.prepare(values, sketch, pointer)

    return Kind({"evse": EVSE, "connector": Field(whole(least=1)), **of_connector.fields, **of_evse.fields}, prepare)


def _on_station(deed: Deed[Any]) -> Kind[Act]:
    def prepare(values: Values, _: Sketch, pointer: str) -> Act:
        return at_once(lambda stage: deed.prepare(stage.station, values, pointer)())

    return Kind(deed.fields, prepare)


def _wait(values: Values, _: Sketch, __: str) -> Act:
    async def act(_: Stage) -> None:
        await trio.sleep(values["seconds"])

    return act


def _present_token(values: Values, sketch: Sketch, pointer: str) -> Act:
    sketch.evse(values, pointer)
    evse_id, id_token = values["evse"], id_token_of(values)

    def act(stage: Stage) -> None:
        stage.firmware.present_token(evse_id, id_token, partial(stage.observer.token_decided, evse_id))

    return at_once(act)


def _call(values: Values, sketch: Sketch, pointer: str) -> Act:
    check_names(values["payload"], below(pointer, "payload"), sketch.names)
    sketch.names |= values["keep"].keys()

    async def act(stage: Stage) -> None:
        try:
            with trio.fail_after(_PATIENCE_S):
                response = await stage.firmware.call(values["action"], stage.filled(values["payload"]))
        except trio.TooSlowError:
            raise StepFailed(f"it was not its turn within {_PATIENCE_S:g} s") from None
        except (CallFailed, PeerError) as error:
            raise StepFailed(str(error)) from None
        stage.keep(values["keep"], response)

    return act


def _set_variable(values: Values, _: Sketch, pointer: str) -> Act:
    component, name, instance = values["component"], values["variable"], values["instance"]
    check_variable(component, name, instance, values["value"], below(pointer, "value"))

    def act(stage: Stage) -> None:
        stage.firmware.set_variable(component, name, values["value"], instance)

    return at_once(act)


def _auth_cache(values: Values, _: Sketch, __: str) -> Act:
    given = {name: values[name] for name in CACHED_FIELDS if name != "type" and values[name] is not None}
    id_token = id_token_of({**values, "additionalInfo": None})

    def act(stage: Stage) -> None:
        if not stage.firmware.learn_token(id_token, cast(IdTokenInfo, given)):
            raise Impossible("the Authorization Cache is not in use, does not take such tokens, or it has expired")

    return at_once(act)


def _csms(values: Values, sketch: Sketch, pointer: str) -> Act:
    if not sketch.has_api:
        raise Invalid(pointer, "it needs the CSMS's REST interface: [csms] api in the file, or --csms-api URL")
    for name in ("path", "body", "answer"):
        check_names(values[name], below(pointer, name), sketch.names)
    if not values["path"].startswith("/"):
        raise Invalid.unexpected(below(pointer, "path"), "a path that begins with /", values["path"])
    sketch.names |= values["keep"].keys()

    async def act(stage: Stage) -> None:
        assert stage.ask is not None  # noqa: S101  # the reader has seen to it
        try:
            with trio.fail_after(_PATIENCE_S):
                status, answer = await stage.ask(
                    values["method"], stage.filled(values["path"]), stage.filled(values["body"])
                )
        except trio.TooSlowError:
            raise StepFailed(f"no answer within {_PATIENCE_S:g} s") from None
        if status != values["status"] if values["status"] is not None else status not in _SUCCESS:
            raise StepFailed(f"status {status}: {shown(answer)}")
        if values["answer"] is not None:
            found = difference(stage.filled(values["answer"]), answer)
            if found is not None:
                raise StepFailed(f"of the answer {found}: {shown(answer)}")
        stage.keep(values["keep"], answer)

    return act


_JSON: Final = Field(json_value())
_NAME: Final = text(least=1, most=50)


def _kinds() -> dict[str, Kind[Act]]:
    both = CONNECTOR_DEEDS.keys() & EVSE_DEEDS.keys()
    kinds = {name: _on_connector(deed) for name, deed in CONNECTOR_DEEDS.items() if name not in both}
    kinds |= {name: _on_evse(deed) for name, deed in EVSE_DEEDS.items() if name not in both}
    kinds |= {name: _on_either(EVSE_DEEDS[name], CONNECTOR_DEEDS[name]) for name in sorted(both)}
    kinds |= {name: _on_station(deed) for name, deed in STATION_DEEDS.items()}
    return kinds


ACTIONS: Final[Mapping[str, Kind[Act]]] = MappingProxyType(
    {
        **_kinds(),
        "present-token": Kind(
            {"evse": EVSE, **ID_TOKEN_FIELDS, "type": Field(ID_TOKEN_FIELDS["type"].read, default="ISO14443")},
            _present_token,
        ),
        "call": Kind(
            {
                "action": Field(choice(sorted(V201.station_actions)), required=True),
                "payload": Field(json_value(only_object=True), default={}),
                "keep": _KEEP,
            },
            _call,
        ),
        "set-variable": Kind(
            {
                "component": Field(_NAME, required=True),
                "variable": Field(_NAME, required=True),
                **VARIABLE_FIELDS,
            },
            _set_variable,
        ),
        "auth-cache": Kind({"idToken": ID_TOKEN_FIELDS["idToken"], **CACHED_FIELDS}, _auth_cache),
        "csms": Kind(
            {
                "method": Field(choice(("GET", "POST", "PUT", "PATCH", "DELETE")), default="GET"),
                "path": Field(text(least=1, most=2000), required=True),
                "body": _JSON,
                "status": Field(whole(least=100, most=599)),
                "answer": _JSON,
                "keep": _KEEP,
            },
            _csms,
        ),
        "wait": Kind({"seconds": Field(number(least=0, most=_MOST_S), required=True)}, _wait),
    }
)
"""By the name that `do` has."""

IDLE: Final = frozenset({"wait"})
"""Those that do nothing: what has happened before them still counts."""
