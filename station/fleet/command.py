"""The command line of a fleet: `python -m station fleet`."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from random import SystemRandom
from typing import Any, Final

import trio

from shared.clock import SystemClock, TrioClock
from shared.handshake import open_stream
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201
from station.console import say
from station.fleet.fleet import Fleet
from station.fleet.log_lines import Calm, StderrNow
from station.fleet.outlook import Outlook
from station.fleet.settings import FleetSettings, parse
from station.fleet.summary import as_text, summary
from station.user_mistake import UserMistake

log = logging.getLogger()

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_FILES_BESIDES: Final = 64
"""What the process has open besides one socket for each station."""
_REDRAW_S: Final = 0.5
_LINE_S: Final = 10.0


def main(arguments: Sequence[str]) -> int:
    """Run a fleet until SIGINT, SIGTERM or its time is over; the exit status: 0 then, 2 for a user's mistake."""
    settings = parse(arguments, os.environ)
    _log_to_stderr(settings.log_level)
    try:
        make_room(settings.count)
        with contextlib.suppress(KeyboardInterrupt):  # it comes before the signals are listened to: nothing has begun
            report = as_text(trio.run(_run, settings))
            write_summary(settings, report)
    except UserMistake as mistake:
        print(f"station: {mistake}", file=sys.stderr)
        return 2
    return 0


def make_room(stations: int) -> None:
    """Raise the limit of open files as far as needed. Raises UserMistake where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = stations + _FILES_BESIDES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        most = max(0, hard - _FILES_BESIDES)
        raise UserMistake(
            f"{stations} stations need {needed} open files and this process may have {hard}: "
            f"raise the limit (ulimit -n {needed}, as root where it must), or give --count {most} at most"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def _run(settings: FleetSettings) -> dict[str, Any]:
    seed = SystemRandom().getrandbits(32) if settings.seed is None else settings.seed
    clock = TrioClock(SystemClock().now())
    fleet = Fleet(settings, seed, open_stream=open_stream, clock=clock, schemas=Schemas.load(V201))
    outlook = Outlook(fleet)
    _spare_the_collector()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fleet.run)
        nursery.start_soon(_show, settings, outlook)
        with trio.open_signal_receiver(*_STOP_SIGNALS) as signals:
            with trio.move_on_after(float("inf") if settings.duration is None else settings.duration):
                await anext(signals)
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        end = outlook.look()
        nursery.cancel_scope.cancel()
    return summary(settings, seed, end, fleet.figures, outlook.most_connected)


async def _show(settings: FleetSettings, outlook: Outlook) -> None:
    """Show how it goes, until cancelled."""
    # Not at the top: whoever starts a station alone need not wait for it to load.
    from station.fleet import display  # noqa: PLC0415

    if settings.progress and sys.stdout.isatty():
        from rich.live import Live  # noqa: PLC0415

        with Live(display.panel(settings, outlook.look()), auto_refresh=False) as live:
            while True:
                await trio.sleep(_REDRAW_S)
                live.update(display.panel(settings, outlook.look()), refresh=True)
    while True:
        await trio.sleep(_LINE_S)
        say(display.line(settings, outlook.look()), sys.stderr)


def _log_to_stderr(level: str) -> None:
    handler = StderrNow()
    handler.addFilter(Calm(time.monotonic))
    logging.basicConfig(level=level.upper(), handlers=[handler], format="%(levelname)s:%(name)s:%(message)s")


def _spare_the_collector() -> None:
    """Have the garbage collector leave alone what start-up made, and look at the young seldom: nothing makes cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def write_summary(settings: FleetSettings, report: str) -> None:
    """Write it where it is wanted. Raises UserMistake: there it cannot be."""
    if settings.summary is None:
        say(report)
        return
    try:
        settings.summary.write_text(f"{report}\n", encoding="utf-8")
    except OSError as error:
        say(report)  # of a run that may have taken hours
        raise UserMistake(
            f"--summary {settings.summary} cannot be written: {error.strerror}; it is on stdout instead"
        ) from None
