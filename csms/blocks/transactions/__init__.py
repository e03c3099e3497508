"""E Transactions: each event is kept whole, and what they tell together is the transaction."""

from __future__ import annotations

from csms.blocks.transactions.handlers import transaction_event
from csms.blocks.transactions.ledger import Ledger

__all__ = ["Ledger", "transaction_event"]
