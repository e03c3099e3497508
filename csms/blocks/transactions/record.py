"""What is at hand of one transaction, so that its next event can be answered without asking the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from csms.blocks.transactions.rules import COLUMNS, Extent, Payload, SeqNos
from csms.store import Row as NewRow
from csms.tokens import Key

Name = tuple[str, str]
"""Station and transactionId."""


class Record:
    """What is at hand of one transaction.

    token: what it charges on, when that was accepted. last_response: to the event last_seq_no, which is the one most
    often resent. superseded: a later transaction has started on its EVSE, so it can no longer be running. asked: the
    connection that GetTransactionStatus was sent on.
    """

    __slots__ = (
        "asked", "evse_id", "extent", "final_seq_no", "first_at", "first_seq_no", "last_response", "last_seq_no",
        "name", "seq_nos", "superseded", "token",
    )  # fmt: skip

    def __init__(self, name: Name) -> None:
        self.name = name
        self.seq_nos = SeqNos()
        self.first_seq_no: int | None = None
        self.final_seq_no: int | None = None
        self.first_at: int | None = None
        self.extent = Extent()
        self.evse_id: int | None = None
        self.token: Key | None = None
        self.last_seq_no: int | None = None
        self.last_response: Payload = {}
        self.superseded = False
        self.asked: object = None

    @property
    def is_complete(self) -> bool:
        return self.final_seq_no is not None and self.seq_nos.is_complete(self.first_seq_no, self.final_seq_no)

    @property
    def is_running(self) -> bool:
        """Whether it counts as a transaction of its token."""
        return self.final_seq_no is None and not self.superseded

    @classmethod
    def of_row(cls, row: Row[Any], seq_nos: SeqNos) -> Record:
        """Of a row of the table. seq_nos: of its events that have come."""
        record = cls((row.station_id, row.transaction_id))
        record.seq_nos = seq_nos
        record.learn({name: getattr(row, name) for name in COLUMNS})
        return record

    def learn(self, row: NewRow) -> None:
        """What an event tells. row: as rules.row_of() made it."""
        if row["first_seq_no"] is not None:
            self.first_seq_no = row["first_seq_no"]
        if row["final_seq_no"] is not None:
            self.final_seq_no = row["final_seq_no"]
        if row["evse_id"] is not None:
            self.evse_id = row["evse_id"]
        if self.first_at is None or row["first_at"] < self.first_at:
            self.first_at = row["first_at"]
        self.extent = self.extent.merged(row)
        status = row["token_status"]
        if self.token is None and status == "Accepted":
            self.token = (row["id_token_type"], row["id_token"].lower())
