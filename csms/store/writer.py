"""Group commit: what all sessions have to write meets in one task, which commits it in batches.

Each writer waits until its part is on disk. While one batch is written the next gathers, so that those who wait for a
commit share what it costs.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import trio
from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from csms.store.bulk import Executor

log = logging.getLogger(__name__)

_JOBS_WAITING: Final = 2_000
_JOBS_AT_ONCE: Final = 500
_TELL_EVERY_S: Final = 10.0  # that the database refuses: with many stations it may do so hundreds of times a second

Row = dict[str, Any]
Work = Callable[[Connection], Any]
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does what blocks where it does not block the loop, and returns its result."""


class StoreUnavailable(Exception):
    """The database did not take it: nothing of what was to be written is promised to be there."""


@dataclass(frozen=True, slots=True)
class Change:
    """Rows for one statement, which takes each of them as its parameters.

    statement: one object for all Changes of a kind, so that the rows of a batch go to the database together. It must
    do no harm twice, nor in another order than other Changes that are written at the same time.
    """

    statement: Executable
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Commit:
    """A batch that the writer has dealt with.

    rows: of all Changes. statements: id() of each statement of theirs. has_work: work was done in it, which may have
    written anything.
    """

    jobs: int
    failed: int
    rows: int
    duration_s: float
    statements: frozenset[int]
    has_work: bool


@dataclass(slots=True, eq=False)
class _Job:
    changes: Sequence[Change] = ()
    work: Work | None = None
    result: Any = None
    error: Exception | None = None
    done: trio.Event = field(default_factory=trio.Event)
    is_given_up: bool = False

    def dismiss(self) -> None:
        """Nothing of it is promised to be there."""
        self.error = StoreUnavailable("the store is closed")
        self.done.set()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Jobs that share a transaction. rows: of all their Changes, by id() of the statement."""

    jobs: Sequence[_Job]
    rows: dict[int, tuple[Executable, list[Row]]]
    has_work: bool

    @classmethod
    def of(cls, jobs: Sequence[_Job]) -> _Batch:
        rows: dict[int, tuple[Executable, list[Row]]] = {}
        has_work = False
        for job in jobs:
            has_work = has_work or job.work is not None
            for change in job.changes:
                key = id(change.statement)
                if key in rows:
                    rows[key][1].extend(change.rows)
                else:
                    rows[key] = (change.statement, list(change.rows))
        return cls(jobs, rows, has_work)

    def summary(self, duration_s: float) -> Commit:
        return Commit(
            jobs=len(self.jobs),
            failed=sum(job.error is not None for job in self.jobs),
            rows=sum(len(rows) for _, rows in self.rows.values()),
            duration_s=duration_s,
            statements=frozenset(self.rows),
            has_work=self.has_work,
        )


class Writer:
    """Writes for everybody. `run()` is its life; it ends when `close()` was called and all is written."""

    def __init__(self, engine: Engine, in_thread: InThread, *, patience_s: float = 20.0) -> None:
        """in_thread: called for one batch at a time. patience_s: how long a writer waits in all."""
        self._engine = engine
        self._executor = Executor(engine.dialect)
        self._in_thread = in_thread
        self._patience_s = patience_s
        self._put, self._jobs = trio.open_memory_channel[_Job](_JOBS_WAITING)
        self._listeners: list[Callable[[Commit], None]] = []
        self._is_away = False
        self._refused = 0
        self._told_at = -math.inf

    @property
    def waiting(self) -> int:
        """How many wait for a batch that has room for them."""
        return self._jobs.statistics().current_buffer_used

    def after_commit(self, tell: Callable[[Commit], None]) -> None:
        """Have `tell` called after each batch, in the task of the writer: it must be quick and must not raise."""
        self._listeners.append(tell)

    async def commit(self, *changes: Change) -> None:
        """Write rows, and return when they are on disk. Raises StoreUnavailable."""
        await self._wait_for(_Job(changes=changes))

    async def run_in_transaction(self, work: Callable[[Connection], Any]) -> Any:
        """Have `work` done in a transaction, in a thread, and return its result when that is committed.

        It may be done again after a failure of others in its batch. Raises StoreUnavailable, or what `work` raises.
        """
        job = _Job(work=work)
        await self._wait_for(job)
        return job.result

    async def run(self) -> None:
        """Write batch after batch. When it is cancelled, what it is at may yet be written; all who wait are told."""
        jobs: list[_Job] = []
        try:
            async for job in self._jobs:
                jobs = [job, *self._waiting_jobs(_JOBS_AT_ONCE - 1)]
                jobs = [job for job in jobs if not job.is_given_up]
                if not jobs:
                    continue
                batch = _Batch.of(jobs)
                started, was_away = trio.current_time(), self._is_away
                await self._in_thread(partial(self._write, batch))
                for finished in jobs:
                    finished.done.set()
                self._tell_of_refusals(jobs, was_away=was_away)
                commit = batch.summary(trio.current_time() - started)
                for tell in self._listeners:
                    tell(commit)
        finally:
            for job in [*jobs, *self._waiting_jobs()]:
                if not job.done.is_set():
                    job.dismiss()
            self._jobs.close()

    def close(self) -> None:
        """Take nothing more; what waits is still written."""
        self._put.close()

    def _waiting_jobs(self, most: float = math.inf) -> list[_Job]:
        jobs: list[_Job] = []
        while len(jobs) < most:
            try:
                jobs.append(self._jobs.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                break
        return jobs

    async def _wait_for(self, job: _Job) -> None:
        with trio.move_on_after(self._patience_s):
            try:
                try:
                    self._put.send_nowait(job)
                except trio.WouldBlock:
                    await self._put.send(job)
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                raise StoreUnavailable("the store is closed") from None
            await job.done.wait()
            if job.error is not None:
                raise job.error
            return
        job.is_given_up = True  # its maker is told that nothing was promised: what has not begun is better left
        raise StoreUnavailable(f"the database did not answer within {self._patience_s:g} s")

    def _tell_of_refusals(self, jobs: list[_Job], *, was_away: bool) -> None:
        refusals = [job.error for job in jobs if isinstance(job.error, StoreUnavailable)]
        self._refused += len(refusals)
        now = trio.current_time()
        if refusals and now >= self._told_at + _TELL_EVERY_S:
            log.error("the database did not take %d writes: %s", self._refused, refusals[-1])
            self._refused, self._told_at = 0, now
        if was_away and not self._is_away:
            log.warning("the database takes what is written again")
            self._refused, self._told_at = 0, -math.inf

    def _write(self, batch: _Batch) -> None:
        """In the thread: all in one transaction; where one is to blame that this fails, each in its own."""
        try:
            self._write_together(batch)
            if any(job.changes for job in batch.jobs):  # else it may not have written anything
                self._is_away = False
        except Exception as error:  # noqa: BLE001 - it is raised where the job came from
            self._is_away = _is_unavailable(error)
            if len(batch.jobs) > 1 and not self._is_away:
                for job in batch.jobs:
                    self._write(_Batch.of([job]))
            else:
                _fail(batch.jobs, error)

    def _write_together(self, batch: _Batch) -> None:
        with self._engine.begin() as connection:
            for statement, rows in batch.rows.values():
                if rows:
                    self._executor.execute(connection, statement, rows)
            for job in batch.jobs:
                if job.work is not None:
                    job.result = job.work(connection)


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        job.error = StoreUnavailable(_brief(error)) if isinstance(error, SQLAlchemyError) else error


def _is_unavailable(error: Exception) -> bool:
    """Whether it is the database's fault, and not that of what was to be written."""
    return isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def _brief(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).partition("\n")[0]
