"""The Authorization Cache: what the CSMS has said of tokens, for as long as it may be trusted (C10, C12)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, cast

import orjson

from shared.clock import Clock
from shared.ocppj import date_time
from station.blocks.authorization.rules import NEVER_CACHED
from station.device_model import (
    AUTH_CACHE_BYTES,
    AUTH_CACHE_ENABLED,
    AUTH_CACHE_LIFE_TIME,
    AUTH_CACHE_POLICY,
    AUTH_CACHE_STORAGE,
    DeviceModel,
)
from station.id_token import IdToken, IdTokenInfo
from station.state import State
from station.state.keys import AUTHORIZATION_CACHE

_KEPT: Final = ("status", "cacheExpiryDateTime", "evseId", "groupIdToken")  # and no tariff (C10.FR.09)
_Entry = dict[str, Any]  # info, added (a running number), used (another), uses, updated_at (POSIX time)
_OLDEST: Final[Mapping[str, Callable[[_Entry], int]]] = {
    "LRU": lambda entry: cast(int, entry["used"]),
    "LFU": lambda entry: cast(int, entry["uses"]),
    "FIFO": lambda entry: cast(int, entry["added"]),
}


class AuthorizationCache:
    """One entry a token, named by a hash of it: who reads the station's state learns no token (C10.FR.12)."""

    def __init__(self, state: State, variables: DeviceModel, clock: Clock) -> None:
        self._state = state
        self._variables = variables
        self._clock = clock
        self._sizes = {key: len(orjson.dumps(state.get(key))) for key in state.keys(AUTHORIZATION_CACHE)}
        self._number = max((state.get(key)["used"] for key in self._sizes), default=0)
        self._account()

    def __len__(self) -> int:
        return len(self._sizes)

    def look_up(self, id_token: IdToken) -> IdTokenInfo | None:
        """What is known of a token and may still be trusted (C10.FR.08, C10.FR.13); None: nothing."""
        if not self._variables[AUTH_CACHE_ENABLED]:  # C10.FR.11
            return None
        key = _key(id_token)
        entry = self._state.get(key)
        if entry is None:
            return None
        if self._has_expired(entry):
            self._remove(key)  # C10.FR.10
            return None
        self._use(key, entry | {"uses": entry["uses"] + 1})
        return cast(IdTokenInfo, entry["info"])

    def learn(self, id_token: IdToken, info: IdTokenInfo) -> None:
        """Remember what the CSMS has just said (C10.FR.01, C10.FR.04, C10.FR.05, C12.FR.06).

        Where it has said so for a time that is over already, nothing is remembered of the token (C10.FR.10, note).
        """
        if not self._variables[AUTH_CACHE_ENABLED] or id_token["type"] in NEVER_CACHED:
            return
        key, updated_at = _key(id_token), self._clock.now().timestamp()
        before = self._state.get(key)
        added, uses = (self._number + 1, 1) if before is None else (before["added"], before["uses"])
        kept = {name: value for name, value in info.items() if name in _KEPT}
        entry = {"info": kept, "added": added, "uses": uses, "updated_at": updated_at}
        if "cacheExpiryDateTime" in kept and self._has_expired(entry):
            if before is not None:
                self._remove(key)
            return
        self._use(key, entry)
        self._make_room(key)

    def clear(self) -> None:
        """Forget all (C11)."""
        for key in list(self._sizes):
            self._remove(key)

    def _has_expired(self, entry: _Entry) -> bool:
        """The CSMS says when it does (C10.FR.13), or else AuthCacheCtrlr.LifeTime (C10.FR.10).

        That is counted from what the CSMS said last, as the errata of 2025-01 have it: in a station that is offline no
        token may be used for ever.
        """
        expiry, now = entry["info"].get("cacheExpiryDateTime"), self._clock.now()
        if expiry is not None:
            return date_time.from_wire(expiry) <= now
        life_s = self._variables[AUTH_CACHE_LIFE_TIME]
        return timedelta(seconds=now.timestamp() - entry["updated_at"]) >= timedelta(seconds=life_s)

    def _use(self, key: str, entry: _Entry) -> None:
        self._number += 1
        entry = entry | {"used": self._number}
        self._state.put(key, entry)
        self._sizes[key] = len(orjson.dumps(entry))
        self._account()

    def _remove(self, key: str) -> None:
        self._state.delete(key)
        del self._sizes[key]
        self._account()

    def _make_room(self, newest: str) -> None:
        """Let others go, first those that are not Accepted, then as AuthCacheCtrlr.Policy says (C10.FR.07)."""
        if sum(self._sizes.values()) <= AUTH_CACHE_BYTES:
            return
        age = _OLDEST[self._variables[AUTH_CACHE_POLICY]]
        others = {key: self._state.get(key) for key in self._sizes if key != newest}
        for key in sorted(others, key=lambda key: (others[key]["info"]["status"] == "Accepted", age(others[key]))):
            self._remove(key)
            if sum(self._sizes.values()) <= AUTH_CACHE_BYTES:
                return

    def _account(self) -> None:
        self._variables[AUTH_CACHE_STORAGE] = sum(self._sizes.values())


def _key(id_token: IdToken) -> str:
    text = f"{id_token['type']}\n{id_token['idToken'].casefold()}"
    return AUTHORIZATION_CACHE + hashlib.sha256(text.encode()).hexdigest()[:32]
