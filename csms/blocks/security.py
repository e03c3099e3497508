"""A Security: the password of a station follows what it was told to take (A01)."""

from __future__ import annotations

import logging
from typing import Any, Final

from csms.blocks.conversation import Conversation, Payload
from csms.device_model import key_of
from csms.registry import Entry
from shared.ocppj.errors import CallRefused, OcppError

log = logging.getLogger(__name__)

_PASSWORD: Final = key_of({"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}})


async def before_set_variables(conversation: Conversation, request: Payload) -> None:
    """From when a new password is sent the station may show it, whether its answer arrives or not.

    Raises StoreUnavailable: then it must not be sent, for the station would be locked out.
    """
    password = _find(request["setVariableData"], "attributeValue")
    if password is not None:
        password_hash = await conversation.passwords.hash(password)
        await conversation.registry.update(conversation.station, next_password_hash=password_hash)


async def password_answered(conversation: Conversation, request: Payload, answer: Payload | OcppError) -> None:
    """The password is changed by the station's Accepted, and by nothing else (A01.FR.03, A01.FR.04).

    While nobody knows what the station made of it, and while it waits for a reboot, both are taken, until the station
    shows the new one. Raises StoreUnavailable.
    """
    password = _find(request["setVariableData"], "attributeValue")
    if password is None:
        return
    if isinstance(answer, OcppError):
        status = "Rejected" if isinstance(answer, CallRefused) else None
    else:
        status = _find(answer["setVariableResult"], "attributeStatus")
    if status in (None, "RebootRequired"):
        return
    station, passwords = conversation.station, conversation.passwords
    candidate = station.next_password_hash
    is_candidate = candidate is not None and await passwords.verify(candidate, password)
    change = Entry()
    if status == "Accepted":  # a late answer may be of another password than the one that was sent last
        change["password_hash"] = candidate if is_candidate else await passwords.hash(password)
    if is_candidate and station.next_password_hash == candidate:
        change["next_password_hash"] = None
    if change:
        await conversation.registry.update(station, **change)
        log.info("%s: its new password was answered %s", station.station_id, status)


def _find(items: list[dict[str, Any]], name: str) -> str | None:
    """What `items` say of the password; of several the last."""
    found = [item[name] for item in items if key_of(item) == _PASSWORD]
    return found[-1] if found else None
