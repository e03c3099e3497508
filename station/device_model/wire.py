"""The device model's data types as they are on the wire, as far as the station reads them (Part 2 §2)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

AttributeType = Literal["Actual", "Target", "MinSet", "MaxSet"]
Criterion = Literal["Active", "Available", "Enabled", "Problem"]
ReportBase = Literal["ConfigurationInventory", "FullInventory", "SummaryInventory"]


class EvseType(TypedDict):
    id: int
    connectorId: NotRequired[int]


class ComponentType(TypedDict):
    name: str
    instance: NotRequired[str]
    evse: NotRequired[EvseType]


class VariableType(TypedDict):
    name: str
    instance: NotRequired[str]


class GetVariableData(TypedDict):
    attributeType: NotRequired[AttributeType]
    component: ComponentType
    variable: VariableType


class SetVariableData(TypedDict):
    attributeType: NotRequired[AttributeType]
    attributeValue: str
    component: ComponentType
    variable: VariableType


class ComponentVariable(TypedDict):
    component: ComponentType
    variable: NotRequired[VariableType]
