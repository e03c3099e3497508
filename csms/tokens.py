"""The tokens this CSMS knows, and what it says of each (IdTokenInfoType)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
import trio
from sqlalchemy import Connection, bindparam, delete, select

from csms.store import Change, Store
from csms.store.moments import in_utc
from csms.store.tables import tokens
from shared.clock import Clock
from shared.ocppj.date_time import to_wire

TokenType = Literal[
    "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"
]  # IdTokenEnumType
TokenStatus = Literal[
    "Accepted", "Blocked", "Expired", "Invalid", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime"
]  # AuthorizationStatusEnumType without what the CSMS finds out itself
Language = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z", max_length=8)]
GroupId = Annotated[str, msgspec.Meta(min_length=1, max_length=36)]
EvseNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]

Key = tuple[str, str]
"""Type and lower-case token: an identifierString is compared without regard to case (Part 2, primitive datatypes)."""

NO_AUTHORIZATION: Final = "NoAuthorization"
KEY_CODE: Final = "KeyCode"


class PersonalMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a station may show to the driver (MessageContentType)."""

    content: Annotated[str, msgspec.Meta(max_length=512)]
    format: Literal["ASCII", "HTML", "URI", "UTF8"]
    language: Language | None = None


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of one token.

    expires_at: from then on it is Expired, and stations are told so beforehand as cacheExpiryDateTime. stations: where
    it may be used, as the EVSEs of each station, none named meaning all; None: everywhere. max_transactions: how many
    may run at a time. master_pass: it may stop transactions and start none (C16); its group_id must then be the
    MasterPassGroupId of the stations.
    """

    status: TokenStatus = "Accepted"
    group_id: GroupId | None = None
    group_id_type: TokenType = "Central"
    expires_at: datetime | None = None
    stations: dict[str, list[EvseNumber]] | None = None
    max_transactions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    master_pass: bool = False
    language1: Language | None = None
    language2: Language | None = None
    personal_message: PersonalMessage | None = None
    charging_priority: Annotated[int, msgspec.Meta(ge=-9, le=9)] | None = None

    def __post_init__(self) -> None:
        if self.language2 is not None and self.language1 in (None, self.language2):
            raise ValueError("language2 needs a language1 that differs from it")  # C01.FR.10, C01.FR.11
        if self.expires_at is not None:
            if self.expires_at.tzinfo is None:
                raise ValueError("expires_at needs an offset from UTC")
            try:
                msgspec.structs.force_setattr(self, "expires_at", in_utc(self.expires_at))
            except ValueError as error:
                raise ValueError(f"expires_at {error}") from None
        if self.master_pass and self.group_id is None:
            raise ValueError("a master pass needs the group_id that stations have as MasterPassGroupId")


_NOT_VALID_HERE: Final = frozenset({"Unknown", "NotAtThisLocation"})


def token_key(id_token: Mapping[str, Any]) -> Key:
    """The key of an IdTokenType."""
    return id_token["type"], id_token["idToken"].lower()


def id_token_info(token: Token | None, station_id: str, now: datetime) -> dict[str, Any]:
    """What Authorize is answered for a token at a station; None: a token that is not known (C01.FR.06 to C01.FR.22)."""
    if token is None:
        return {"status": "Unknown"}
    info: dict[str, Any] = {"status": token.status}
    if token.expires_at is not None:
        info["cacheExpiryDateTime"] = to_wire(token.expires_at)
        if token.expires_at <= now and token.status == "Accepted":
            info["status"] = "Expired"
    if token.group_id is not None:
        info["groupIdToken"] = {"idToken": token.group_id, "type": token.group_id_type}
    if token.personal_message is not None:
        info["personalMessage"] = msgspec.to_builtins(token.personal_message)
    more = {
        "chargingPriority": token.charging_priority,
        "language1": token.language1,
        "language2": token.language2,
    }
    info |= {key: value for key, value in more.items() if value is not None}
    if token.stations is not None and info["status"] == "Accepted":
        info |= _at_station(token.stations.get(station_id))
    return info


def _at_station(evse_ids: list[int] | None) -> dict[str, Any]:
    if evse_ids is None:
        return {"status": "NotAtThisLocation"}  # C01.FR.22
    return {"evseId": evse_ids} if evse_ids else {}  # C01.FR.20, C01.FR.19


class Tokens:
    """All tokens, in memory and in the store. `load()` comes first."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tokens: dict[Key, tuple[str, Token]] = {}
        self._one_at_a_time = trio.Lock()  # so that memory and store see changes in one order
        insert = store.insert(tokens)
        self._put = insert.on_conflict_do_update(
            index_elements=[tokens.c.id_token_type, tokens.c.id_token], set_={"token": insert.excluded.token}
        )
        self._delete = delete(tokens).where(
            tokens.c.id_token_type == bindparam("type"), tokens.c.id_token == bindparam("key")
        )

    async def load(self) -> None:
        """Read all from the store."""

        def read(connection: Connection) -> dict[Key, tuple[str, Token]]:
            kept: dict[Key, tuple[str, Token]] = {}
            for row in connection.execute(select(tokens)):
                stored = msgspec.json.decode(row.token, type=_Stored)
                kept[row.id_token_type, row.id_token] = (stored.spelling, stored.token)
            return kept

        self._tokens = await self._store.read(read)

    def __iter__(self) -> Iterator[tuple[str, str, Token]]:
        """Type, token as it was written, and what is known of it, in the order of their keys."""
        for key in sorted(self._tokens):
            spelling, token = self._tokens[key]
            yield key[0], spelling, token

    def get(self, key: Key) -> Token | None:
        found = self._tokens.get(key)
        return None if found is None else found[1]

    def spelling(self, key: Key) -> str:
        """How the token is written. Raises KeyError for one that is not known."""
        return self._tokens[key][0]

    async def put(self, token_type: str, id_token: str, token: Token) -> bool:
        """Keep a token; whether it is new. Raises StoreUnavailable."""
        key = (token_type, id_token.lower())
        text = msgspec.json.encode(_Stored(spelling=id_token, token=token)).decode()
        row = {"id_token_type": token_type, "id_token": key[1], "token": text}
        async with self._one_at_a_time:
            await self._store.commit(Change(self._put, [row]))
            is_new = key not in self._tokens
            self._tokens[key] = (id_token, token)
        return is_new

    async def delete(self, key: Key) -> bool:
        """Forget a token; whether it was known. Raises StoreUnavailable."""
        async with self._one_at_a_time:
            if key not in self._tokens:
                return False
            await self._store.commit(Change(self._delete, [{"type": key[0], "key": key[1]}]))
            del self._tokens[key]
        return True

    def info(self, id_token: Mapping[str, Any], station_id: str) -> dict[str, Any]:
        """The IdTokenInfoType for an IdTokenType that a station shows."""
        if id_token["type"] == NO_AUTHORIZATION:
            return {"status": "Accepted"}  # C02.FR.02
        info = id_token_info(self.get(token_key(id_token)), station_id, self._clock.now())
        if id_token["type"] == KEY_CODE and info["status"] in _NOT_VALID_HERE:
            info["status"] = "Invalid"  # C04.FR.01
        return info


class _Stored(msgspec.Struct):
    spelling: str
    token: Token
