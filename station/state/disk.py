"""A state in a directory: a station that is started again is the same station, whatever ended it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import trio

from station.state import keys
from station.state.base import State
from station.state.sqlite_file import SqliteFile, StateUnavailable

FILE_NAME: Final = "station.sqlite3"
_CLOSING_TIMEOUT_S: Final = 5.0


class DiskState(State):
    """Holds everything in memory, too; only `keep()` waits for the disk, in a thread."""

    __slots__ = ("_along", "_batch", "_batch_kept", "_file", "_limiter", "_turn")

    def __init__(self, file: SqliteFile, kept: dict[str, bytes], limiter: trio.CapacityLimiter) -> None:
        """kept: what the file holds. limiter: for the threads that write."""
        super().__init__(kept)
        self._file = file
        self._limiter = limiter
        self._turn = trio.Lock()
        self._along: dict[str, Callable[[], Any]] = {}
        self._batch = 1  # the number of the commit that what is put now goes into
        self._batch_kept = 0

    async def keep(self) -> None:
        """As State.keep; who comes while a commit is under way shares the next one."""
        mine = self._batch
        async with self._turn:
            if self._batch_kept < mine and self._changes:
                await self._commit()

    def keep_along(self, key: str, value: Callable[[], Any]) -> None:
        self._along[key] = value

    async def keep_at_last(self) -> None:
        """Keep everything, also what only goes along with other changes."""
        self._put_along()
        while self.unkept:
            await self.keep()

    def _put_along(self) -> None:
        for key, value in self._along.items():
            self.put(key, value())

    async def _commit(self) -> None:
        self._put_along()
        number, self._batch = self._batch, self._batch + 1
        self._writing, self._changes = self._changes, {}
        try:
            # A thread that has begun is waited for, even by who is cancelled: so what is believed to be on disk is.
            await trio.to_thread.run_sync(self._file.write, self._writing, limiter=self._limiter)
        except BaseException:
            self._changes = {**self._writing, **self._changes}
            raise
        else:
            self._settle(self._writing)
            self._batch_kept = number
        finally:
            self._writing = {}


@asynccontextmanager
async def open_state(
    directory: Path, identity: str, *, limiter: trio.CapacityLimiter | None = None
) -> AsyncIterator[DiskState]:
    """The state of the station with this identity, in a directory of its own that is made where it is not there.

    It is kept, and the directory let go of, at the end. limiter: for the threads, where many stations share some.
    Raises StateUnavailable, also for a directory that is in use or that is another station's.
    """
    limiter = limiter or trio.CapacityLimiter(1)
    file = await trio.to_thread.run_sync(SqliteFile, directory / FILE_NAME, limiter=limiter)
    try:
        state = DiskState(file, await trio.to_thread.run_sync(file.load, limiter=limiter), limiter)
        owner = state.get(keys.IDENTITY)
        if owner not in {None, identity}:
            raise StateUnavailable(f"{directory} is the state of {owner}: {identity} needs a directory of its own")
        state.put(keys.IDENTITY, identity)
        await state.keep()
        yield state
        with trio.move_on_after(_CLOSING_TIMEOUT_S, shield=True):
            await state.keep_at_last()
    finally:
        with trio.move_on_after(_CLOSING_TIMEOUT_S, shield=True):
            await trio.to_thread.run_sync(file.close, limiter=limiter)
