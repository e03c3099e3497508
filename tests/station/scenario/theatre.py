"""Plays scenarios in virtual time: on a station in memory, against a CSMS in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import trio

from shared.clock import TrioClock
from shared.ocppj.schemas import Schemas
from station.app import Station
from station.device_model import DeviceModel
from station.hardware import Hardware
from station.network import OpenStream
from station.scenario import Api, Ask, Engine, Observer, Outcome, Report, Scenario, Stage, give, read_scenario
from station.state import MemoryState
from tests.csms.site import Site
from tests.station.fake_csms import START

LAYOUT: Final = [["cType2"]]
API: Final = Api("http://in-memory")


async def play(
    scenario: Scenario,
    open_stream: OpenStream,
    schemas: Schemas,
    *,
    ask: Ask | None = None,
    lines: list[str] | None = None,
) -> Outcome:
    """Play it from the first boot of a station on. lines: gets the report."""
    seed = 1 if scenario.seed is None else scenario.seed
    state = MemoryState()
    variables = DeviceModel(state)
    give(scenario.variables, variables)
    observer = Observer("CP_1")
    station = Station(
        "CP_1",
        Hardware.of(scenario.connector_types, monotonic=trio.current_time, random=Random(seed)),  # noqa: S311  # repeatable on purpose
        variables,
        state,
        csms_url="ws://csms/ocpp",
        password="station-password",
        open_stream=open_stream,
        clock=TrioClock(START),
        random=Random(seed),  # noqa: S311  # repeatable on purpose
        schemas=schemas,
        witness=observer,
    )
    said: list[str] = [] if lines is None else lines
    report = Report(said.append)
    report.begins(scenario, "CP_1", "ws://csms/ocpp")
    async with trio.open_nursery() as nursery:
        await nursery.start(station.run)
        outcome = await Engine(scenario, Stage(station, observer, ask), report.step).run()
        nursery.cancel_scope.cancel()
    report.ends(outcome)
    return outcome


async def play_on_site(scenario: Scenario, site: Site, schemas: Schemas, lines: list[str]) -> Outcome:
    """Play it against a whole CSMS."""

    async def open_stream(_: str) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return site.dial()

    async def ask(method: str, path: str, body: Any) -> tuple[int, Any]:
        answer = await site.ask(method, path, body)
        return answer.status, answer.json if answer.text else ""

    return await play(scenario, open_stream, schemas, ask=ask, lines=lines)


def written(folder: Path, text: str, *, layout: Sequence[Sequence[str]] = LAYOUT, api: Api | None = API) -> Scenario:
    """The scenario that a text is."""
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return read_scenario(path, layout, api)


read_shipped: Final = partial(read_scenario, connector_types=LAYOUT, api=API)
