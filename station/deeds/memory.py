"""What is put into a station's memory: values of variables, and tokens into the Authorization Cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.ocppj import date_time
from station.deeds.tokens import TOKEN_TYPES, read_id_token
from station.fields import Field, Invalid, array, choice, text, whole

AUTHORIZATION_STATUSES: Final = (
    "Accepted",
    "Blocked",
    "ConcurrentTx",
    "Expired",
    "Invalid",
    "NoCredit",
    "NotAllowedTypeEVSE",
    "NotAtThisLocation",
    "NotAtThisTime",
    "Unknown",
)
"""OCPP's AuthorizationStatusEnumType."""
_VALUE_LENGTH: Final = 2500
_MOST_EVSES: Final = 1000


def _moment(value: Any, pointer: str) -> str:
    if isinstance(value, str):
        try:
            date_time.from_wire(value)
        except ValueError:
            pass
        else:
            return value
    raise Invalid.unexpected(pointer, "a date and time such as 2030-01-01T12:00:00Z", value)


VARIABLE_FIELDS: Final[Mapping[str, Field]] = {
    "value": Field(text(most=_VALUE_LENGTH), required=True),
    "instance": Field(text(most=50)),
}
"""The value that a variable gets, as on the wire."""
CACHED_FIELDS: Final[Mapping[str, Field]] = {
    "type": Field(choice(TOKEN_TYPES), default="ISO14443"),
    "status": Field(choice(AUTHORIZATION_STATUSES), default="Accepted"),
    "cacheExpiryDateTime": Field(_moment),
    "evseId": Field(array(whole(least=1), least=1, most=_MOST_EVSES)),
    "groupIdToken": Field(read_id_token),
}
"""What the Authorization Cache knows of a token (IdTokenInfoType), and the token's type."""
