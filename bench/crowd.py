"""Stations in a process of their own, to be weighed and counted: `python -m bench.crowd KIND …` prints JSON.

`fleet` is `station.fleet`, drivers and all; `trio-websocket` is the least there is to connect with: for each station a
WebSocket of that library and a loop that boots and sends heartbeats.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import math
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from random import Random
from typing import Final, NoReturn

import trio

from bench.machine import resident_bytes
from bench.messages import PASSWORD, SUBPROTOCOL
from bench.stations import HOST

KINDS: Final = ("fleet", "trio-websocket")
WARM_UP_STATIONS: Final = 20
_LOOK_EVERY_S: Final = 0.5
_SETTLE_S: Final = 3.0


class NotReady(Exception):
    """Not all stations were accepted in time; the text says how many."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What one process with stations measured of itself.

    bytes_before: resident memory with a few stations; bytes_after: with so many more, all booted, at the end of the
    window. messages: answered in the window, which lasted so many seconds; cpu_s: that the process used in it.
    """

    kind: str
    stations: int
    bytes_before: int
    bytes_after: int
    messages: int
    seconds: float
    cpu_s: float

    @property
    def bytes_per_station(self) -> float:
        return (self.bytes_after - self.bytes_before) / self.stations

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.seconds

    @property
    def per_cpu_s(self) -> float:
        """Messages for each CPU second that the stations took; 0 if those were too few to be counted."""
        return self.messages / self.cpu_s if self.cpu_s else 0.0


@dataclass(slots=True)
class Tally:
    """Of some stations: how many were accepted by now, and how many messages answered."""

    accepted: Callable[[], int]
    answered: Callable[[], int]
    run: Callable[[], Awaitable[NoReturn]]


def fleet(port: int, prefix: str, count: int, rate: float) -> Tally:
    """Stations as `python -m station fleet` runs them."""
    from shared.clock import SystemClock, TrioClock  # noqa: PLC0415  # what one kind needs, the other has not loaded
    from shared.handshake import open_stream  # noqa: PLC0415
    from shared.ocppj.schemas import Schemas  # noqa: PLC0415
    from shared.ocppj.versions import V201  # noqa: PLC0415
    from station.fleet.fleet import Fleet  # noqa: PLC0415
    from station.fleet.settings import FleetSettings  # noqa: PLC0415

    settings = FleetSettings(count, prefix, rate, f"ws://{HOST}:{port}", PASSWORD)
    clock = TrioClock(SystemClock().now())
    stations = Fleet(settings, 1, open_stream=open_stream, clock=clock, schemas=Schemas.load(V201))
    return Tally(
        lambda: sum(station.firmware is not None and station.firmware.online for station in stations.stations),
        lambda: stations.figures.messages,
        stations.run,
    )


def bare(port: int, prefix: str, count: int, rate: float) -> Tally:
    """Connections of trio-websocket that boot and send heartbeats."""
    import trio_websocket  # noqa: PLC0415  # as above

    accepted = answered = 0

    async def station(index: int) -> None:
        nonlocal accepted, answered
        name = f"{prefix}{index}"
        login = base64.b64encode(f"{name}:{PASSWORD}".encode())
        async with trio_websocket.open_websocket_url(
            f"ws://{HOST}:{port}/{name}",
            subprotocols=[SUBPROTOCOL],
            extra_headers=[(b"Authorization", b"Basic " + login)],
        ) as ws:
            boot = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
            await ws.send_message(json.dumps([2, "0", "BootNotification", boot]))
            interval_s = json.loads(await ws.get_message())[2]["interval"]
            accepted += 1
            answered += 1
            random = Random(index)  # only spreads the heartbeats
            await trio.sleep(random.uniform(0, interval_s))
            for number in range(1, sys.maxsize):
                await ws.send_message(json.dumps([2, str(number), "Heartbeat", {}]))
                while json.loads(await ws.get_message())[0] != 3:
                    pass
                answered += 1
                await trio.sleep(interval_s)

    async def run() -> NoReturn:
        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            for index in range(count):
                await trio.sleep_until(began + index / rate)
                nursery.start_soon(station, index)
            await trio.sleep_forever()

    return Tally(lambda: accepted, lambda: answered, run)


_MAKE: Final = {"fleet": fleet, "trio-websocket": bare}


async def measure(kind: str, port: int, stations: int, rate: float, seconds: float, patience_s: float) -> Crowd:
    """Connect a few stations and then so many more, and watch them. Raises NotReady after patience_s seconds."""
    make = _MAKE[kind]
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    async with trio.open_nursery() as nursery:
        first = make(port, f"{kind}-warm-", WARM_UP_STATIONS, rate)
        nursery.start_soon(first.run)
        await _accepted(first, WARM_UP_STATIONS, patience_s)
        await trio.sleep(_SETTLE_S)
        before = resident_bytes(os.getpid())
        crowd = make(port, f"{kind}-", stations, rate)
        nursery.start_soon(crowd.run)
        await _accepted(crowd, stations, patience_s)
        await trio.sleep(_SETTLE_S)
        began, used, answered = time.perf_counter(), time.process_time(), crowd.answered()
        await trio.sleep(seconds)
        measured = Crowd(
            kind,
            stations,
            before,
            resident_bytes(os.getpid()),
            crowd.answered() - answered,
            time.perf_counter() - began,
            time.process_time() - used,
        )
        nursery.cancel_scope.cancel()
    return measured


async def _accepted(tally: Tally, wanted: int, patience_s: float) -> None:
    with trio.move_on_after(patience_s):
        while True:
            if tally.accepted() >= wanted:
                return
            await trio.sleep(_LOOK_EVERY_S)
    raise NotReady(f"{tally.accepted()} of {wanted} stations were accepted within {patience_s:.0f} s")


def main() -> int:
    """Measure, and print a Crowd as JSON; 1 after a line on stderr where the stations were not accepted."""
    parser = argparse.ArgumentParser(prog="python -m bench.crowd")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--stations", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    patience_s = 30 + 3 * math.ceil(options.stations / options.rate)
    work = partial(
        measure, options.kind, options.port, options.stations, options.rate, options.seconds, float(patience_s)
    )
    status = 0
    try:
        print(json.dumps(asdict(trio.run(work))))
    except* NotReady as late:
        print(f"bench: {late.exceptions[0]}", file=sys.stderr)
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
