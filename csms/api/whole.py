"""Changes that are made whole, or not at all, also for a client that goes away meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from csms.store import StoreUnavailable

_LONGEST_S: Final = 30.0  # longer than a commit takes, and a goodbye to a station


@contextmanager
def made_whole() -> Iterator[None]:
    """What is begun in this block is ended, whether anybody waits for it or not: on disk, in memory, at the station.

    Raises StoreUnavailable when that takes too long.
    """
    with trio.move_on_after(_LONGEST_S, shield=True) as patience:
        yield
    if patience.cancelled_caught:
        raise StoreUnavailable("the database did not answer in time")
