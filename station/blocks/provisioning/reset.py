"""The CSMS has the station, or an EVSE of it, reset: at once, or when it is idle (B11, B12)."""

from __future__ import annotations

import enum
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NotRequired, Protocol, TypedDict

from station.blocks.block import Block, Handler
from station.blocks.provisioning.registration import BootReason
from station.device_model import MESSAGE_TIMEOUT, DeviceModel
from station.hardware import Hardware
from station.outgoing import Payload

log = logging.getLogger()

ResetType = Literal["Immediate", "OnIdle"]
ResetStatus = Literal["Accepted", "Rejected", "Scheduled"]

ANSWER_S: Final = 1.0
"""From the answer to the reset: the answer has to get through."""
EVSE_RESET_S: Final = 5.0
"""How long an EVSE is out of use when it is reset."""


class ResetRequest(TypedDict):
    type: ResetType
    evseId: NotRequired[int]


class Transactions(Protocol):
    """What a reset needs to know of transactions. evse_id: None for any EVSE."""

    def busy(self, evse_id: int | None, /) -> bool:
        """There is a transaction, or somebody who is about to begin one, or whose cable is kept."""
        ...

    def end(self, evse_id: int | None, reason: Literal["ImmediateReset"], /) -> None:
        """End what is ongoing. reason: ReasonEnumType, for stoppedReason; triggerReason is ResetCommand then."""
        ...

    def unsent(self, evse_id: int | None, /) -> bool:
        """The CSMS has not answered the Ended event of a transaction."""
        ...


class Stage(enum.Enum):
    """How far a reset has come."""

    WAITING = "until nobody is busy with it"
    REPORTING = "until the CSMS knows of the transactions that have ended"
    OFF = "while it is out of use"


@dataclass(slots=True)
class _Reset:
    stage: Stage
    reason: BootReason
    next_at: float  # not before then, and no later where the stage has a deadline
    give_up_at: float = math.inf


def reset_status(reset_type: ResetType, *, exists: bool, busy: bool) -> ResetStatus:
    """How a ResetRequest is answered (B11.FR.03, B11.FR.07, B11.FR.09, B12.FR.01, B12.FR.02).

    exists: what is to be reset. busy: it is not idle, which is more than to have no transaction (errata 2025-09 §2.14).
    """
    if not exists:
        return "Rejected"
    return "Scheduled" if reset_type == "OnIdle" and busy else "Accepted"


class Resets(Block):
    """Resets what it was asked to, when the time has come."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        variables: DeviceModel,
        transactions: Transactions,
        *,
        monotonic: Callable[[], float],
        reboot: Callable[[BootReason], None],
    ) -> None:
        """reboot: boots the station anew, which ends this object's life."""
        self._identity = identity
        self._hardware = hardware
        self._variables = variables
        self._transactions = transactions
        self._monotonic = monotonic
        self._reboot = reboot
        self._resets: dict[int | None, _Reset] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"Reset": self.reset}

    def closes(self, evse_id: int) -> bool:
        """The EVSE is to be reset, alone or with the station, and takes nobody new until then (B12 scenario, 3a)."""
        resets = [self._resets[target] for target in (None, evse_id) if target in self._resets]
        return any(reset.stage is not Stage.WAITING or not self._transactions.busy(evse_id) for reset in resets)

    def reset(self, request: ResetRequest) -> Payload:
        """Answer Reset. One that comes while another waits for the same takes its place."""
        evse_id, reset_type = request.get("evseId"), request["type"]
        exists = evse_id is None or self._hardware.evse(evse_id) is not None
        status = reset_status(reset_type, exists=exists, busy=exists and self._transactions.busy(evse_id))
        if status == "Rejected":
            info = {"reasonCode": "UnknownEvse", "additionalInfo": f"there is no EVSE {evse_id}"}
            return {"status": status, "statusInfo": info}
        now = self._monotonic()
        if status == "Scheduled":
            self._resets[evse_id] = _Reset(Stage.WAITING, "ScheduledReset", now)
        else:
            self._transactions.end(evse_id, "ImmediateReset")  # B12.FR.04, B12.FR.08
            self._resets[evse_id] = self._reporting("RemoteReset")
        log.info("%s: reset of %s: %s", self._identity, _named(evse_id), status.lower())
        return {"status": status}

    def tick(self) -> bool:
        """Take each reset as far as it can go."""
        return any(self._advance(evse_id, reset) for evse_id, reset in tuple(self._resets.items()))

    def tick_at(self) -> float:
        now = self._monotonic()
        times = (time for reset in self._resets.values() for time in (reset.next_at, reset.give_up_at))
        return min((time for time in times if time > now), default=math.inf)

    def _advance(self, evse_id: int | None, reset: _Reset) -> bool:
        """Take one reset a step on, if it is time. Returns whether that has changed anything."""
        now = self._monotonic()
        if now < reset.next_at:
            return False
        match reset.stage:
            case Stage.WAITING:
                if self._transactions.busy(evse_id):
                    return False
                self._resets[evse_id] = self._reporting(reset.reason)
            case Stage.REPORTING:
                if self._transactions.unsent(evse_id) and now < reset.give_up_at:
                    return False
                self._execute(evse_id, reset)
            case Stage.OFF:
                del self._resets[evse_id]
                log.info("%s: %s is reset", self._identity, _named(evse_id))
        return True

    def _reporting(self, reason: BootReason) -> _Reset:
        """What is not answered by then stays in the queue, over the reboot (B12.FR.05)."""
        now = self._monotonic()
        patience_s = ANSWER_S + self._variables[MESSAGE_TIMEOUT]
        return _Reset(Stage.REPORTING, reason, now + ANSWER_S, now + patience_s)

    def _execute(self, evse_id: int | None, reset: _Reset) -> None:
        off_s = EVSE_RESET_S if evse_id is not None else math.inf  # the boot makes another of these objects
        self._resets[evse_id] = _Reset(Stage.OFF, reset.reason, self._monotonic() + off_s)
        if evse_id is None:
            self._reboot(reset.reason)


def _named(evse_id: int | None) -> str:
    return "the station" if evse_id is None else f"EVSE {evse_id}"
