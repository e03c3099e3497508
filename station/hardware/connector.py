"""One connector: what a cable, a defect and a switch do to it."""

from __future__ import annotations

from collections.abc import Callable


class Connector:
    """A socket or a cable. `changed` is called after each change, before the method that made it returns."""

    def __init__(self, connector_id: int, connector_type: str, changed: Callable[[], None]) -> None:
        """connector_id: from 1 within its EVSE. connector_type: a value of OCPP's ConnectorEnumType."""
        self.connector_id = connector_id
        self.connector_type = connector_type
        self._changed = changed
        self._plugged_in = False
        self._faulted = False
        self._operative = True

    @property
    def plugged_in(self) -> bool:
        """A vehicle is connected."""
        return self._plugged_in

    @property
    def faulted(self) -> bool:
        """It is defective."""
        return self._faulted

    @property
    def operative(self) -> bool:
        """It is switched on itself; its EVSE or the whole station may be switched off all the same."""
        return self._operative

    def plug_in(self) -> None:
        """Connect a vehicle; without effect where one is connected already."""
        if not self._plugged_in:
            self._plugged_in = True
            self._changed()

    def unplug(self) -> None:
        """Disconnect the vehicle, if there is one."""
        if self._plugged_in:
            self._plugged_in = False
            self._changed()

    def fail(self) -> None:
        """Become defective."""
        if not self._faulted:
            self._faulted = True
            self._changed()

    def clear_fault(self) -> None:
        """Be repaired."""
        if self._faulted:
            self._faulted = False
            self._changed()

    def switch(self, *, operative: bool) -> None:
        """Take it into or out of use."""
        if self._operative != operative:
            self._operative = operative
            self._changed()
