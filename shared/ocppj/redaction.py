"""Keeps secrets out of logs: which messages can carry one, and what they look like without it."""

from __future__ import annotations

from typing import Any, Final

REDACTED: Final = "***"

_SECRET_KEYS: Final = frozenset({"apnPassword", "simPin", "password", "key"})  # of SetNetworkProfile: APN and VPN
_VALUE_KEYS: Final = frozenset({"attributeValue", "actualValue", "value"})  # where a variable's value stands

CARRIES_SECRETS: Final = frozenset({"SetVariables", "GetVariables", "SetNetworkProfile", "NotifyReport", "NotifyEvent"})
"""Actions whose request or response may hold a secret, were it by a station's fault: passwords are write-only."""


def is_secret_variable(name: str) -> bool:
    """Whether a variable holds what must not be kept: BasicAuthPassword (A00.FR.205), or the like of a vendor."""
    return "password" in name.lower()  # names are case-insensitive


def redact(value: Any) -> Any:
    """`value`, a payload or a part of one, with passwords and keys replaced; the original is left as it is."""
    return _redact(value, of_secret_variable=False)


def _redact(value: Any, *, of_secret_variable: bool) -> Any:
    if isinstance(value, list):
        return [_redact(item, of_secret_variable=of_secret_variable) for item in value]
    if not isinstance(value, dict):
        return value
    hides = of_secret_variable or _names_secret_variable(value.get("variable"))
    return {
        key: REDACTED
        if key in _SECRET_KEYS or (hides and key in _VALUE_KEYS)
        else _redact(item, of_secret_variable=hides)
        for key, item in value.items()
    }


def _names_secret_variable(variable: Any) -> bool:
    return isinstance(variable, dict) and is_secret_variable(str(variable.get("name", "")))
