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
from station.blocks.data_transfer import load_vendors
from station.device_model import MESSAGE_TIMEOUT, DeviceModel
from station.hardware import Hardware
from station.hardware_memory import remember_hardware
from station.settings import Address, Settings, parse
from station.state import MemoryState, State, StateUnavailable, open_state
from station.user_mistake import UserMistake

log = logging.getLogger()

CONNECTOR_TYPES: Final = ("cType2", "cCCS2", "cG105")
"""What the connectors of an EVSE are, one after the other."""
_TURN_S: Final = 30.0
"""How long a CALL that somebody sends through the control interface may wait for its turn."""
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
    except* (UserMistake, StateUnavailable) as mistakes:
        print(f"station: {_first_of(mistakes)}", file=sys.stderr)
        status = 2
    return status


async def _run(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(_state(settings))
        station = _station(settings, state)
        nursery = await stack.enter_async_context(trio.open_nursery())
        if settings.control is not None:
            url = await nursery.start(_serve_control, settings, settings.control, station)
            print(f"Control on {url}", flush=True)
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


async def _serve_control(
    settings: Settings,
    address: Address,
    station: Station,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    # Not at the top: what it takes to serve HTTP would double the time in which a station without it starts.
    from station.control import create_control, serve_control  # noqa: PLC0415

    control = create_control(
        station,
        host=address.host,
        token=settings.control_token,
        call_patience_s=settings.call_timeout + _TURN_S,
        test_hooks=settings.test_hooks,
    )
    try:
        await serve_control(control, *address, task_status=task_status)
    except OSError as error:
        raise UserMistake(
            f"the control interface cannot listen on {address}: {error.strerror}; give another --control HOST:PORT"
        ) from None


def _first_of(group: BaseExceptionGroup[UserMistake | StateUnavailable]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _station(settings: Settings, state: State) -> Station:
    variables = DeviceModel(state)
    variables.deliver(MESSAGE_TIMEOUT, settings.call_timeout)
    types = list(islice(cycle(CONNECTOR_TYPES), settings.connectors))
    random = SystemRandom() if settings.seed is None else Random(settings.seed)  # noqa: S311  # no secrets from it
    hardware = Hardware.of([types] * settings.evses, monotonic=trio.current_time, random=random)
    remember_hardware(hardware, state)
    return Station(
        settings.identity,
        hardware,
        variables,
        state,
        csms_url=settings.csms,
        password=settings.password,
        open_stream=open_stream,
        clock=TrioClock(SystemClock().now()),
        random=random,
        schemas=Schemas.load(V201),
        vendors=load_vendors(),
    )


if __name__ == "__main__":
    sys.exit(main())
