"""C01, C03, C06, C10, C12, C15: whether a token has to be asked about; values in, values out."""

from __future__ import annotations

import pytest

from station.blocks.authorization.rules import Policy, decide
from station.id_token import IdToken, IdTokenInfo

CARD: IdToken = {"idToken": "04A1", "type": "ISO14443"}
ACCEPTED: IdTokenInfo = {"status": "Accepted"}
BLOCKED: IdTokenInfo = {"status": "Blocked"}


@pytest.mark.parametrize(
    ("known", "policy", "online", "status"),
    [
        (None, Policy(), True, None),  # C01.FR.02
        (ACCEPTED, Policy(), True, None),  # C01.FR.05
        (ACCEPTED, Policy(pre_authorize=True), True, "Accepted"),  # C12.FR.02
        (BLOCKED, Policy(pre_authorize=True), True, None),  # C10.FR.03, C12.FR.05
        (BLOCKED, Policy(post_authorize=False), True, "Blocked"),  # AuthCacheCtrlr.DisablePostAuthorize
        (None, Policy(remote_disabled=True), True, "Unknown"),  # AuthCtrlr.DisableRemoteAuthorization
        (ACCEPTED, Policy(remote_disabled=True), True, "Accepted"),
        (None, Policy(remote_disabled=True, unknown_offline=True), True, "Unknown"),
        (ACCEPTED, Policy(), False, "Accepted"),  # C13
        (BLOCKED, Policy(), False, "Blocked"),
        (ACCEPTED, Policy(authorize_offline=False), False, "NotAtThisTime"),
        (None, Policy(), False, "Unknown"),
        (None, Policy(unknown_offline=True), False, "Accepted"),  # C15.FR.08
        (BLOCKED, Policy(unknown_offline=True), False, "Blocked"),
        (BLOCKED, Policy(enabled=False), True, "Accepted"),  # AuthCtrlr.Enabled
    ],
)
def test_c01_c10_c12_c15_what_a_token_may_do(
    known: IdTokenInfo | None, policy: Policy, status: str | None, *, online: bool
) -> None:
    info = decide(CARD, known, policy, online=online)
    assert (None if info is None else info["status"]) == status


def test_c06_fr_02_a_token_of_type_local_is_always_asked_about() -> None:
    assert decide({"idToken": "door", "type": "Local"}, ACCEPTED, Policy(pre_authorize=True), online=True) is None


@pytest.mark.parametrize("kind", ["Central", "NoAuthorization"])
@pytest.mark.parametrize("online", [False, True])
def test_c01_fr_01_a_token_that_only_the_csms_can_make_up_opens_no_reader(kind: str, *, online: bool) -> None:
    policy = Policy(unknown_offline=True)
    assert decide({"idToken": "", "type": kind}, None, policy, online=online) == {"status": "Invalid"}
