"""The station registers with the CSMS, and says nothing else before it is accepted (B01, B02, B03)."""

from __future__ import annotations

import enum
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypedDict, cast

from shared.clock import TrioClock
from shared.ocppj import date_time
from shared.ocppj.errors import CallFailed, ConnectionLost, SecurityError
from station.blocks.block import Block
from station.device_model import HEARTBEAT_INTERVAL, STATION_MODEL, STATION_VENDOR_NAME, DeviceModel, follows_csms
from station.outgoing import Outgoing, Payload

log = logging.getLogger()

OWN_RETRY_INTERVAL_S: Final = 60.0
"""Between BootNotifications when the CSMS names no interval or does not answer (B01 error handling, B02.FR.07)."""

_FOR_ACCEPTED_STATIONS: Final = frozenset({"RequestStartTransaction", "RequestStopTransaction"})

BootReason = Literal[
    "ApplicationReset",
    "FirmwareUpdate",
    "LocalReset",
    "PowerUp",
    "RemoteReset",
    "ScheduledReset",
    "Triggered",
    "Unknown",
    "Watchdog",
]


class BootNotificationResponse(TypedDict):
    currentTime: str
    interval: int
    status: Literal["Accepted", "Pending", "Rejected"]


class Registration(enum.Enum):
    """What the CSMS thinks of this station, as far as the station knows."""

    BOOTING = "Booting"  # no answer to a BootNotification yet
    PENDING = "Pending"
    REJECTED = "Rejected"
    ACCEPTED = "Accepted"


class Verdict(enum.Enum):
    """What the station learns of itself and the CSMS."""

    ACCEPTED = "Accepted"  # in answer to a BootNotification, as the two below
    PENDING = "Pending"
    REJECTED = "Rejected"
    FORGOTTEN = "SecurityError"  # in answer to a CALL that only accepted stations may send (B01.FR.10)
    MOVED = "NetworkConnectionProfile"  # connected by another one than before, maybe to another CSMS (B10.FR.10)


NEXT: Final[Mapping[tuple[Registration, Verdict], Registration]] = {
    (Registration.BOOTING, Verdict.ACCEPTED): Registration.ACCEPTED,  # B01
    (Registration.BOOTING, Verdict.PENDING): Registration.PENDING,  # B02
    (Registration.BOOTING, Verdict.REJECTED): Registration.REJECTED,  # B03
    (Registration.PENDING, Verdict.ACCEPTED): Registration.ACCEPTED,
    (Registration.PENDING, Verdict.PENDING): Registration.PENDING,
    (Registration.PENDING, Verdict.REJECTED): Registration.REJECTED,
    (Registration.REJECTED, Verdict.ACCEPTED): Registration.ACCEPTED,
    (Registration.REJECTED, Verdict.PENDING): Registration.PENDING,
    (Registration.REJECTED, Verdict.REJECTED): Registration.REJECTED,
    (Registration.ACCEPTED, Verdict.FORGOTTEN): Registration.BOOTING,  # it was restarted without its memory
    (Registration.BOOTING, Verdict.MOVED): Registration.BOOTING,
    (Registration.PENDING, Verdict.MOVED): Registration.BOOTING,
    (Registration.REJECTED, Verdict.MOVED): Registration.BOOTING,
    (Registration.ACCEPTED, Verdict.MOVED): Registration.BOOTING,
}


def may_send(now: Registration, action: str, *, asked_for: bool) -> bool:
    """Whether the station may send a CALL of this action (B01.FR.08, B02.FR.02, B03.FR.02).

    asked_for: the CSMS asked for it, with a TriggerMessage or for a report.
    """
    match now:
        case Registration.ACCEPTED:
            return True
        case Registration.PENDING:
            return asked_for or action == "BootNotification"
        case Registration.BOOTING | Registration.REJECTED:
            return action == "BootNotification"


class Provisioning(Block):
    """Keeps trying until the CSMS accepts the station."""

    def __init__(
        self,
        identity: str,
        variables: DeviceModel,
        clock: TrioClock,
        *,
        monotonic: Callable[[], float],
        boot_reason: BootReason,
        accepted: Callable[[], None],
        network: Callable[[], object],
    ) -> None:
        """boot_reason: why the station has booted. accepted: called whenever a BootNotification was accepted.

        network: what the station is connected by; equal as long as it is the same.
        """
        self._identity = identity
        self._variables = variables
        self._clock = clock
        self._monotonic = monotonic
        self._boot_reason = boot_reason
        self._accepted = accepted
        self._network = network
        self._connected_by: object = None
        self._registration = Registration.BOOTING
        self._boot_at = -math.inf
        self._answered_at = -math.inf
        self._asked_for = False
        self._was_accepted = False

    @property
    def registration(self) -> Registration:
        """What the CSMS thinks of this station."""
        return self._registration

    @property
    def was_accepted(self) -> bool:
        """The CSMS has accepted the station since it booted."""
        return self._was_accepted

    def view(self) -> Mapping[str, Any]:
        return {"registration": self._registration.value}

    def admit(self, action: str) -> None:
        """Let the CSMS call; raises SecurityError while it has the station rejected (B03.FR.08)."""
        if self._registration is Registration.REJECTED:
            raise SecurityError(f"{action} is refused: the BootNotification was answered with Rejected")

    def refusal(self, action: str) -> Payload | None:
        """The response that refuses what a CSMS that has not accepted the station may not ask for, else None.

        That holds also where the station may charge before it is accepted (B02.FR.05).
        """
        if self._registration is Registration.ACCEPTED or action not in _FOR_ACCEPTED_STATIONS:
            return None
        return {"status": "Rejected", "statusInfo": {"reasonCode": "CSNotAccepted"}}

    def boot_at_once(self) -> None:
        """Send a BootNotification although its time has not come: a TriggerMessage asks for it (B02.FR.04)."""
        self._asked_for = True

    def connected(self, offline_s: float | None) -> None:  # noqa: ARG002  # the block's interface
        """There is a new connection; by another way than the last one, the station registers anew (B10.FR.10)."""
        self._answered_at = -math.inf
        network = self._network()
        if self._connected_by not in (None, network):  # they need not be hashable
            self._registration = NEXT[self._registration, Verdict.MOVED]
            self._boot_at = -math.inf
            self._asked_for = False
        self._connected_by = network

    def forgotten(self) -> None:
        """The CSMS has answered SecurityError to what accepted stations may send: register again.

        Where it has accepted the station on this very connection, asking again at once would bring the same.
        """
        if self._registration is Registration.ACCEPTED:
            self._registration = NEXT[self._registration, Verdict.FORGOTTEN]
            self._boot_at = self._answered_at + OWN_RETRY_INTERVAL_S
            log.warning("%s: the CSMS does not know any more that it has accepted this station", self._identity)

    def next_call(self) -> Outgoing | None:
        """The BootNotification, when it is time for one.

        Its reason is that of the station's last boot, also when the CSMS has only forgotten the station.
        """
        if self._registration is Registration.ACCEPTED or self._monotonic() < self.due_at():
            return None
        asked_for = self._asked_for
        reason: BootReason = "Triggered" if asked_for else self._boot_reason

        def answered(payload: Payload) -> None:
            self._asked_for = self._asked_for and not asked_for
            self._answered(cast(BootNotificationResponse, payload))

        def failed(failure: CallFailed) -> None:
            if not isinstance(failure, ConnectionLost):  # then the back-off of the next connection is wait enough
                self._asked_for = False  # it was sent (F06.FR.10)
                self._boot_at = self._monotonic() + OWN_RETRY_INTERVAL_S
                log.info("%s: asking again in %g s", self._identity, OWN_RETRY_INTERVAL_S)

        charging_station = {
            "model": self._variables[STATION_MODEL],
            "vendorName": self._variables[STATION_VENDOR_NAME],
        }
        payload: Payload = {"chargingStation": charging_station, "reason": reason}
        return Outgoing("BootNotification", payload, answered, failed)

    def due_at(self) -> float:
        """When the next BootNotification is due."""
        if self._registration is Registration.ACCEPTED:
            return math.inf
        return -math.inf if self._asked_for else self._boot_at

    def _answered(self, response: BootNotificationResponse) -> None:
        self._answered_at = self._monotonic()
        interval_s = response["interval"]
        if follows_csms(self._variables):
            self._clock.set(date_time.from_wire(response["currentTime"]))  # B01.FR.06
        self._registration = NEXT[self._registration, Verdict(response["status"])]
        if self._registration is Registration.ACCEPTED:
            self._asked_for = False
            self._was_accepted = True
            if interval_s > 0:
                self._variables[HEARTBEAT_INTERVAL] = interval_s  # B01.FR.04
            log.info("%s: accepted, heartbeat every %d s", self._identity, self._variables[HEARTBEAT_INTERVAL])
            self._accepted()
        else:
            wait_s = interval_s if interval_s > 0 else OWN_RETRY_INTERVAL_S  # B02.FR.07, B02.FR.08
            self._boot_at = self._answered_at + wait_s
            log.info("%s: %s, asking again in %g s", self._identity, response["status"].lower(), wait_s)
