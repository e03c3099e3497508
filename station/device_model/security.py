"""Variables of the station's identity and its credentials (Part 2 §2.2; errata 2025-09 §2.1)."""

from __future__ import annotations

from typing import Final

from station.device_model.data_types import Integer, String
from station.device_model.variable import Variable

IDENTITY_LENGTH: Final = 48
PASSWORD_LENGTHS: Final = (16, 64)
PASSWORD_CHARACTERS: Final = r"[a-zA-Z0-9*\-_=:+|@.]"  # noqa: S105  # no secret: which characters one may have

_SECURITY: Final = "SecurityCtrlr"

BASIC_AUTH_PASSWORD: Final = Variable(
    _SECURITY,
    "BasicAuthPassword",
    String(PASSWORD_LENGTHS[1], shortest=PASSWORD_LENGTHS[0], characters=PASSWORD_CHARACTERS),
    default="",
    mutability="WriteOnly",
)
CERTIFICATE_ENTRIES: Final = Variable(
    _SECURITY, "CertificateEntries", Integer(most=0), default=0, mutability="ReadOnly"
)
IDENTITY: Final = Variable(
    _SECURITY, "Identity", String(IDENTITY_LENGTH), default="", mutability="ReadOnly", constant=True
)
ORGANIZATION_NAME: Final = Variable(_SECURITY, "OrganizationName", String(64), default="")
SECURITY_PROFILE: Final = Variable(
    _SECURITY, "SecurityProfile", Integer(least=1, most=3), default=1, mutability="ReadOnly", persistent=True
)
