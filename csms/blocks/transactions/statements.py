"""The statements that read and write transactions: whatever order their events come in, the row comes out the same."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql

from csms.store import Store
from csms.store.tables import transaction_events, transactions

_KEY: Final = (transactions.c.station_id, transactions.c.transaction_id)
_EVENT_KEY: Final = (transaction_events.c.station_id, transaction_events.c.transaction_id)
RESPONSE: Final = select(transaction_events.c.response).where(
    _EVENT_KEY[0] == bindparam("station"),
    _EVENT_KEY[1] == bindparam("transaction"),
    transaction_events.c.seq_no == bindparam("number"),
)
NOTE_STATUS: Final = (
    update(transactions)
    .where(_KEY[0] == bindparam("station"), _KEY[1] == bindparam("transaction"))
    .values(messages_in_queue=bindparam("in_queue"), asked_at=bindparam("asked"))
)


def merge_statement(store: Store) -> postgresql.Insert:
    """INSERT … ON CONFLICT that merges what events tell, in any order: each column is a minimum or a maximum.

    Where two columns belong together, the one that decides is compared, and the other goes with it.
    """
    insert = store.insert(transactions)
    new, old = insert.excluded, transactions.c
    earlier = _decides(old.register_first_at, new.register_first_at, new.register_first_at < old.register_first_at)
    later = _decides(old.register_last_at, new.register_last_at, new.register_last_at > old.register_last_at)
    first_token = _decides(old.token_seq_no, new.token_seq_no, new.token_seq_no < old.token_seq_no)
    last_state = _decides(old.state_seq_no, new.state_seq_no, new.state_seq_no > old.state_seq_no)
    last_end = _decides(old.final_seq_no, new.final_seq_no, new.final_seq_no > old.final_seq_no)
    least = ("first_at", "started_at", "first_seq_no", "remote_start_id", "reservation_id", "token_seq_no",
             "register_first_at")  # fmt: skip
    greatest = ("ended_at", "final_seq_no", "evse_id", "connector_id", "state_seq_no", "register_last_at", "updated_at")
    same_first = new.register_first_at == old.register_first_at
    same_last = new.register_last_at == old.register_last_at
    return insert.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={
            **{name: _least(old[name], new[name]) for name in least},
            **{name: _greatest(old[name], new[name]) for name in greatest},
            "id_token": case((first_token, new.id_token), else_=old.id_token),
            "id_token_type": case((first_token, new.id_token_type), else_=old.id_token_type),
            "token_status": case((first_token, new.token_status), else_=old.token_status),
            "charging_state": case((last_state, new.charging_state), else_=old.charging_state),
            "stopped_reason": case((last_end, new.stopped_reason), else_=old.stopped_reason),
            "register_first_wh": case(
                (earlier, new.register_first_wh),
                (same_first, _least(old.register_first_wh, new.register_first_wh)),
                else_=old.register_first_wh,
            ),
            "register_last_wh": case(
                (later, new.register_last_wh),
                (same_last, _greatest(old.register_last_wh, new.register_last_wh)),
                else_=old.register_last_wh,
            ),
        },
    )


def _decides(old: ColumnElement[Any], new: ColumnElement[Any], better: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the new row has what decides, and the old one has not or a worse one."""
    return better | (old.is_(None) & new.is_not(None))


def _least(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The lesser, NULL being no value; min() and least() differ between the databases."""
    return case((old < new, old), else_=func.coalesce(new, old))


def _greatest(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((old > new, old), else_=func.coalesce(new, old))


def open_query(since: int) -> Select[Any]:
    """Open transactions with the extent of their seqNos, the last heard of first."""
    seq_no = transaction_events.c.seq_no
    extents = (
        select(
            *_EVENT_KEY,
            func.min(seq_no).label("lowest"),
            func.max(seq_no).label("highest"),
            func.count().label("count"),
        )
        .join(transactions, (_EVENT_KEY[0] == _KEY[0]) & (_EVENT_KEY[1] == _KEY[1]))
        .where(transactions.c.ended_at.is_(None), transactions.c.updated_at >= since)
        .group_by(*_EVENT_KEY)
        .subquery()
    )
    return (
        select(transactions, extents.c.lowest, extents.c.highest, extents.c.count)
        .join(extents, (extents.c.station_id == _KEY[0]) & (extents.c.transaction_id == _KEY[1]))
        .order_by(transactions.c.updated_at.desc())
    )
