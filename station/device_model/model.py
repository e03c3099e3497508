"""The values of one station's variables, for its own parts and for the CSMS."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from station.device_model.catalogue import COMPONENTS, KEPT, VARIABLES, names
from station.device_model.data_types import Unacceptable
from station.device_model.variable import STATION, Mutability, Place, Variable
from station.device_model.wire import ComponentType, GetVariableData, SetVariableData, VariableType
from station.outgoing import Payload
from station.state import State, keys

log = logging.getLogger()

Value = TypeVar("Value")
Read = Callable[[Place], Any]
Unknown = Literal["UnknownComponent", "UnknownVariable"]


class World:
    """The world as far as the device model depends on it; this one has a station and nothing to read.

    places: where components are. `read` is asked for the variables in `read_here` alone. fixed: what cannot be set in
    it, other than elsewhere, and the values that this has.
    """

    __slots__ = ()

    places: tuple[Place, ...] = (STATION,)
    read_here: ClassVar[frozenset[Variable[Any]]] = frozenset()
    fixed: Mapping[Variable[Any], Any] = MappingProxyType({})

    def read(self, variable: Variable[Any], place: Place) -> Any:
        """The value of a variable of the component at a place."""
        raise KeyError(variable, place)

    def most(self, variable: Variable[Any], place: Place) -> float | None:  # noqa: ARG002  # for worlds that differ
        """The maxLimit of a variable of the component at a place, where that differs from station to station."""
        return None


class Row(NamedTuple):
    """One variable at one place: what one entry of a report is about."""

    variable: Variable[Any]
    place: Place


class DeviceModel:
    """The values of one station's variables. Holds only what is other than usual: there may be thousands of these.

    For the station's own parts it is a mapping of variables to typed values, which trusts them; `get_variable` and
    `set_variable` are the CSMS's way in.
    """

    __slots__ = ("_delivered", "_guards", "_kept", "_live", "_values", "_watchers", "_world")

    def __init__(self, kept: State | None = None) -> None:
        """kept: holds what was set, over a loss of power; None: set values live as long as this object."""
        self._kept = kept
        self._delivered: dict[Variable[Any], Any] = {}
        self._values: dict[Variable[Any], Any] = {}
        self._world = World()
        self._live: dict[Variable[Any], Read] = {}
        self._guards: dict[Variable[Any], Callable[[Any], None]] = {}
        self._watchers: list[Callable[[Variable[Any]], None]] = []
        self.recall()

    def __getitem__(self, variable: Variable[Value]) -> Value:
        """The value of a variable of a component of the station."""
        return self.at(variable, STATION)

    def __setitem__(self, variable: Variable[Value], value: Value) -> None:
        """Give a variable of a component of the station a value, unchecked; it is kept where it is persistent."""
        if variable.kept and self._kept is not None:
            self._kept.put(f"{keys.VARIABLES}{variable}", variable.data_type.to_text(value))
        self._values[variable] = value
        for changed in tuple(self._watchers):
            changed(variable)

    def at(self, variable: Variable[Value], place: Place) -> Value:
        """The value of a variable of the component at a place."""
        value: Value
        if variable in self._world.fixed:
            value = self._world.fixed[variable]
        elif variable in self._values:
            value = self._values[variable]
        elif variable in self._world.read_here:
            value = self._world.read(variable, place)
        elif variable in self._live:
            value = self._live[variable](place)
        else:
            value = self._delivered.get(variable, variable.default)
        return value

    def deliver(self, variable: Variable[Value], value: Value) -> None:
        """The value a variable has as this station is delivered, in place of its default, until another one is set."""
        self._delivered[variable] = value

    def recall(self) -> None:
        """Go back to what was kept: the station boots. What describes the world, reads and checks has to come anew."""
        self._world = World()
        self._live.clear()
        self._guards.clear()
        if self._kept is not None:
            self._values.clear()
            for key in self._kept.keys(keys.VARIABLES):
                self._take(key.removeprefix(keys.VARIABLES), self._kept.get(key))

    def describe(self, world: World) -> None:
        """Have this world's places, and the values that it tells and fixes."""
        self._world = world

    def live(self, variable: Variable[Value], read: Callable[[Place], Value]) -> None:
        """Have a value that nobody sets read whenever somebody looks."""
        self._live[variable] = read

    def guard(self, variable: Variable[Value], check: Callable[[Value], None]) -> None:
        """Have a value that the CSMS wants to set checked beyond its type; `check` raises Unacceptable."""
        self._guards[variable] = check

    @contextmanager
    def watching(self, changed: Callable[[Variable[Any]], None]) -> Iterator[None]:
        """Have `changed` called with each variable that is set, before whatever set it goes on."""
        self._watchers.append(changed)
        try:
            yield
        finally:
            self._watchers.remove(changed)

    def get_variable(self, data: GetVariableData) -> Payload:
        """The GetVariableResultType for a GetVariableDataType (B06)."""
        result = _result(data)
        found = self._find(data["component"], data["variable"])
        if isinstance(found, str):
            return result | {"attributeStatus": found}
        if result["attributeType"] != "Actual":
            return result | {"attributeStatus": "NotSupportedAttributeType"}
        if found.variable.mutability == "WriteOnly":
            return result | _rejected("WriteOnly", "its value is not told")  # B06.FR.09
        return result | {"attributeStatus": "Accepted", "attributeValue": self.text(found)}

    def set_variable(self, data: SetVariableData) -> Payload:
        """Set a variable as SetVariableDataType wants it, and give the SetVariableResultType (B05)."""
        result = _result(data)
        found = self._find(data["component"], data["variable"])
        if isinstance(found, str):
            return result | {"attributeStatus": found}
        if result["attributeType"] != "Actual":
            return result | {"attributeStatus": "NotSupportedAttributeType"}
        if self.mutability(found.variable) == "ReadOnly":
            return result | _rejected("ReadOnly", "it cannot be set")  # B05.FR.09
        try:
            waits = self._set(found.variable, data["attributeValue"])
        except Unacceptable as unacceptable:
            return result | _rejected(unacceptable.reason_code, str(unacceptable))  # B05.FR.07, B05.FR.08
        return result | {"attributeStatus": "RebootRequired" if waits else "Accepted"}

    def force(self, component: str, name: str, text: str, instance: str | None = None) -> None:
        """Give a variable of a component of the station a value, even one that nobody may set.

        Raises Unacceptable; LookupError: there is no such variable.
        """
        wanted: VariableType = {"name": name} if instance is None else {"name": name, "instance": instance}
        match self._find({"name": component}, wanted):
            case Row(variable=variable):
                self[variable] = variable.data_type.parse(text)
            case unknown:
                raise LookupError(unknown)

    def rows(self) -> Iterator[Row]:
        """Every variable there is, at every place where there is one."""
        for place in self._world.places:
            for variable in VARIABLES:
                if variable.tier is place.tier:
                    yield Row(variable, place)

    def value(self, row: Row) -> Any:
        """The value of one of the rows."""
        return self.at(row.variable, row.place)

    def text(self, row: Row) -> str:
        """The value of one of the rows, as it is on the wire."""
        return row.variable.data_type.to_text(self.value(row))

    def mutability(self, variable: Variable[Any]) -> Mutability:
        """Whether the CSMS may read and set it on this station."""
        return "ReadOnly" if variable in self._world.fixed else variable.mutability

    def most(self, row: Row) -> float | None:
        """The maxLimit that this row has by its place, None where it has none of its own."""
        return self._world.most(row.variable, row.place)

    def _set(self, variable: Variable[Any], text: str) -> bool:
        """Set it to what this text says, else raise Unacceptable. Returns whether that has to wait for a reboot."""
        value = variable.data_type.parse(text)
        check = self._guards.get(variable)
        if check is not None:
            check(value)
        waits = variable.reboot_required and value != self[variable]
        self[variable] = value
        return waits

    def _find(self, component: ComponentType, variable: VariableType) -> Row | Unknown:
        evse = component.get("evse")
        wanted = STATION if evse is None else Place(evse["id"], evse.get("connectorId"))
        variables = COMPONENTS.get((component["name"].lower(), wanted.tier))
        # Not `wanted` itself: JSON may have 1.0 for 1.
        place = next((place for place in self._world.places if place == wanted), None)
        if variables is None or component.get("instance") or place is None:
            return "UnknownComponent"
        found = variables.get(names(variable["name"], variable.get("instance")))
        return "UnknownVariable" if found is None else Row(found, place)

    def _take(self, name: str, text: str) -> None:
        """Have a value that was kept; not what another version of this program has kept and this one cannot."""
        variable = KEPT.get(name)
        if variable is None:
            return
        try:
            self._values[variable] = variable.data_type.parse(text)
        except Unacceptable:  # the text may be a secret
            log.warning("%s has its default again: what was kept is no value for it", name)


def _result(data: GetVariableData | SetVariableData) -> Payload:
    """What a result has in common with what it answers (B05.FR.02, B05.FR.12, B06.FR.02, B06.FR.11)."""
    return {
        "attributeType": data.get("attributeType", "Actual"),
        "component": data["component"],
        "variable": data["variable"],
    }


def _rejected(reason_code: str, text: str) -> Payload:
    info = {"reasonCode": reason_code, "additionalInfo": text[:512]}
    return {"attributeStatus": "Rejected", "attributeStatusInfo": info}
