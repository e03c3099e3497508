"""Group commit: what all sessions have to write meets in one task, which commits it in batches.

Each writer waits until its part is on disk. While one batch is written the next gathers, so that those who wait for a
commit share what it costs.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import trio
from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from csms.store.bulk import Executor

log = logging.getLogger(__name__)

_JOBS_WAITING: Final = 20_000  # more than the database takes before the last of them has waited too long
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
    """What somebody waits for until `done`, and no longer than until the deadline."""

    deadline: float
    changes: Sequence[Change] = ()
    work: Work | None = None
    result: Any = None
    error: Exception | None = None
    done: trio.Event = field(default_factory=trio.Event)

    def dismiss(self, why: str) -> None:
        """Nothing of it is promised to be there."""
        if not self.done.is_set():
            self.error = StoreUnavailable(why)
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
        self._jobs: deque[_Job] = deque()  # the one who has waited longest first, whose deadline is the first
        self._has_jobs = trio.lowlevel.ParkingLot()
        self._is_closed = False
        self._listeners: list[Callable[[Commit], None]] = []
        self._is_away = False
        self._refused = 0
        self._told_at = -math.inf

    @property
    def waiting(self) -> int:
        """How many wait for the next batch."""
        return len(self._jobs)

    def after_commit(self, tell: Callable[[Commit], None]) -> None:
        """Have `tell` called after each batch, in the task of the writer: it must be quick and must not raise."""
        self._listeners.append(tell)

    async def commit(self, *changes: Change) -> None:
        """Write rows, and return when they are on disk. Raises StoreUnavailable."""
        await self._wait_for(_Job(trio.current_time() + self._patience_s, changes))

    async def run_in_transaction(self, work: Callable[[Connection], Any]) -> Any:
        """Have `work` done in a transaction, in a thread, and return its result when that is committed.

        It may be done again after a failure of others in its batch. Raises StoreUnavailable, or what `work` raises.
        """
        job = _Job(trio.current_time() + self._patience_s, work=work)
        await self._wait_for(job)
        return job.result

    async def run(self) -> None:
        """Write batch after batch. When it is cancelled, what it is at may yet be written; all who wait are told."""
        jobs: list[_Job] = []
        try:
            while await self._wait_for_jobs():
                jobs = self._take_jobs()
                batch = _Batch.of(jobs)
                started, was_away = trio.current_time(), self._is_away
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._dismiss_who_waits_too_long, jobs)
                    await self._in_thread(partial(self._write, batch))
                    nursery.cancel_scope.cancel()
                for finished in jobs:
                    finished.done.set()
                self._tell_of_refusals(jobs, was_away=was_away)
                commit = batch.summary(trio.current_time() - started)
                for tell in self._listeners:
                    tell(commit)
        finally:
            self.close()
            for job in [*jobs, *self._jobs]:
                job.dismiss("the store is closed")
            self._jobs.clear()

    def close(self) -> None:
        """Take nothing more; what waits is still written."""
        self._is_closed = True
        self._has_jobs.unpark_all()

    async def _wait_for_jobs(self) -> bool:
        """Whether there are any; none will come when it was closed."""
        while not self._jobs:
            if self._is_closed:
                return False
            await self._has_jobs.park()
        return True

    def _take_jobs(self) -> list[_Job]:
        return [self._jobs.popleft() for _ in range(min(len(self._jobs), _JOBS_AT_ONCE))]

    async def _dismiss_who_waits_too_long(self, being_written: Iterable[_Job]) -> None:
        """For as long as a batch is being written. One deadline here is far cheaper than one with each who waits."""
        for job in being_written:
            await trio.sleep_until(job.deadline)
            job.dismiss(self._too_late)
        while True:
            while self._jobs and self._jobs[0].deadline <= trio.current_time():
                self._jobs.popleft().dismiss(self._too_late)  # what has not begun is better left
            await trio.sleep_until(self._jobs[0].deadline if self._jobs else trio.current_time() + self._patience_s)

    @property
    def _too_late(self) -> str:
        return f"the database did not answer within {self._patience_s:g} s"

    async def _wait_for(self, job: _Job) -> None:
        """Until it is on disk, or will not be. Who is cancelled leaves it behind: it is written all the same."""
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        if len(self._jobs) >= _JOBS_WAITING:
            raise StoreUnavailable(f"{_JOBS_WAITING} others wait for the database")
        self._jobs.append(job)
        self._has_jobs.unpark()
        await job.done.wait()
        if job.error is not None:
            raise job.error

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
