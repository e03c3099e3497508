"""The reservations of one station: what the CSMS asks for, what time and defects do to them, what it is told."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NotRequired, TypedDict

from shared.clock import Clock
from shared.ocppj import date_time
from shared.ocppj.errors import CallFailed, CallRefused, CallTimedOut, ConnectionLost
from station.blocks.block import Block, Handler
from station.blocks.reservation import rules
from station.blocks.reservation.memory import Update, UpdateStatus, recalled, remembered
from station.blocks.reservation.rules import Condition, Place, Reservation
from station.device_model import (
    ADDITIONAL_INFO_ITEMS_PER_MESSAGE,
    RESERVATION_AVAILABLE,
    RESERVATION_ENABLED,
    RESERVATION_NON_EVSE_SPECIFIC,
    DeviceModel,
)
from station.hardware import Connector, Evse, Hardware
from station.id_token import TOO_MANY_ITEMS, IdToken, additional_items
from station.outgoing import Outgoing, Payload
from station.state import State
from station.state.keys import RESERVATIONS

log = logging.getLogger()

UPDATES_KEPT: Final = 64
"""ReservationStatusUpdates that wait for the CSMS; beyond, the oldest are dropped."""
UNANSWERED_PAUSE_S: Final = 30.0
"""Before an update that the CSMS left unanswered is sent again, so that other messages have their turn."""


class ReserveNowRequest(TypedDict):
    id: int
    expiryDateTime: str
    idToken: IdToken
    groupIdToken: NotRequired[IdToken]
    connectorType: NotRequired[str]
    evseId: NotRequired[int]


class CancelReservationRequest(TypedDict):
    reservationId: int


class Reservations(Block):
    """The station's book of reservations."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        variables: DeviceModel,
        clock: Clock,
        state: State,
        *,
        monotonic: Callable[[], float],
        charging: Callable[[int], bool] = lambda _: False,
        closed: Callable[[int], bool] = lambda _: False,
        resetting: Callable[[int], bool] = lambda _: False,
    ) -> None:
        """state: holds the reservations, and the updates that wait, from before the boot (B01.FR.13).

        Of an EVSE by its id, charging: there is a transaction, or somebody who may begin one, although there may be no
        vehicle yet. closed: it takes nobody new, as it will go out of use. resetting: nor does this one, but it keeps
        its reservations (B11.FR.05). They are asked only after this object was made.
        """
        self._identity = identity
        self._hardware = hardware
        self._variables = variables
        self._clock = clock
        self._monotonic = monotonic
        self._charging = charging
        self._closed = closed
        self._resetting = resetting
        self._state = state
        self._book, updates = recalled(state.get(RESERVATIONS))
        self._updates: list[Update] = list(updates)
        self._update_not_before = -math.inf

    @property
    def held(self) -> frozenset[int]:
        """The ids of the EVSEs whose connectors are Reserved."""
        return self._book.held

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"CancelReservation": self.cancel_reservation, "ReserveNow": self.reserve_now}

    def tick(self) -> bool:
        """End what has expired, and what cannot be kept any more, also since before the boot."""
        before = self._book
        self.hardware_changed()
        return self._book != before

    def tick_at(self) -> float:
        """When the next reservation expires; the clock may be set meanwhile, which counts as a change."""
        expiry = self._book.next_expiry
        return math.inf if expiry is None else self._monotonic() + (expiry - self._clock.now()).total_seconds()

    def view(self) -> Mapping[str, Any]:
        """The reservations there are, and the EVSEs whose connectors are Reserved."""
        return {
            "reservations": [
                {
                    "id": reservation.id,
                    "evseId": reservation.evse_id,
                    "connectorType": reservation.connector_type,
                    "expiryDateTime": date_time.to_wire(reservation.expires_at),
                }
                for reservation in self._book.reservations
            ],
            "reserved_evses": sorted(self._book.held),
        }

    def reserve_now(self, request: ReserveNowRequest) -> Payload:
        """Answer ReserveNow (H01); Rejected also for an EVSE that is not there and for a time that has passed."""
        self.expire()
        wanted = Reservation(
            request["id"],
            date_time.from_wire(request["expiryDateTime"]),
            request.get("evseId"),
            request.get("connectorType"),
            request["idToken"],
            request.get("groupIdToken"),
        )
        if not self._takes(wanted) or wanted.expires_at <= self._clock.now():
            return {"status": "Rejected"}
        if (
            additional_items(wanted.id_token, wanted.group_id_token)
            > self._variables[ADDITIONAL_INFO_ITEMS_PER_MESSAGE]
        ):
            return {"status": "Rejected", "statusInfo": TOO_MANY_ITEMS}
        places = self._places()
        targeted = [place.evse_id for place in places if rules.targets(wanted, place)]
        if targeted and all(self._resetting(evse_id) for evse_id in targeted):
            return {"status": "Unavailable"}  # H01.FR.14
        self._book, status = rules.reserve(self._book, wanted, places)
        self._remember()
        return {"status": status}

    def cancel_reservation(self, request: CancelReservationRequest) -> Payload:
        """Answer CancelReservation (H02)."""
        self.expire()
        book = rules.cancel(self._book, request["reservationId"], self._places())
        if book is None:
            return {"status": "Rejected"}
        self._book = book
        self._remember()
        return {"status": "Accepted"}

    def expire(self) -> bool:
        """End what has expired, and have the CSMS told (H04). Returns whether there was any."""
        expiry = self._book.next_expiry
        if expiry is None or expiry > self._clock.now():
            return False
        self._book, expired = rules.expire(self._book, self._clock.now(), self._places())
        for reservation in expired:
            self._tell(reservation, "Expired")
        if expired:
            self._remember()
        return bool(expired)

    def may_use(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> bool:
        """Whether an EVSE is not kept for somebody else (H03.FR.01 to H03.FR.06)."""
        self.expire()
        return any(
            rules.usable_by(self._book, place, id_token, group_id_token)[0]
            for place in self._places()
            if place.evse_id == evse_id
        )

    def holds_for(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> bool:
        """Whether an EVSE is kept for just this one (F01.FR.20)."""
        return evse_id in self._book.held and self.may_use(evse_id, id_token, group_id_token)

    def use(self, evse_id: int, id_token: IdToken, group_id_token: IdToken | None) -> int | None:
        """Somebody charges at an EVSE: use up the reservation for it (H03.FR.09). Returns its id, None for none.

        The CSMS learns it from the transaction (E01.FR.13); no update is sent.
        """
        for place in self._places():
            if place.evse_id == evse_id:
                _, used = rules.usable_by(self._book, place, id_token, group_id_token)
                if used is not None:
                    log.info("%s: reservation %d: used at EVSE %d", self._identity, used.id, evse_id)
                    self._book = rules.cancel(self._book, used.id, self._places()) or self._book
                    self._remember()
                    return used.id
        return None

    def hardware_changed(self) -> None:
        """End what the hardware cannot keep any more, and have the CSMS told (H01.FR.16, H01.FR.17)."""
        if not self._book.reservations:
            return
        self.expire()
        before = self._book
        self._book, removed = rules.settle(before, self._places())
        for reservation in removed:
            self._tell(reservation, "Removed")
        if self._book != before:
            self._remember()

    def next_call(self) -> Outgoing | None:
        """The ReservationStatusUpdate that waits longest."""
        if not self._updates or self._monotonic() < self._update_not_before:
            return None
        update = self._updates[0]

        def delivered() -> None:
            if self._updates and self._updates[0] is update:
                del self._updates[0]
                self._remember()

        def late(result: Payload | CallFailed) -> None:
            if not isinstance(result, CallFailed):
                delivered()

        def failed(failure: CallFailed) -> None:
            match failure:
                case ConnectionLost() | CallRefused(code="SecurityError"):
                    pass  # sent again when the station is connected or registered again
                case CallTimedOut():
                    self._update_not_before = self._monotonic() + UNANSWERED_PAUSE_S
                case _:
                    delivered()  # sending it again will not help

        payload: Payload = {"reservationId": update[0], "reservationUpdateStatus": update[1]}
        return Outgoing("ReservationStatusUpdate", payload, lambda _: delivered(), failed, late=late)

    def due_at(self) -> float:
        """When an update that was left unanswered is sent again."""
        return self._update_not_before if self._updates else math.inf

    def _takes(self, wanted: Reservation) -> bool:
        if not self._variables[RESERVATION_AVAILABLE] or not self._variables[RESERVATION_ENABLED]:  # H01.FR.01
            return False
        return wanted.evse_id is not None or self._variables[RESERVATION_NON_EVSE_SPECIFIC]  # H01.FR.18, H01.FR.19

    def _tell(self, reservation: Reservation, status: UpdateStatus) -> None:
        log.info("%s: reservation %d: %s", self._identity, reservation.id, status)
        if len(self._updates) == UPDATES_KEPT:
            reservation_id, dropped = self._updates.pop(0)
            log.warning("%s: reservation %d: the CSMS is not told %s", self._identity, reservation_id, dropped)
        self._updates.append((reservation.id, status))

    def _remember(self) -> None:
        self._state.put(RESERVATIONS, remembered(self._book, self._updates))

    def _places(self) -> list[Place]:
        return [
            Place(
                evse.evse_id,
                tuple((connector.connector_type, self._condition(evse, connector)) for connector in evse.connectors),
                evse.plugged_in or self._charging(evse.evse_id),
            )
            for evse in self._hardware.evses
        ]

    def _condition(self, evse: Evse, connector: Connector) -> Condition:
        if connector.faulted:
            return Condition.FAULTED
        in_use = self._hardware.in_use(evse, connector) and not self._closed(evse.evse_id)
        return Condition.USABLE if in_use else Condition.UNAVAILABLE
