"""Whether a token may charge, or has to be asked about; values in, values out (C01, C10, C12, C15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from station.device_model import (
    AUTH_CACHE_DISABLE_POST_AUTHORIZE,
    AUTH_ENABLED,
    DISABLE_REMOTE_AUTHORIZATION,
    LOCAL_AUTHORIZE_OFFLINE,
    LOCAL_PRE_AUTHORIZE,
    OFFLINE_TX_FOR_UNKNOWN_ID_ENABLED,
    DeviceModel,
)
from station.id_token import IdToken, IdTokenInfo

ACCEPTED: Final[IdTokenInfo] = {"status": "Accepted"}
UNKNOWN: Final[IdTokenInfo] = {"status": "Unknown"}
INVALID: Final[IdTokenInfo] = {"status": "Invalid"}

NEVER_ASKED_ABOUT: Final = frozenset({"Central", "NoAuthorization"})
"""Types that the CSMS makes up: it has said Yes by starting a transaction for them (C02, C03.FR.01, C05.FR.01)."""
ALWAYS_ASKED_ABOUT: Final = frozenset({"Local"})  # C06.FR.02
NEVER_CACHED: Final = frozenset({"Central", "NoAuthorization"})  # C02.FR.03, C03.FR.02


@dataclass(frozen=True, slots=True)
class Policy:
    """What AuthCtrlr and AuthCacheCtrlr say."""

    enabled: bool = True
    pre_authorize: bool = False
    authorize_offline: bool = True
    unknown_offline: bool = False
    remote_disabled: bool = False
    post_authorize: bool = True

    @classmethod
    def of(cls, variables: DeviceModel) -> Policy:
        return cls(
            enabled=variables[AUTH_ENABLED],
            pre_authorize=variables[LOCAL_PRE_AUTHORIZE],
            authorize_offline=variables[LOCAL_AUTHORIZE_OFFLINE],
            unknown_offline=variables[OFFLINE_TX_FOR_UNKNOWN_ID_ENABLED],
            remote_disabled=variables[DISABLE_REMOTE_AUTHORIZATION],
            post_authorize=not variables[AUTH_CACHE_DISABLE_POST_AUTHORIZE],
        )


def decide(id_token: IdToken, known: IdTokenInfo | None, policy: Policy, *, online: bool) -> IdTokenInfo | None:
    """What a token that is presented may do, None when the CSMS has to be asked (an Authorize).

    known: what the station remembers of it, and may still trust.
    """
    if not policy.enabled:
        return ACCEPTED
    if id_token["type"] in NEVER_ASKED_ABOUT:
        return INVALID  # nobody can hold such a token to a reader
    if online and not policy.remote_disabled:
        return _online(id_token, known, policy)
    if known is not None:
        trusted = online or policy.authorize_offline
        return known if trusted or known["status"] != "Accepted" else {"status": "NotAtThisTime"}
    return ACCEPTED if policy.unknown_offline and not online else UNKNOWN  # C15.FR.08


def _online(id_token: IdToken, known: IdTokenInfo | None, policy: Policy) -> IdTokenInfo | None:
    if known is None or id_token["type"] in ALWAYS_ASKED_ABOUT:
        return None  # C01.FR.02
    if known["status"] == "Accepted":
        return known if policy.pre_authorize else None
    return None if policy.post_authorize else known  # C10.FR.03, C12.FR.05
