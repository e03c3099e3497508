"""The command line: `python -m station CP_1`."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from itertools import cycle, islice
from random import Random, SystemRandom
from typing import Final

import trio

from shared.clock import SystemClock, TrioClock
from shared.handshake import open_stream
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201
from station.app import Station
from station.device_model import MESSAGE_TIMEOUT, DeviceModel
from station.hardware import Hardware
from station.settings import Settings, parse
from station.state import MemoryState, State, StateUnavailable, open_state

log = logging.getLogger()

CONNECTOR_TYPES: Final = ("cType2", "cCCS2", "cG105")
"""What the connectors of an EVSE are, one after the other."""
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run one station until SIGINT or SIGTERM; the exit status is 0 then, and 2 for a user's mistake or a full disk."""
    settings = parse(sys.argv[1:], os.environ)
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(levelname)s:%(name)s:%(message)s"
    )
    status = 0
    try:
        with contextlib.suppress(KeyboardInterrupt):  # it comes before the signals are listened to: nothing has begun
            trio.run(_run, settings)
    except* StateUnavailable as unavailable:
        print(f"station: {_first_of(unavailable)}", file=sys.stderr)
        status = 2
    return status


async def _run(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(_state(settings))
        station = _station(settings, state)
        nursery = await stack.enter_async_context(trio.open_nursery())
        nursery.start_soon(station.run)
        with trio.open_signal_receiver(*_STOP_SIGNALS) as signals:
            received = await anext(signals)
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        log.info("%s: %s, stopping", settings.identity, signal.Signals(received).name)
        nursery.cancel_scope.cancel()


def _state(settings: Settings) -> AbstractAsyncContextManager[State]:
    if settings.state_dir is None:
        return contextlib.nullcontext(MemoryState())
    return open_state(settings.state_dir, settings.identity)


def _first_of(group: BaseExceptionGroup[StateUnavailable]) -> StateUnavailable:
    while isinstance(first := group.exceptions[0], BaseExceptionGroup):
        group = first
    return first


def _station(settings: Settings, state: State) -> Station:
    variables = DeviceModel(state)
    variables.deliver(MESSAGE_TIMEOUT, settings.call_timeout)
    types = list(islice(cycle(CONNECTOR_TYPES), settings.connectors))
    random = SystemRandom() if settings.seed is None else Random(settings.seed)  # noqa: S311  # no secrets from it
    return Station(
        settings.identity,
        Hardware.of([types] * settings.evses, monotonic=trio.current_time, random=random),
        variables,
        state,
        csms_url=settings.csms,
        password=settings.password,
        open_stream=open_stream,
        clock=TrioClock(SystemClock().now()),
        random=random,
        schemas=Schemas.load(V201),
    )


if __name__ == "__main__":
    sys.exit(main())
