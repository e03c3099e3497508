"""Who a driver claims to be, and what the CSMS says of that (IdTokenType, IdTokenInfoType)."""

from __future__ import annotations

from typing import Final, NotRequired, TypedDict


class AdditionalInfo(TypedDict):
    additionalIdToken: str
    type: str


class IdToken(TypedDict):
    idToken: str
    type: str
    additionalInfo: NotRequired[list[AdditionalInfo]]


class IdTokenInfo(TypedDict):
    """status: a value of AuthorizationStatusEnumType. Fields that the station has no use for are left out here."""

    status: str
    cacheExpiryDateTime: NotRequired[str]
    evseId: NotRequired[list[int]]
    groupIdToken: NotRequired[IdToken]


TOO_MANY_ITEMS: Final = {"reasonCode": "TooManyElements", "additionalInfo": "AuthCtrlr.AdditionalInfoItemsPerMessage"}
"""The statusInfo of a refusal because of too much additionalInfo."""
NO_AUTHORIZATION: IdToken = {"idToken": "", "type": "NoAuthorization"}
"""Stands for whoever charges where nobody is asked (C02.FR.01)."""


def additional_items(*id_tokens: IdToken | None) -> int:
    """How many items of additionalInfo there are with these tokens (AdditionalInfoItemsPerMessage)."""
    return sum(len(id_token.get("additionalInfo", [])) for id_token in id_tokens if id_token is not None)


def same(one: IdToken, other: IdToken) -> bool:
    """Both name the same token: the text is an identifierString, whose letters have no case."""
    return one["type"] == other["type"] and one["idToken"].casefold() == other["idToken"].casefold()
