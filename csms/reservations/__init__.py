"""The reservations this CSMS has asked for, from before they are sent to their end."""

from csms.reservations.ledger import Reservations
from csms.reservations.record import Reservation, ReservationState, describe, sort_key

__all__ = ["Reservation", "ReservationState", "Reservations", "describe", "sort_key"]
