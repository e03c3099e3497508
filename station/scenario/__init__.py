"""Scenarios: small files that say what is done to a station, and what is expected of it."""

from station.scenario.csms_api import CsmsApi
from station.scenario.engine import Engine
from station.scenario.junit import junit, write_junit
from station.scenario.observer import Observer
from station.scenario.outcome import Outcome, StepOutcome, Verdict
from station.scenario.reader import read_scenario, scenario_paths
from station.scenario.report import Report
from station.scenario.scenario import Api, Scenario
from station.scenario.stage import Ask, Stage
from station.scenario.variables import give

__all__ = [
    "Api",
    "Ask",
    "CsmsApi",
    "Engine",
    "Observer",
    "Outcome",
    "Report",
    "Scenario",
    "Stage",
    "StepOutcome",
    "Verdict",
    "give",
    "junit",
    "read_scenario",
    "scenario_paths",
    "write_junit",
]
