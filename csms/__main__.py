"""The command line of the CSMS."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from collections.abc import Sequence
from random import SystemRandom

import trio

from csms import logs
from csms.app import Csms
from csms.passwords import Passwords
from csms.settings import Settings
from csms.store import open_store
from csms.user_mistake import UserMistake
from shared.clock import SystemClock


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a CSMS until SIGINT or SIGTERM. Returns the exit code: 0, or 2 for a mistake of the user's."""
    exit_code = 0
    try:
        settings = Settings.load(sys.argv[1:] if arguments is None else arguments)
        logs.set_up(settings.log_level, settings.log_format)
        _allow_many_connections()
        trio.run(_run, settings)
    except* UserMistake as mistakes:
        print(f"csms: {_first(mistakes)}", file=sys.stderr)
        exit_code = 2
    return exit_code


async def _run(settings: Settings) -> None:
    stop = trio.Event()
    async with open_store(settings.database) as store, trio.open_nursery() as nursery:
        csms = Csms(settings, SystemClock(), SystemRandom(), Passwords(), store)
        await nursery.start(_stop_on_signal, stop)
        async with trio.open_nursery() as running:
            _, url = await running.start(csms.run, stop)
            _tune_garbage_collection()
            print(f"======== Running on {url} ========\n(Press CTRL+C to quit)", flush=True)
        nursery.cancel_scope.cancel()


async def _stop_on_signal(stop: trio.Event, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """The first signal asks for an orderly end, the second does not ask."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            if stop.is_set():
                os._exit(128 + number)
            stop.set()


def _allow_many_connections() -> None:
    """Each station takes a file descriptor, and the usual soft limit is 1024 of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tune_garbage_collection() -> None:
    """With thousands of stations the collector would spend more time walking live objects than the CSMS working.

    What start-up made stays for good, so it is not looked at again; and a young collection is worth it only after many
    more allocations than the default 700. Nothing here makes cycles for every message, so memory stays bounded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)


def _first(group: BaseExceptionGroup[UserMistake]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
