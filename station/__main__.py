"""The command line: `python -m station CP_1`, `python -m station fleet`."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from typing import Final

import trio

from station.composition import running_station
from station.settings import Settings, parse
from station.state import StateUnavailable
from station.user_mistake import UserMistake

log = logging.getLogger()

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run one station until SIGINT or SIGTERM, or until its scenarios are over; with `fleet`, many (station.fleet).

    The exit status is 0, 1 when a scenario has not passed, and 2 for a user's mistake or a full disk.
    """
    if sys.argv[1:2] == ["fleet"]:
        from station.fleet import command  # noqa: PLC0415  # one station alone has no use for it

        return command.main(sys.argv[2:])
    settings = parse(sys.argv[1:], os.environ)
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(levelname)s:%(name)s:%(message)s"
    )
    status = 1 if settings.scenario else 0
    try:
        with contextlib.suppress(KeyboardInterrupt):  # it comes before the signals are listened to: nothing has begun
            status = trio.run(_play if settings.scenario else _run, settings)
    except* (UserMistake, StateUnavailable) as mistakes:
        print(f"station: {_first_of(mistakes)}", file=sys.stderr)
        status = 2
    return status


async def _run(settings: Settings) -> int:
    async with running_station(settings, seed=settings.seed):
        await _signal_to_stop(settings)
    return 0


async def _play(settings: Settings) -> int:
    # Not at the top: a station without scenarios has no use for it.
    from station.scenario.runner import play_all  # noqa: PLC0415

    interrupted = trio.Event()

    async def interrupt(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await _signal_to_stop(settings, task_status)
        interrupted.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(interrupt)
        have_passed = await play_all(settings, interrupted)
        nursery.cancel_scope.cancel()
    return 0 if have_passed else 1


async def _signal_to_stop(settings: Settings, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Wait for one."""
    with trio.open_signal_receiver(*_STOP_SIGNALS) as signals:
        task_status.started()
        received = await anext(signals)
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
    log.info("%s: %s, stopping", settings.identity, signal.Signals(received).name)


def _first_of(group: BaseExceptionGroup[UserMistake | StateUnavailable]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
