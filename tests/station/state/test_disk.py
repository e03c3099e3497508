"""A state on disk: what outlives the process, and who may open it. Real files and threads, so the real clock."""

from __future__ import annotations

import sqlite3
import stat
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from subprocess import PIPE

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from station.state.base import Changes
from station.state.disk import FILE_NAME, DiskState, open_state
from station.state.sqlite_file import SqliteFile, StateUnavailable
from station.state.upgrade import FORMAT

ROOT = Path(__file__).parents[3]
PATIENCE_S = 30.0


class WatchedFile(SqliteFile):
    """Counts the commits, and lets none through while `gate` is closed, nor while it is `broken`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False
        self.commits: list[Changes] = []

    def write(self, changes: Changes) -> None:
        assert self.gate.wait(PATIENCE_S)
        if self.broken:
            raise StateUnavailable("the disk is full")
        super().write(changes)
        self.commits.append(dict(changes))


@asynccontextmanager
async def watched_state(directory: Path) -> AsyncIterator[tuple[DiskState, WatchedFile]]:
    file = WatchedFile(directory / FILE_NAME)
    try:
        with trio.fail_after(PATIENCE_S):
            yield DiskState(file, file.load(), trio.CapacityLimiter(1)), file
    finally:
        file.gate.set()
        file.close()


async def test_a_station_that_is_started_again_knows_what_it_knew(tmp_path: Path) -> None:
    async with open_state(tmp_path, "CP_1") as state:
        state.put("a", {"b": [1, None, "ä"]})
        state.put("gone", 1)
        await state.keep()
        state.delete("gone")
        state.put("last", "kept in an orderly end")
    async with open_state(tmp_path, "CP_1") as state:
        assert [state.get(key) for key in ("a", "gone", "last")] == [
            {"b": [1, None, "ä"]},
            None,
            "kept in an orderly end",
        ]
        assert not state.unkept


async def test_a_crash_is_like_a_loss_of_power(tmp_path: Path) -> None:
    async def crash() -> None:
        async with open_state(tmp_path, "CP_1") as state:
            state.put("kept", 1)
            await state.keep()
            state.put("unkept", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await crash()
    async with open_state(tmp_path, "CP_1") as state:
        assert (state.get("kept"), state.get("unkept")) == (1, None)


async def test_those_who_come_while_a_commit_is_under_way_share_the_next_one(tmp_path: Path) -> None:
    async with watched_state(tmp_path) as (state, file):
        file.gate.clear()
        async with trio.open_nursery() as nursery:
            for number in range(10):
                state.put(f"key {number}", number)
                nursery.start_soon(state.keep)
                await wait_all_tasks_blocked()
            file.gate.set()
        assert [len(commit) for commit in file.commits] == [1, 9]
        assert not state.unkept


async def test_keep_returns_when_what_was_put_before_is_on_disk_and_not_earlier(tmp_path: Path) -> None:
    async with watched_state(tmp_path) as (state, file):
        state.put("first", 1)
        await state.keep()
        file.gate.clear()
        state.put("second", 2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(state.keep)
            await wait_all_tasks_blocked()
            assert (state.get("second"), state.is_kept("second"), state.unkept) == (2, False, True)
            file.gate.set()
        assert state.is_kept("second")
        await state.keep()
        assert len(file.commits) == 2  # where there is nothing to keep, nothing is written


async def test_what_is_put_during_a_commit_is_not_kept_by_it(tmp_path: Path) -> None:
    async with watched_state(tmp_path) as (state, file):
        file.gate.clear()
        state.put("key", "old")
        state.put("deleted", 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(state.keep)
            await wait_all_tasks_blocked()
            state.put("key", "new")
            state.delete("deleted")
            assert (state.get("key"), state.get("deleted"), state.keys()) == ("new", None, ["key"])
            file.gate.set()
        assert not state.is_kept("key")
        state.lose_power()
        assert (state.get("key"), state.get("deleted")) == ("old", 1)


async def test_who_is_cancelled_while_it_is_written_still_knows_what_is_on_disk(tmp_path: Path) -> None:
    async with watched_state(tmp_path) as (state, file):
        file.gate.clear()
        state.put("key", "value")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(state.keep)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            file.gate.set()
        state.lose_power()
        assert state.get("key") == "value"
        assert file.load() == {"key": b'"value"'}


async def test_who_is_cancelled_before_it_is_written_has_kept_nothing(tmp_path: Path) -> None:
    async with watched_state(tmp_path) as (state, file):
        state.put("key", "value")
        with trio.CancelScope() as scope:
            scope.cancel()
            await state.keep()
        assert (state.get("key"), state.unkept, file.load()) == ("value", True, {})
        state.lose_power()
        assert state.get("key") is None


async def test_what_could_not_be_written_is_written_with_the_next_keep(tmp_path: Path) -> None:
    async with watched_state(tmp_path) as (state, file):
        state.put("first", 1)
        state.put("second", 1)
        file.broken = True
        file.gate.clear()

        async def fail() -> None:
            with pytest.raises(StateUnavailable, match="the disk is full"):
                await state.keep()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            nursery.start_soon(fail)  # it may not believe that the other one has kept its changes
            await wait_all_tasks_blocked()
            state.put("second", 2)
            file.gate.set()
        assert state.unkept
        file.broken = False
        await state.keep()
        state.lose_power()
        assert (state.get("first"), state.get("second")) == (1, 2)


async def test_what_goes_along_is_kept_with_every_change_as_it_is_then_and_is_no_change_by_itself(
    tmp_path: Path,
) -> None:
    async with watched_state(tmp_path) as (state, file):
        meter = iter(range(100))
        state.keep_along("meter", lambda: next(meter))
        assert not state.unkept
        await state.keep()
        assert file.load() == {}
        for number in range(2):
            state.put("event", number)
            await state.keep()
            assert file.load() == {"event": b"%d" % number, "meter": b"%d" % number}
        assert not state.unkept


async def test_what_goes_along_is_kept_in_an_orderly_end(tmp_path: Path) -> None:
    meter = [0]
    async with open_state(tmp_path, "CP_1") as state:
        state.keep_along("meter", lambda: meter[0])
        meter[0] = 42
    async with open_state(tmp_path, "CP_1") as state:
        assert state.get("meter") == 42


async def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    async with open_state(tmp_path, "CP_1"):
        with pytest.raises(StateUnavailable, match=f"{FILE_NAME} is in use by another process"):
            async with open_state(tmp_path, "CP_1"):
                pass
    async with open_state(tmp_path, "CP_1"):
        pass  # it was let go of


async def test_a_directory_of_another_station_is_refused(tmp_path: Path) -> None:
    async with open_state(tmp_path, "CP_1"):
        pass
    with pytest.raises(StateUnavailable, match="is the state of CP_1: CP_2 needs a directory of its own"):
        async with open_state(tmp_path, "CP_2"):
            pass
    async with open_state(tmp_path, "CP_1"):
        pass


async def test_what_is_no_state_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("a letter to my aunt" * 100)
    with pytest.raises(StateUnavailable, match="cannot be opened: file is not a database"):
        async with open_state(tmp_path, "CP_1"):
            pass
    assert (tmp_path / FILE_NAME).read_text() == "a letter to my aunt" * 100


async def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnavailable, match=r"cannot be opened: .*Not a directory"):
        async with open_state(tmp_path / "file" / "CP_1", "CP_1"):
            pass


async def test_a_state_of_an_earlier_program_becomes_one_of_this(tmp_path: Path) -> None:
    """As format 1 had it: a transaction that is under way, a cable that is kept, a token, and what never changed."""
    interval = {"UPDATED": 1000.0}
    before = {
        "transactions/1": {"transaction": {"record": {"transactionId": "T"}, "sampled_wh": interval}, "at": 5.0},
        "transactions/2": {"transaction": None, "locked_for": {"idToken": "A", "type": "Local"}},
        "authorization-cache/A": {"info": {"status": "Accepted"}, "uses": 3, "used_at": 7.0},
        "identity": "CP_1",
    }
    async with open_state(tmp_path, "CP_1") as state:
        for key, value in before.items():
            state.put(key, value)
        await state.keep()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("PRAGMA user_version = 1")
    for _ in range(2):  # the second time it is of this program's format already
        async with open_state(tmp_path, "CP_1") as state:
            assert {key: state.get(key) for key in before} == before | {
                "transactions/1": {
                    "transaction": {
                        "record": {"transactionId": "T"},
                        "sampling": {"began_wh": interval, "key_due": False},
                    },
                    "at": 5.0,
                },
                "authorization-cache/A": {"info": {"status": "Accepted"}, "uses": 3, "updated_at": 7.0},
            }


async def test_a_state_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    async with open_state(tmp_path, "CP_1"):
        pass
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(StateUnavailable, match="was written by a newer version of this program"):
        async with open_state(tmp_path, "CP_1"):
            pass


async def test_nobody_else_reads_the_tokens_in_it(tmp_path: Path) -> None:
    async with open_state(tmp_path / "state", "CP_1"):
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state", *(tmp_path / "state").iterdir())]
        assert modes[0] == 0o700
        assert set(modes[1:]) == {0o600}


async def test_kill_9_takes_nothing_of_what_was_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.station.state.writer", str(tmp_path)]
    text = ""
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            run = partial(trio.run_process, command, cwd=ROOT, stdout=PIPE, check=False)
            process: trio.Process = await nursery.start(run)
            assert process.stdout is not None
            async for chunk in process.stdout:
                text += bytes(chunk).decode()
                if text.count("\n") >= 100:
                    process.kill()
    promised = int(text[: text.rindex("\n")].splitlines()[-1])
    async with open_state(tmp_path, "CP_1") as state:
        numbers = [state.get(key) for key in state.keys("event/")]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) in {promised + 1, promised + 2}  # of the last one, nobody was told in time
        assert state.get("count") == len(numbers)
