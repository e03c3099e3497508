"""Keeps secrets out of logs: what looks like one in a message, and what the message looks like without it.

Of OCPP 2.0.1 these carry secrets: BasicAuthPassword and vendors' variables like it in SetVariables, GetVariables,
NotifyReport and NotifyEvent; apnPassword and simPin, and password and key of the VPN, in SetNetworkProfile; user and
password in the URLs of GetLog, UpdateFirmware, PublishFirmware and SetNetworkProfile; the PIN of an idToken of type
KeyCode (C04); the private key, encrypted for the vehicle as it is, in the exiResponse of Get15118EVCertificate; and
whatever DataTransfer carries.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

REDACTED: Final = "***"

_SECRET_WORDS: Final = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "privatekey",
    "apikey",
    "simpin",
    "exiresponse",
)
# What the words above leave, and what shows the rest; \u and \/ may hide any of them in a text as it came.
_MARKS: Final = (
    "passw",
    "passp",
    "passc",
    "secret",
    "private",
    "apik",
    "api_k",
    "api-k",
    "simp",
    "sim_p",
    "sim-p",
    "exir",
    '"key"',
    '"keycode"',
    "://",
    "\\u",
    "\\/",
)
# Where a mark stands, one of these does: to look for few takes half as long, and in most messages that is all.
_HINTS: Final = ("\\", "pass", "secret", "private", "api", "sim", "exir", '"key', "://")
_VALUES: Final = frozenset({"attributeValue", "actualValue", "value"})
# Of what breaks off nobody knows what would have come: these may hold a secret, were it by a station's fault.
_CARRIERS: Final = re.compile("SetVariables|GetVariables|SetNetworkProfile|NotifyReport|NotifyEvent", re.IGNORECASE)
_OF_VPN: Final = frozenset({"key"})
_OF_PIN: Final = frozenset({"idToken"})
_SHORTEST: Final = 3  # to be looked for in other texts
_NOTHING: Final[frozenset[str]] = frozenset()

_PEM: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_USER_INFO: Final = re.compile(r"(?<=://)[^/?#\s\"']*@")
_ASSIGNMENT: Final = re.compile(
    r"""((?:pass[-_]?(?:word|wd|phrase|code)|secret|(?:private|api)[-_]?key|sim[-_]?pin)  # the name
         [\w-]*\\?["']?\s*[:=]\s*)
        (?: \\?"[^"]*(?:"|\Z) | '[^']*(?:'|\Z) | [^\s"',;&}]+ )""",
    re.IGNORECASE | re.VERBOSE,
)


def may_hold_secrets(text: str) -> bool:
    """Whether a message or a payload, as JSON text, has to be redacted; True too often, but quickly told."""
    lower = text.lower()
    return any(hint in lower for hint in _HINTS) and any(mark in lower for mark in _MARKS)


def is_secret_variable(name: str) -> bool:
    """Whether a variable of that name holds a secret: BasicAuthPassword (A00.FR.205), and vendors' like it."""
    return _is_secret(name)


def redact(value: Any) -> Any:
    """`value`, a payload or a part of one, without passwords and private keys; the original is left as it is."""
    return _redact(value, _NOTHING, [])


def find_secrets(value: Any) -> list[str]:
    """The secrets that stand in a payload under a name of their own, to be looked for elsewhere."""
    found: list[str] = []
    _redact(value, _NOTHING, found)
    return [secret for secret in found if len(secret) >= _SHORTEST]


def redact_answer(answer: Any, request: Any) -> Any:
    """`answer` without secrets, those of the request it answers included: some stations repeat what they were told."""
    return _without(redact(answer), find_secrets(request))


def redact_text(text: str) -> str:
    """A text, which may be JSON or broken JSON, without passwords and private keys as far as they can be told."""
    if not may_hold_secrets(text):
        return text
    if text.lstrip()[:1] in ("{", "["):
        try:
            return orjson.dumps(redact(orjson.loads(text))).decode()
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
            pass  # then as a text
    text = _PEM.sub(REDACTED, text)
    text = _USER_INFO.sub(f"{REDACTED}@", text)
    return _ASSIGNMENT.sub(rf"\1{REDACTED}", text)


def redact_unreadable(text: str) -> str:
    """What is no message, whole or nothing: in what broke off, nobody can tell which part is the secret."""
    return REDACTED if may_hold_secrets(text) or _CARRIERS.search(text) else text


def _redact(value: Any, hidden: frozenset[str], found: list[str]) -> Any:
    """hidden: the keys whose values are secrets in here, because of what stands around. found: gets those secrets."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [_redact(item, hidden, found) for item in value]
    if not isinstance(value, dict):
        return value
    variable = value.get("variable")
    if isinstance(variable, dict) and _is_secret(str(variable.get("name", ""))):
        hidden = hidden | _VALUES
    if value.get("type") == "KeyCode":
        hidden = hidden | _OF_PIN
    redacted = {}
    for key, item in value.items():
        if key in hidden or _is_secret(key) or (key == "key" and "value" not in value):  # beside a value it is a name
            if isinstance(item, str):
                found.append(item)
            redacted[key] = REDACTED
        else:
            redacted[key] = _redact(item, hidden | _OF_VPN if key == "vpn" else hidden, found)
    return redacted


def _without(value: Any, secrets: list[str]) -> Any:
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, REDACTED)
            return value
        case list():
            return [_without(item, secrets) for item in value]
        case dict():
            return {key: _without(item, secrets) for key, item in value.items()}
        case _:
            return value


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in _SECRET_WORDS)
