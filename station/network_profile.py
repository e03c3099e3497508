"""Where the station may find a CSMS: its network connection profiles, in numbered slots (B09, B10, A05)."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

from shared.handshake import connection_url
from station.device_model import (
    ACTIVE_NETWORK_PROFILE,
    MESSAGE_TIMEOUT,
    NETWORK_CONFIGURATION_PRIORITY,
    NETWORK_PROFILE_CONNECTION_ATTEMPTS,
    NETWORK_SLOTS,
    SECURITY_PROFILE,
    DeviceModel,
)
from station.state import State
from station.state.keys import LAST_GOOD_NETWORK_PROFILE, NETWORK_PROFILES

log = logging.getLogger()

FIRST_SLOT: Final = NETWORK_SLOTS[0]
"""It holds the CSMS that the station was started with, as long as no other one was put there."""


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """A way to a CSMS. csms_url: without the identity. security_profile: 1 to 3. message_timeout_s: for an answer."""

    csms_url: str
    security_profile: int
    message_timeout_s: int


class Entry(NamedTuple):
    """A profile, and the slot it is in or was in."""

    slot: str
    profile: NetworkProfile


def security_profile(csms_url: str) -> int:
    """The one that a password and this URL make: 2 with TLS, 1 without."""
    return 2 if csms_url.lower().startswith("wss:") else 1


class NetworkProfiles:
    """The profiles of one station."""

    def __init__(self, identity: str, csms_url: str, variables: DeviceModel, kept: State) -> None:
        """csms_url: of the CSMS it is delivered for. kept: holds what was set. Raises ValueError: csms_url."""
        connection_url(csms_url, identity)
        self._identity = identity
        self._variables = variables
        self._kept = kept
        self._delivered = NetworkProfile(csms_url, security_profile(csms_url), variables[MESSAGE_TIMEOUT])
        self.active: Entry | None = None
        """The last one that brought a connection since the station booted."""

    def __getitem__(self, slot: str) -> NetworkProfile | None:
        """The profile in a slot, None where there is none."""
        found = self._kept.get(NETWORK_PROFILES + slot)
        if found is None:
            return self._delivered if slot == FIRST_SLOT else None
        return NetworkProfile(**found) if found else None

    def __setitem__(self, slot: str, profile: NetworkProfile) -> None:
        """Store a profile; it is used from the next reboot on (B09 remark)."""
        self._kept.put(NETWORK_PROFILES + slot, asdict(profile))

    def __delitem__(self, slot: str) -> None:
        """Empty a slot."""
        self._kept.put(NETWORK_PROFILES + slot, {})

    def boot(self) -> tuple[Entry, ...]:
        """What to try, in this order and again from the start, until the next boot (B10.FR.03, B10.FR.08).

        Behind those that were given priority comes the one that worked last, where it is none of them, so that a
        mistake does not leave the station alone for ever (B10.FR.07).
        """
        self.active = None
        entries = [
            Entry(slot, profile)
            for slot in self._variables[NETWORK_CONFIGURATION_PRIORITY]
            if (profile := self[slot]) is not None
        ]
        last_good = self._kept.get(LAST_GOOD_NETWORK_PROFILE)
        if last_good is not None:
            entry = Entry(last_good["slot"], NetworkProfile(**last_good["profile"]))
            if entry not in entries:
                entries.append(entry)
        return tuple(entries) or (Entry(FIRST_SLOT, self._delivered),)

    def connected(self, entry: Entry) -> None:
        """This one has brought a connection: it is the active one, and nothing less secure is left (A05.FR.06)."""
        slot, profile = self.active = entry
        self._kept.put(LAST_GOOD_NETWORK_PROFILE, {"slot": slot, "profile": asdict(profile)})
        variables = self._variables
        variables[ACTIVE_NETWORK_PROFILE] = int(slot)
        variables[MESSAGE_TIMEOUT] = profile.message_timeout_s
        variables[SECURITY_PROFILE] = profile.security_profile
        for other in NETWORK_SLOTS:
            found = self[other]
            if found is not None and found.security_profile < profile.security_profile:
                log.info("%s: network profile %s is less secure than %s and removed", self._identity, other, slot)
                del self[other]
        priority = variables[NETWORK_CONFIGURATION_PRIORITY]
        left = tuple(slot for slot in priority if self[slot] is not None)
        if left != priority:
            variables[NETWORK_CONFIGURATION_PRIORITY] = left


def entry_to_try(entries: tuple[Entry, ...], failures: int, variables: DeviceModel) -> Entry:
    """The entry for the next attempt, after so many that failed since the boot or the last connection (B10.FR.03)."""
    return entries[failures // variables[NETWORK_PROFILE_CONNECTION_ATTEMPTS] % len(entries)]
