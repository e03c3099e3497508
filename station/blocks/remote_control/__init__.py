"""F Remote Control: the CSMS starts, stops, unlocks, and asks for messages (F01-F06)."""

from station.blocks.remote_control.start_stop import RemoteControl
from station.blocks.remote_control.trigger import Triggers

__all__ = ["RemoteControl", "Triggers"]
