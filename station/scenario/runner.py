"""Plays the scenarios that the command line names, one after the other, on a station each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from shutil import get_terminal_size

import trio

from station.composition import running_station, usual_layout
from station.console import say
from station.scenario.csms_api import CsmsApi
from station.scenario.engine import Engine
from station.scenario.junit import write_junit
from station.scenario.observer import Observer
from station.scenario.outcome import Outcome
from station.scenario.reader import read_scenario, scenario_paths
from station.scenario.report import Report
from station.scenario.scenario import Api, Scenario
from station.scenario.stage import Stage
from station.scenario.variables import give
from station.settings import Settings
from station.user_mistake import UserMistake


async def play_all(settings: Settings, interrupted: trio.Event) -> bool:
    """Read all, then play all, and tell how they go. Returns whether all have passed.

    interrupted: when it is set, what is left is skipped; stations are shut down in order all the same.
    Raises UserMistake for a mistake in a scenario, before any is played.
    """
    layout = usual_layout(settings)
    api = None if settings.csms_api is None else Api(settings.csms_api, settings.csms_api_token)
    scenarios = [read_scenario(path, layout, api) for given in settings.scenario for path in scenario_paths(given)]
    if len(scenarios) > 1 and settings.state_dir is not None:
        raise UserMistake(
            "with --state-dir a scenario would begin where the one before it has ended: play one at a time"
        )
    report = Report(say, sys.stdout.encoding, columns=_columns())
    outcomes = []
    for scenario in scenarios:
        report.begins(scenario, settings.identity, settings.csms)
        outcome = await _play(scenario, settings, report, interrupted)
        report.ends(outcome)
        outcomes.append(outcome)
    if len(outcomes) > 1:
        report.all_over(outcomes)
    if settings.junit is not None:
        write_junit(settings.junit, outcomes)
    return all(outcome.passed for outcome in outcomes)


async def _play(scenario: Scenario, settings: Settings, report: Report, interrupted: trio.Event) -> Outcome:
    observer = Observer(settings.identity)
    ask = None if scenario.api is None else CsmsApi(scenario.api).ask
    outcome: Callable[[], Outcome] = partial(Outcome.not_played, scenario)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_when, interrupted, nursery.cancel_scope)
        async with running_station(
            settings,
            layout=scenario.connector_types,
            seed=scenario.seed if settings.seed is None else settings.seed,
            witness=observer,
            equip=partial(give, scenario.variables),
        ) as station:
            engine = Engine(scenario, Stage(station, observer, ask), report.step)
            outcome = engine.outcome
            await engine.run()
        nursery.cancel_scope.cancel()
    return outcome()


def _columns() -> int | None:
    return get_terminal_size().columns if sys.stdout.isatty() else None


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
