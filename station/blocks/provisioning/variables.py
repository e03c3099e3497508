"""The CSMS reads and sets variables, its password among them (B05, B06, A01)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Final, TypedDict

from station.blocks.block import Block, Handler
from station.blocks.provisioning.sizes import check_size
from station.device_model import (
    BASIC_AUTH_PASSWORD,
    BYTES_PER_MESSAGE_GET_VARIABLES,
    BYTES_PER_MESSAGE_SET_VARIABLES,
    ITEMS_PER_MESSAGE_GET_VARIABLES,
    ITEMS_PER_MESSAGE_SET_VARIABLES,
    DeviceModel,
)
from station.device_model.wire import GetVariableData, SetVariableData
from station.outgoing import Payload

log = logging.getLogger()

RECONNECT_AFTER_S: Final = 1.0
"""From the answer that accepts a new password to the connection that shows it: the answer has to get through."""


class GetVariablesRequest(TypedDict):
    getVariableData: list[GetVariableData]


class SetVariablesRequest(TypedDict):
    setVariableData: list[SetVariableData]


class Variables(Block):
    """Answers for the device model."""

    def __init__(
        self,
        identity: str,
        variables: DeviceModel,
        *,
        monotonic: Callable[[], float],
        reconnect: Callable[[], None],
    ) -> None:
        """reconnect: ends the connection and makes another one."""
        self._identity = identity
        self._variables = variables
        self._monotonic = monotonic
        self._reconnect = reconnect
        self._reconnect_at = math.inf

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"GetVariables": self.get_variables, "SetVariables": self.set_variables}

    def get_variables(self, request: GetVariablesRequest) -> Payload:
        """Answer GetVariables with one result for each that is asked for, in the same order (B06)."""
        wanted = request["getVariableData"]
        check_size(
            request,
            wanted,
            self._variables,
            most_items=ITEMS_PER_MESSAGE_GET_VARIABLES,
            most_bytes=BYTES_PER_MESSAGE_GET_VARIABLES,
        )
        return {"getVariableResult": [self._variables.get_variable(data) for data in wanted]}

    def set_variables(self, request: SetVariablesRequest) -> Payload:
        """Answer SetVariables; each is set, or not, for itself (B05)."""
        wanted = request["setVariableData"]
        check_size(
            request,
            wanted,
            self._variables,
            most_items=ITEMS_PER_MESSAGE_SET_VARIABLES,
            most_bytes=BYTES_PER_MESSAGE_SET_VARIABLES,
        )
        password = self._variables[BASIC_AUTH_PASSWORD]
        results = [self._variables.set_variable(data) for data in wanted]
        if self._variables[BASIC_AUTH_PASSWORD] != password:
            log.info("%s: security: %s was changed by the CSMS", self._identity, BASIC_AUTH_PASSWORD)  # A01.FR.11
            self._reconnect_at = self._monotonic() + RECONNECT_AFTER_S
        return {"setVariableResult": results}

    def tick(self) -> bool:
        """Connect with the new password (A01 scenario, 3 and 4)."""
        if self._monotonic() < self._reconnect_at:
            return False
        self._reconnect_at = math.inf
        self._reconnect()
        return True

    def tick_at(self) -> float:
        return self._reconnect_at

    def disconnected(self) -> None:
        """The next connection shows the new password anyway."""
        self._reconnect_at = math.inf
