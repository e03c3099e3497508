"""Variables of the device model as a scenario names and sets them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from station.device_model import DeviceModel, Unacceptable, Variable
from station.device_model.catalogue import COMPONENTS, names
from station.device_model.variable import Tier
from station.fields import Invalid, below

_WHOSE: Final = {Tier.STATION: "the station", Tier.EVSE: "an EVSE", Tier.CONNECTOR: "a connector"}
_FULL_NAME: Final = re.compile(r"([^.\[\]]+)\.([^.\[\]]+)(?:\[([^\[\]]+)\])?")


def check_variable(component: str, name: str, instance: str | None, value: str, pointer: str) -> None:
    """Raises Invalid: there is no such variable of the station, or it cannot have this value."""
    _parsed(find_variable(component, name, instance, pointer), value, pointer)


def read_variables(value: Any, pointer: str) -> dict[Variable[Any], Any]:
    """Variables such as "OCPPCommCtrlr.MessageAttempts[TransactionEvent]" and the values they are to have."""
    if not isinstance(value, dict):
        raise Invalid.unexpected(pointer, 'an object such as { "TxCtrlr.EVConnectionTimeOut" = 20 }', value)
    read = {}
    for full_name, written in value.items():
        place = below(pointer, full_name)
        parts = _FULL_NAME.fullmatch(full_name)
        if parts is None:
            raise Invalid(place, "expected Component.Variable or Component.Variable[Instance], in quotes")
        variable = find_variable(parts[1], parts[2], parts[3], place)
        read[variable] = _parsed(variable, _as_text(written, place), place)
    return read


def give(values: Mapping[Variable[Any], Any], variables: DeviceModel) -> None:
    """Have a station that does not run yet come with these values."""
    for variable, value in values.items():
        if variable.kept:
            variables[variable] = value
        else:
            variables.deliver(variable, value)


def find_variable(
    component: str, name: str, instance: str | None, pointer: str, tier: Tier = Tier.STATION
) -> Variable[Any]:
    """The variable of the station, or of its EVSEs or connectors. Raises Invalid."""
    variable = COMPONENTS.get((component.lower(), tier), {}).get(names(name, instance))
    if variable is None:
        full_name = f"{component}.{name}" + ("" if instance is None else f"[{instance}]")
        raise Invalid(pointer, f"there is no variable {full_name} of {_WHOSE[tier]}")
    return variable


def _parsed(variable: Variable[Any], value: str, pointer: str) -> Any:
    try:
        return variable.data_type.parse(value)
    except Unacceptable as unacceptable:
        raise Invalid(pointer, str(unacceptable)) from None


def _as_text(value: Any, pointer: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            raise Invalid.unexpected(pointer, "a text, a number, true or false", value)
