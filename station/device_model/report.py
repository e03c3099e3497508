"""What reports consist of: which variables the CSMS asks for, and how each is told (B07, B08)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from station.device_model.catalogue import COMPONENTS, names
from station.device_model.infrastructure import (
    CONNECTOR_AVAILABILITY_STATE,
    EVSE_AVAILABILITY_STATE,
    STATION_AVAILABILITY_STATE,
)
from station.device_model.model import DeviceModel, Row
from station.device_model.variable import Place, Variable
from station.device_model.wire import ComponentVariable, Criterion, ReportBase
from station.outgoing import Payload

_STATES: Final = (STATION_AVAILABILITY_STATE, EVSE_AVAILABILITY_STATE, CONNECTOR_AVAILABILITY_STATE)
_PROBLEM: Final = names("Problem", None)


def base_report(model: DeviceModel, base: ReportBase) -> list[Row]:
    """What a base report is about (B07.FR.07, B07.FR.08, B07.FR.09)."""
    match base:
        case "FullInventory":
            return list(model.rows())
        case "ConfigurationInventory":
            return [row for row in model.rows() if model.mutability(row.variable) != "ReadOnly"]
        case "SummaryInventory":
            return [row for row in model.rows() if _in_summary(model, row)]


def custom_report(
    model: DeviceModel, criteria: Sequence[Criterion], component_variables: Sequence[ComponentVariable]
) -> list[Row]:
    """What a report is about that is limited to components by criteria, and to variables; empty: not limited.

    Of several criteria a component need meet only one (B08.FR.13); criteria and variables limit together (B08.FR.05).
    """
    return [
        row
        for row in model.rows()
        if (not criteria or any(_meets(model, row, criterion) for criterion in criteria))
        and (not component_variables or any(_asks_for(wanted, row) for wanted in component_variables))
    ]


def report_data(model: DeviceModel, rows: Iterable[Row]) -> list[Payload]:
    """The ReportDataType of each row, with its value of this moment; without one for what is write-only."""
    return [
        {
            "component": row.variable.component_type(row.place),
            "variable": row.variable.variable_type(),
            "variableAttribute": [_attribute(model, row)],
            "variableCharacteristics": _characteristics(model, row),
        }
        for row in rows
    ]


def _in_summary(model: DeviceModel, row: Row) -> bool:
    """The states of the station, of EVSEs and, where it is another, of connectors; and what has a problem."""
    variable, place = row
    if variable is CONNECTOR_AVAILABILITY_STATE:
        return bool(model.value(row) != model.at(EVSE_AVAILABILITY_STATE, Place(place.evse_id)))
    return variable in _STATES or (variable.name == "Problem" and bool(model.value(row)))


def _meets(model: DeviceModel, row: Row, criterion: Criterion) -> bool:
    """Whether the component of a row meets a criterion (B08.FR.07 to B08.FR.10)."""
    variables = COMPONENTS[row.variable.component.lower(), row.variable.tier]
    if criterion == "Problem":
        return _PROBLEM in variables and bool(model.at(variables[_PROBLEM], row.place))
    about = [variable for (name, _), variable in variables.items() if name == criterion.lower()]
    return not about or any(bool(model.at(variable, row.place)) for variable in about)


def _asks_for(wanted: ComponentVariable, row: Row) -> bool:
    """What is left open in a ComponentVariableType stands for all there is of it (B08.FR.20 to B08.FR.25)."""
    component, evse, variable = wanted["component"], wanted["component"].get("evse"), wanted.get("variable")
    if component["name"].lower() != row.variable.component.lower() or component.get("instance"):
        return False
    if evse is not None and not _is_at(row.place, evse["id"], evse.get("connectorId")):
        return False
    return variable is None or _is_variable(row.variable, variable["name"], variable.get("instance"))


def _is_at(place: Place, evse_id: int, connector_id: int | None) -> bool:
    return place.evse_id == evse_id and connector_id in {None, place.connector_id}


def _is_variable(variable: Variable[Any], name: str, instance: str | None) -> bool:
    if not instance:
        return variable.name.lower() == name.lower()
    return names(variable.name, variable.instance) == names(name, instance)


def _attribute(model: DeviceModel, row: Row) -> Payload:
    mutability = model.mutability(row.variable)
    attribute: Payload = {"type": "Actual"}
    if mutability != "WriteOnly":
        attribute["value"] = model.text(row)
    attribute["mutability"] = mutability
    if row.variable.kept:
        attribute["persistent"] = True
    if row.variable.constant:
        attribute["constant"] = True
    return attribute


def _characteristics(model: DeviceModel, row: Row) -> Payload:
    data_type, unit, most = row.variable.data_type, row.variable.unit, model.most(row)
    characteristics: Payload = {} if unit is None else {"unit": unit}
    characteristics |= {"dataType": data_type.name, **data_type.characteristics()}
    if most is not None:
        characteristics["maxLimit"] = most
    return characteristics | {"supportsMonitoring": False}
