"""What REST version 1 tells of variables: the shape of each body, and an example of it."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from csms.api.views import MOMENT

_IDENTITY: Final = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}

TO_GET: Final = {"variables": [_IDENTITY]}
TO_SET: Final = {"variables": [_IDENTITY | {"attributeValue": "300"}]}


class VariableView(TypedDict):
    """One attribute of a variable as last told by the station. What it did not tell is null, and so are passwords.

    component, variable, characteristics: as OCPP has them. reboot_required: it was set, and holds from the next boot.
    """

    component: dict[str, Any]
    variable: dict[str, Any]
    attribute_type: str
    value: str | None
    mutability: str | None
    persistent: bool | None
    constant: bool | None
    reboot_required: bool
    characteristics: dict[str, Any] | None
    reported_at: str


class ReportView(TypedDict):
    """A report, asked for or not. status: what the station answered when it was asked for it. missing: the seqNos of
    parts that have not come.
    """

    request_id: int
    report_base: str | None
    status: str | None
    complete: bool
    missing: list[int]
    requested_at: str
    updated_at: str


class VariablesView(TypedDict):
    """A page of variables, by component and name; and the latest reports, newest first."""

    variables: list[VariableView]
    next_cursor: str | None
    reports: list[ReportView]


VARIABLES: Final[VariablesView] = {
    "variables": [
        {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": "HeartbeatInterval"},
            "attribute_type": "Actual",
            "value": "300",
            "mutability": "ReadWrite",
            "persistent": True,
            "constant": False,
            "reboot_required": False,
            "characteristics": {"dataType": "integer", "unit": "s", "supportsMonitoring": True},
            "reported_at": MOMENT,
        }
    ],
    "next_cursor": None,
    "reports": [
        {
            "request_id": 1_234_567,
            "report_base": "FullInventory",
            "status": "Accepted",
            "complete": True,
            "missing": [],
            "requested_at": MOMENT,
            "updated_at": MOMENT,
        }
    ],
}


class VariableResultsView(TypedDict):
    """What the station answered for each variable, in the order asked, as OCPP has it."""

    variables: list[dict[str, Any]]


GOT: Final[VariableResultsView] = {
    "variables": [_IDENTITY | {"attributeStatus": "Accepted", "attributeType": "Actual", "attributeValue": "300"}]
}
SET: Final[VariableResultsView] = {"variables": [_IDENTITY | {"attributeStatus": "Accepted"}]}
