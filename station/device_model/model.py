"""The values of one station's variables."""

from __future__ import annotations

from typing import Any, TypeVar

from station.device_model.variable import Variable

Value = TypeVar("Value")


class DeviceModel:
    """The values of one station's variables."""

    def __init__(self) -> None:
        self._values: dict[Variable[Any], Any] = {}

    def __getitem__(self, variable: Variable[Value]) -> Value:
        value: Value = self._values.get(variable, variable.default)
        return value

    def __setitem__(self, variable: Variable[Value], value: Value) -> None:
        self._values[variable] = value
