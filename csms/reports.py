"""A report of a station's variables, and how much of it has come (B07, B08): values in, values out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

MOST_PARTS: Final = 10_000  # a part beyond is heard, but the report is never complete

FULL_INVENTORY: Final = "FullInventory"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one GetBaseReport or GetReport.

    report_base: None of GetReport, and of a report nobody here has asked for. status: of the station's answer to the
    request, None before it. seen: bit n says that the part with seqNo n has come. last_seq_no: of the part that
    nothing follows (tbc is false), None until it has come.
    """

    request_id: int
    report_base: str | None
    requested_at: datetime
    updated_at: datetime
    status: str | None = None
    seen: int = 0
    last_seq_no: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all parts from 0 to the last have come (B07.FR.10, B08.FR.14), in whatever order."""
        return self.last_seq_no is not None and not self.missing

    @property
    def missing(self) -> list[int]:
        """The seqNos, up to the highest known, of parts that have not come."""
        highest = max(self.seen.bit_length() - 1, -1 if self.last_seq_no is None else self.last_seq_no)
        return [seq_no for seq_no in range(highest + 1) if not self.seen >> seq_no & 1]

    @property
    def is_full_inventory(self) -> bool:
        """Whether it tells of all the station's variables (B07.FR.08)."""
        return self.report_base == FULL_INVENTORY

    def with_part(self, seq_no: int, *, tbc: bool, now: datetime) -> Report:
        """The report after a part has come; one that comes again changes nothing but the time."""
        if not 0 <= seq_no < MOST_PARTS:
            return replace(self, updated_at=now)
        last_seq_no = self.last_seq_no if tbc else max(seq_no, self.last_seq_no or 0)
        return replace(self, seen=self.seen | 1 << seq_no, last_seq_no=last_seq_no, updated_at=now)

    def without_part(self, seq_no: int) -> Report:
        """The report when that part could not be kept after all."""
        if not 0 <= seq_no < MOST_PARTS:
            return self
        return replace(self, seen=self.seen & ~(1 << seq_no))
