"""H Reservation: EVSEs are kept free for whom they are reserved, until the reservation expires (H01, H02, H04)."""

from station.blocks.reservation.handlers import Reservations

__all__ = ["Reservations"]
