"""Tokens as people write them (IdTokenType)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from station.fields import Field, array, choice, record, text
from station.id_token import IdToken

TOKEN_TYPES: Final = (
    "Central",
    "eMAID",
    "ISO14443",
    "ISO15693",
    "KeyCode",
    "Local",
    "MacAddress",
    "NoAuthorization",
)
"""OCPP's IdTokenEnumType."""
_MOST_INFOS: Final = 10
_TEXT: Final = text(least=1, most=36)
_ADDITIONAL_INFO: Final = record(
    {"additionalIdToken": Field(_TEXT, required=True), "type": Field(text(least=1, most=50), required=True)}
)
ID_TOKEN_FIELDS: Final[Mapping[str, Field]] = {
    "idToken": Field(_TEXT, required=True),
    "type": Field(choice(TOKEN_TYPES), required=True),
    "additionalInfo": Field(array(_ADDITIONAL_INFO, least=1, most=_MOST_INFOS)),
}
"""What can be written of a token; an object with these may have others besides."""
_READ_ID_TOKEN: Final = record(ID_TOKEN_FIELDS)


def read_id_token(value: Any, pointer: str) -> IdToken:
    """An IdTokenType that somebody has written. Raises Invalid."""
    return id_token_of(_READ_ID_TOKEN(value, pointer))


def id_token_of(values: Mapping[str, Any]) -> IdToken:
    """The token that was written. values: as ID_TOKEN_FIELDS read them, others besides."""
    id_token: IdToken = {"idToken": values["idToken"], "type": values["type"]}
    if values["additionalInfo"] is not None:
        id_token["additionalInfo"] = values["additionalInfo"]
    return id_token
