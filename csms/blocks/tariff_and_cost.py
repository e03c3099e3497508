"""I Tariff and cost: what a transaction costs so far, and in the end, for the station to show to its driver."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from csms.blocks.conversation import Conversation, Payload
from csms.store import Row
from csms.tariffs import Cost

if TYPE_CHECKING:  # its package has handlers, which need this module
    from csms.blocks.transactions.record import Record

log = logging.getLogger(__name__)


async def cost_to_tell(conversation: Conversation, request: Payload, record: Record, row: Row) -> Cost | None:
    """What the answer to an event tells as totalCost: of Ended the whole (I03.FR.02), of Updated so far (I02.FR.01).

    None when it is not known: no tariff was in force when the transaction began, something before this event has not
    come, or no meter reading has, or the station shows another currency. A free transaction costs 0 (I03.FR.04). Nor is
    it told of an Updated that comes late, when nobody is shown anything any more.

    record: what is known without this event. row: what it tells. Raises StoreUnavailable.
    """
    if conversation.tariffs.is_empty:
        return None
    event_type = request["eventType"]
    is_late = request.get("offline", False) or record.final_seq_no is not None
    if event_type == "Started" or (event_type == "Updated" and is_late):
        return None
    extent = record.extent.merged(row)
    if extent.started_at is None or conversation.tariffs.at(extent.started_at) is None:
        return None
    seq_no = int(request["seqNo"])
    if record.seq_nos.with_one_more(seq_no).missing(record.first_seq_no, seq_no):
        return None
    cost = conversation.tariffs.cost(extent.started_at, row["first_at"], extent.first_wh, extent.last_wh)
    if cost is None:
        return None
    station_id, transaction_id = record.name
    currency = await conversation.device_models.currency(station_id)
    if currency is not None and currency != cost.currency:
        log.info(
            "%s: transaction %s costs %s %s, which the station is not told: TariffCostCtrlr.Currency is %s",
            station_id, transaction_id, cost.amount, cost.currency, currency,
        )  # fmt: skip
        return None
    return cost
