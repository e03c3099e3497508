"""The variables of the foreign station, and what it says of them, with the `ocpp` library's names (B05 to B07)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Payload = dict[str, Any]
Key = tuple[str, str, str | None]
"""Component, variable and instance."""

ITEMS_PER_MESSAGE: Final = 2
"""What it takes in one message, and puts into one."""


@dataclass
class Variable:
    """One variable. value: None for one that can only be written."""

    value: str | None
    data_type: str
    mutability: str = "ReadWrite"
    unit: str | None = None
    needs_reboot: bool = False


class DeviceModel:
    """What the station knows of itself."""

    def __init__(self) -> None:
        items = Variable(str(ITEMS_PER_MESSAGE), "integer", "ReadOnly")
        self.variables: dict[Key, Variable] = {
            ("AuthCtrlr", "Enabled", None): Variable("true", "boolean"),
            ("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"): items,
            ("DeviceDataCtrlr", "ItemsPerMessage", "SetVariables"): items,
            ("OCPPCommCtrlr", "HeartbeatInterval", None): Variable("300", "integer", unit="s"),
            ("OCPPCommCtrlr", "NetworkConfigurationPriority", None): Variable("1", "SequenceList", needs_reboot=True),
            ("SecurityCtrlr", "BasicAuthPassword", None): Variable(None, "string", "WriteOnly"),
            ("TxCtrlr", "EVConnectionTimeOut", None): Variable("60", "integer", unit="s"),
        }

    def report(self, request_id: int, at: str) -> Iterator[Payload]:
        """The NotifyReports of a base report, part after part (B07.FR.03)."""
        data = [_reported(key, variable) for key, variable in self.variables.items()]
        parts = [data[start : start + ITEMS_PER_MESSAGE] for start in range(0, len(data), ITEMS_PER_MESSAGE)]
        for seq_no, part in enumerate(parts):
            yield {
                "request_id": request_id,
                "generated_at": at,
                "seq_no": seq_no,
                "tbc": seq_no < len(parts) - 1,
                "report_data": part,
            }

    def get(self, wanted: Payload) -> Payload:
        """The result for one GetVariableDataType (B06.FR.06 to B06.FR.09)."""
        found = self.variables.get(_key(wanted))
        told = {"component": wanted["component"], "variable": wanted["variable"]}
        if found is None:
            is_known = any(key[0] == wanted["component"]["name"] for key in self.variables)
            return told | {"attribute_status": "UnknownVariable" if is_known else "UnknownComponent"}
        if found.value is None:
            return told | {"attribute_status": "Rejected"}
        return told | {"attribute_status": "Accepted", "attribute_type": "Actual", "attribute_value": found.value}

    def set(self, wanted: Payload) -> Payload:
        """The result for one SetVariableDataType (B05.FR.03 to B05.FR.10)."""
        found = self.variables.get(_key(wanted))
        told = {"component": wanted["component"], "variable": wanted["variable"]}
        if found is None:
            return told | {"attribute_status": "UnknownVariable"}
        if found.mutability == "ReadOnly":
            reason = {"reason_code": "ReadOnly", "additional_info": "it cannot be set"}
            return told | {"attribute_status": "Rejected", "attribute_status_info": reason}
        if found.mutability != "WriteOnly":
            found.value = wanted["attribute_value"]
        return told | {"attribute_status": "RebootRequired" if found.needs_reboot else "Accepted"}


def _key(data: Payload) -> Key:
    return data["component"]["name"], data["variable"]["name"], data["variable"].get("instance")


def _reported(key: Key, variable: Variable) -> Payload:
    component, name, instance = key
    attribute = {"mutability": variable.mutability, "persistent": True}
    characteristics = {"data_type": variable.data_type, "supports_monitoring": False}
    return {
        "component": {"name": component},
        "variable": {"name": name} | ({} if instance is None else {"instance": instance}),
        "variable_attribute": [attribute | ({} if variable.value is None else {"value": variable.value})],
        "variable_characteristics": characteristics | ({} if variable.unit is None else {"unit": variable.unit}),
    }
