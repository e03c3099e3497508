"""What the physical world does not let happen."""

from __future__ import annotations


class HardwareError(Exception):
    """The hands of a person could not do it either; nothing has changed."""


class Locked(HardwareError):
    """The plug is held by the lock of the socket."""


class Blocked(HardwareError):
    """Something is in the way of the plug."""


class DoesNotFit(HardwareError):
    """The vehicle or the cable has another plug, or none."""
