"""What both peers make of the `ocpp` library's ChargePoint: one end of a connection that does as it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from ocpp import charge_point, exceptions, routing, v201  # type: ignore[import-untyped]  # the library ships no types

from tests.interop.peers.talk import tell

Handler = TypeVar("Handler", bound=Callable[..., object])


def on(action: str) -> Callable[[Handler], Handler]:
    """The library's decorator for a method that answers `action`, with the type it lacks."""
    return cast("Callable[[Handler], Handler]", routing.on(action))


def after(action: str) -> Callable[[Handler], Handler]:
    """The library's decorator for a method that goes on when `action` was answered, with the type it lacks."""
    return cast("Callable[[Handler], Handler]", routing.after(action))


class Obedient(v201.ChargePoint):  # type: ignore[misc]  # an untyped base
    """answers: by action, the response's payload in snake case; or error (the library's), description, details."""

    def __init__(self, identity: str, connection: Any, answers: dict[str, dict[str, Any]]) -> None:
        super().__init__(identity, connection)
        self.answers = answers

    def answer(self, action: str, payload: dict[str, Any]) -> Any:
        """Tell of a CALL, and answer it as told."""
        tell("received", action=action, payload=payload)
        answer = self.answers[action]
        if "error" in answer:
            raise getattr(exceptions, answer["error"])(answer["description"], answer["details"])
        return getattr(v201.call_result, action)(**answer)

    async def send(self, action: str, payload: dict[str, Any], *, unchecked: bool = False) -> dict[str, Any]:
        """Send a CALL: {"payload": the response's} or {"code": ..., "description": ...} of the CALLERROR.

        payload: with the library's names, in snake case. unchecked: the library does not look whether it is valid.
        """
        request = getattr(v201.call, action)(**payload)
        try:
            response = await self.call(request, suppress=False, skip_schema_validation=unchecked)
        except exceptions.OCPPError as error:
            return {"code": error.code, "description": error.description}
        return {"payload": charge_point.remove_nones(charge_point.serialize_as_dict(response))}
