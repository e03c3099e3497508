"""What the station remembers over a loss of power: JSON values by key, in memory or in a directory."""

from station.state.base import State
from station.state.disk import DiskState, open_state
from station.state.memory import MemoryState
from station.state.sqlite_file import StateUnavailable

__all__ = ["DiskState", "MemoryState", "State", "StateUnavailable", "open_state"]
