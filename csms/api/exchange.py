"""Gets and sets many variables: message after message, and the answers joined (B05, B06)."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from csms.blocks.provisioning.splitting import DEFAULT_ITEMS, Limits, Variable, split
from csms.device_model import key_of
from csms.switchboard import Busy, NotCallable, NotConnected
from shared.ocppj.errors import CallRefused, InvalidAnswer, OcppError, PeerError

Action = Literal["GetVariables", "SetVariables"]
Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

FIELDS: Final[Mapping[Action, tuple[str, str]]] = {
    "GetVariables": ("getVariableData", "getVariableResult"),
    "SetVariables": ("setVariableData", "setVariableResult"),
}
"""Which field of the request, and of the response, holds the variables."""

_TOO_MUCH: Final = frozenset(
    {
        "OccurrenceConstraintViolation",  # B06.FR.16: too many
        "OccurenceConstraintViolation",  # as OCPP 1.6 spells it, and stations still do
        "FormatViolation",  # B06.FR.17: too long
    }
)


@dataclass(slots=True)
class Exchange:
    """What came of it, by the positions of the variables in the request.

    results: of each variable, None where there is none. failure: what ended it early; then `refused` are the ones of a
    message that was answered with CALLERROR, `unknown` those of one that the station may have served or not, and
    `not_sent` all behind.
    """

    results: list[dict[str, Any] | None]
    failure: OcppError | None = None
    refused: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    not_sent: list[int] = field(default_factory=list)


def limits_of(action: Action, reported: Mapping[tuple[str, str], int], items_per_message: Mapping[str, int]) -> Limits:
    """What one message of `action` may hold: what the station has reported, or what the operator says, if that is less.

    reported: of DeviceDataCtrlr, by variable and instance in lower case. A limit below one is none.
    """
    instance = action.lower()
    told = (reported.get(("itemspermessage", instance), 0), items_per_message.get(action, 0))
    size = reported.get(("bytespermessage", instance), 0)
    return Limits(min((limit for limit in told if limit > 0), default=DEFAULT_ITEMS), size if size > 0 else None)


async def exchange(call: Call, action: Action, variables: Sequence[Variable], limits: Limits) -> Exchange:
    """Send as many messages as it takes, one after the other, until one fails.

    call: sends one, raises OcppError. A message that is refused as too large goes again in halves.
    """
    request_key, response_key = FIELDS[action]
    outcome = Exchange([None] * len(variables))
    waiting = deque(split(action, request_key, variables, limits))
    while waiting:
        part = waiting.popleft()
        try:
            response = await call(action, {request_key: [variables[index] for index in part]})
        except OcppError as error:
            if isinstance(error, CallRefused) and error.code in _TOO_MUCH and len(part) > 1:
                half = part.start + len(part) // 2
                waiting.extendleft((range(half, part.stop), range(part.start, half)))
                continue
            outcome.failure = error
            if isinstance(error, CallRefused):
                outcome.refused.extend(part)
            elif isinstance(error, NotConnected | NotCallable | Busy | PeerError):
                outcome.not_sent.extend(part)
            else:
                outcome.unknown.extend(part)
            break
        _join(outcome, part, variables, response[response_key])
        missing = [index for index in part if outcome.results[index] is None]
        if missing:
            outcome.failure = InvalidAnswer(f"{action}Response has no result for {len(missing)} of the variables")
            outcome.unknown.extend(missing)
            break
    outcome.not_sent.extend(index for part in waiting for index in part)
    return outcome


def _join(outcome: Exchange, part: range, variables: Sequence[Variable], results: Sequence[dict[str, Any]]) -> None:
    """Give each variable its result: by name, for the order is free (B05.FR.02, B06.FR.02); else by its place."""
    places = {key_of(variables[index]): index for index in part}
    nameless = []
    for result in results:
        index = places.pop(key_of(result), None)
        if index is None:
            nameless.append(result)
        else:
            outcome.results[index] = result
    if len(nameless) == len(places):  # names spelt otherwise; with another number nobody knows what is of what
        for index, result in zip(sorted(places.values()), nameless, strict=True):
            outcome.results[index] = result
