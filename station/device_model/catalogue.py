"""All the variables of a station of this kind, and how a CSMS's names for them are understood."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any, Final

from station.device_model import (
    authorization,
    communication,
    features,
    infrastructure,
    metering,
    reservation,
    security,
    transactions,
)
from station.device_model.variable import Tier, Variable

Names = tuple[str, str]
"""Name and instance of a variable in lower case, "" where it has no instance: both are case-insensitive."""


def _constants_of(module: ModuleType) -> list[Variable[Any]]:
    return [value for value in vars(module).values() if isinstance(value, Variable)]


def names(name: str, instance: str | None) -> Names:
    """What a variable is found by."""
    return name.lower(), (instance or "").lower()


VARIABLES: Final[tuple[Variable[Any], ...]] = tuple(
    variable
    for module in (
        infrastructure,
        communication,
        security,
        authorization,
        transactions,
        metering,
        reservation,
        features,
    )
    for variable in _constants_of(module)
)
"""In the order of reports."""


def _by_component() -> Mapping[tuple[str, Tier], Mapping[Names, Variable[Any]]]:
    components: dict[tuple[str, Tier], dict[Names, Variable[Any]]] = {}
    for variable in VARIABLES:
        of_component = components.setdefault((variable.component.lower(), variable.tier), {})
        of_component[names(variable.name, variable.instance)] = variable
    return MappingProxyType(components)


COMPONENTS: Final = _by_component()
"""The variables of each component, by the component's name in lower case and the tier it is at."""
KEPT: Final[Mapping[str, Variable[Any]]] = MappingProxyType(
    {str(variable): variable for variable in VARIABLES if variable.kept}
)
"""What a station keeps over a loss of power, by the names it is kept under."""
