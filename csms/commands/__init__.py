"""Durable commands: requests that wait for their station, survive a restart, and keep what the station answered."""

from csms.commands.queue import Commands, NewCommand, OtherCommand, TooMany
from csms.commands.record import Command, describe, sort_key
from csms.commands.states import CommandState

__all__ = ["Command", "CommandState", "Commands", "NewCommand", "OtherCommand", "TooMany", "describe", "sort_key"]
