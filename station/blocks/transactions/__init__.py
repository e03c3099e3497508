"""E Transactions: what is charged, for whom, from when to when, and that the CSMS is told all of it (E01-E15)."""

from station.blocks.transactions.admission import Decided, Reservations
from station.blocks.transactions.block import Transactions
from station.blocks.transactions.session import Session

__all__ = ["Decided", "Reservations", "Session", "Transactions"]
