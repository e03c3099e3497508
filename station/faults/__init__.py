"""Faults of single messages between a station and its CSMS: lost, late, twice, damaged, or the last one ever."""

from station.faults.faults import FAULTS_FIELDS, Faults
from station.faults.rules import Rule
from station.faults.wire import FaultyWire

__all__ = ["FAULTS_FIELDS", "Faults", "FaultyWire", "Rule"]
