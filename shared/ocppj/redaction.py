"""Keeps secrets out of logs: which messages can carry one, and what they look like without it."""

from __future__ import annotations

from typing import Any, Final

REDACTED: Final = "***"

_SECRET_KEYS: Final = frozenset({"apnPassword", "password", "key"})  # of SetNetworkProfile: APN and VPN
_SECRET_VARIABLES: Final = frozenset({"basicauthpassword"})  # A00.FR.205; names of variables are case-insensitive

CARRIES_SECRETS: Final = frozenset({"SetVariables", "GetVariables", "SetNetworkProfile"})
"""Actions whose request or response may hold a secret."""


def redact(value: Any) -> Any:
    """`value`, a payload or a part of one, with passwords and keys replaced; the original is left as it is."""
    if isinstance(value, list):
        return [redact(item) for item in value]
    if not isinstance(value, dict):
        return value
    hides_value = _is_secret_variable(value.get("variable"))
    return {
        key: REDACTED if key in _SECRET_KEYS or (hides_value and key == "attributeValue") else redact(item)
        for key, item in value.items()
    }


def _is_secret_variable(variable: Any) -> bool:
    return isinstance(variable, dict) and str(variable.get("name", "")).lower() in _SECRET_VARIABLES
