"""Variables of who may charge, and of the authorization cache (Part 2 §2.3, §2.4)."""

from __future__ import annotations

from typing import Final

from station.device_model.data_types import Boolean, Integer, OptionList, String
from station.device_model.variable import Variable

AUTH_CACHE_BYTES: Final = 65536
"""What the authorization cache takes at most, as CertificateEntries and the like are reported: by maxLimit."""

_AUTH: Final = "AuthCtrlr"
_CACHE: Final = "AuthCacheCtrlr"
_FLAG: Final = Boolean()

ADDITIONAL_INFO_ITEMS_PER_MESSAGE: Final = Variable(
    _AUTH, "AdditionalInfoItemsPerMessage", Integer(), default=10, mutability="ReadOnly", constant=True
)
AUTH_ENABLED: Final = Variable(_AUTH, "Enabled", _FLAG, default=True)
AUTHORIZE_REMOTE_START: Final = Variable(_AUTH, "AuthorizeRemoteStart", _FLAG, default=True)
DISABLE_REMOTE_AUTHORIZATION: Final = Variable(_AUTH, "DisableRemoteAuthorization", _FLAG, default=False)
LOCAL_AUTHORIZE_OFFLINE: Final = Variable(_AUTH, "LocalAuthorizeOffline", _FLAG, default=True)
LOCAL_PRE_AUTHORIZE: Final = Variable(_AUTH, "LocalPreAuthorize", _FLAG, default=False)
MASTER_PASS_GROUP_ID: Final = Variable(_AUTH, "MasterPassGroupId", String(36), default="")
OFFLINE_TX_FOR_UNKNOWN_ID_ENABLED: Final = Variable(_AUTH, "OfflineTxForUnknownIdEnabled", _FLAG, default=False)

AUTH_CACHE_AVAILABLE: Final = Variable(_CACHE, "Available", _FLAG, default=True, mutability="ReadOnly", constant=True)
AUTH_CACHE_DISABLE_POST_AUTHORIZE: Final = Variable(_CACHE, "DisablePostAuthorize", _FLAG, default=False)
AUTH_CACHE_ENABLED: Final = Variable(_CACHE, "Enabled", _FLAG, default=True)
AUTH_CACHE_LIFE_TIME: Final = Variable(_CACHE, "LifeTime", Integer(), default=86400, unit="s")
AUTH_CACHE_POLICY: Final = Variable(_CACHE, "Policy", OptionList(("LRU", "LFU", "FIFO")), default="LRU")
AUTH_CACHE_STORAGE: Final = Variable(
    _CACHE, "Storage", Integer(most=AUTH_CACHE_BYTES), default=0, unit="B", mutability="ReadOnly"
)
