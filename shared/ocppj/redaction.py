"""Keeps secrets out of logs: which messages can carry one, and what they look like without it."""

from __future__ import annotations

from typing import Any, Final

REDACTED: Final = "***"

_SECRET_KEYS: Final = frozenset({"apnPassword", "password", "key"})  # of SetNetworkProfile: APN and VPN
_VALUES: Final = frozenset({"attributeValue", "actualValue"})

CARRIES_SECRETS: Final = frozenset({"SetVariables", "GetVariables", "SetNetworkProfile", "NotifyReport", "NotifyEvent"})
"""Actions whose request or response may hold a secret."""


def is_secret_variable(name: str) -> bool:
    """Whether a variable holds what must not be kept: BasicAuthPassword (A00.FR.205), or the like of a vendor."""
    return "password" in name.lower()  # names are case-insensitive


def redact(value: Any) -> Any:
    """`value`, a payload or a part of one, with passwords and keys replaced; the original is left as it is."""
    if isinstance(value, list):
        return [redact(item) for item in value]
    if not isinstance(value, dict):
        return value
    variable = value.get("variable")
    hides_value = isinstance(variable, dict) and is_secret_variable(str(variable.get("name", "")))
    return {
        key: REDACTED
        if key in _SECRET_KEYS or (hides_value and key in _VALUES)
        else _redact_attributes(item)
        if hides_value and key == "variableAttribute"
        else redact(item)
        for key, item in value.items()
    }


def _redact_attributes(attributes: Any) -> Any:
    """The attributes of a secret variable, as NotifyReport has them."""
    if not isinstance(attributes, list):
        return REDACTED
    return [
        {key: REDACTED if key == "value" else item for key, item in attribute.items()}
        if isinstance(attribute, dict)
        else REDACTED
        for attribute in attributes
    ]
