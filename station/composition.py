"""Puts a station together as the command line asks for it, and runs it as long as it is wanted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
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
from station.console import say
from station.device_model import MESSAGE_TIMEOUT, DeviceModel
from station.hardware import Hardware
from station.hardware_memory import remember_hardware
from station.settings import Address, Settings
from station.state import MemoryState, State, open_state
from station.user_mistake import UserMistake
from station.witness import Witness

CONNECTOR_TYPES: Final = ("cType2", "cCCS2", "cG105")
"""What the connectors of an EVSE are, one after the other."""
_TURN_S: Final = 30.0
"""How long a CALL that somebody sends through the control interface may wait for its turn."""

Layout = Sequence[Sequence[str]]
"""For each EVSE the types of its connectors."""


def usual_layout(settings: Settings) -> Layout:
    """The EVSEs and connectors that the settings ask for."""
    return [list(islice(cycle(CONNECTOR_TYPES), settings.connectors))] * settings.evses


@asynccontextmanager
async def running_station(
    settings: Settings,
    *,
    layout: Layout | None = None,
    seed: int | None = None,
    witness: Witness | None = None,
    equip: Callable[[DeviceModel], None] = lambda _: None,
) -> AsyncIterator[Station]:
    """A station that runs as long as the block lasts, with its control interface if the settings ask for one.

    layout, seed: where they are other than in the settings. equip: gives variables other values before it boots.
    """
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(_state(settings))
        variables = DeviceModel(state)
        variables.deliver(MESSAGE_TIMEOUT, settings.call_timeout)
        equip(variables)
        station = _station(settings, state, variables, layout or usual_layout(settings), seed, witness)
        nursery = await stack.enter_async_context(trio.open_nursery())
        if settings.control is not None:
            url = await nursery.start(_serve_control, settings, settings.control, station)
            say(f"Control on {url}")
        await nursery.start(station.run)
        yield station
        nursery.cancel_scope.cancel()


def _state(settings: Settings) -> AbstractAsyncContextManager[State]:
    if settings.state_dir is None:
        return contextlib.nullcontext(MemoryState())
    return open_state(settings.state_dir, settings.identity)


def _station(
    settings: Settings,
    state: State,
    variables: DeviceModel,
    layout: Layout,
    seed: int | None,
    witness: Witness | None,
) -> Station:
    random = SystemRandom() if seed is None else Random(seed)  # noqa: S311  # no secrets from it
    hardware = Hardware.of(layout, monotonic=trio.current_time, random=random)
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
        witness=witness,
    )


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
