"""A peer program as the tests see it."""

from __future__ import annotations

import json
from typing import Any, Self

from tests.processes import DEADLINE_S, Program, Programs


class Peer:
    """Has a peer program do things, and waits for what it tells (tests/interop/peers/talk.py)."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._deeds = 0

    @classmethod
    async def start(cls, programs: Programs, name: str, *arguments: str) -> Self:
        """Start a peer program."""
        return cls(await programs.module(f"tests.interop.peers.{name}", *arguments, talks=True))

    def forget(self) -> None:
        """From here on wait for what it tells from now on only."""
        self.program.forget()

    async def do(self, what: str, **arguments: Any) -> Any:
        """Have it do something; the result."""
        self._deeds += 1
        await self.program.send_line(json.dumps({"do": what, "number": self._deeds, **arguments}))
        return (await self._finds(done=self._deeds))["result"]

    async def call(self, action: str, /, *, unchecked: bool = False, **payload: Any) -> Any:
        """Have it send a CALL, whose payload has the library's names: the payload of the response, or code and
        description of the CALLERROR. unchecked: the library does not look whether it is valid.
        """
        how = {"unchecked": True} if unchecked else {}
        outcome = await self.do("call", action=action, payload=payload, **how)
        return outcome.get("payload", outcome)

    async def tells(self, event: str, *, within_s: float = DEADLINE_S, **fields: Any) -> dict[str, Any]:
        """The first event of that name with those fields."""
        return await self._finds(event=event, within_s=within_s, **fields)

    async def received(self, action: str, *, within_s: float = DEADLINE_S, **fields: Any) -> dict[str, Any]:
        """The payload, with the library's names, of the first CALL of that action with those fields."""

        def look(lines: list[str]) -> dict[str, Any] | None:
            for told in _parsed(lines):
                if told.get("action") == action and fields.items() <= told["payload"].items():
                    payload: dict[str, Any] = told["payload"]
                    return payload
            return None

        return await self.program.finds(look, f"that it received {action} {fields}", within_s=within_s)

    def all_received(self, action: str) -> list[dict[str, Any]]:
        """The payloads, with the library's names, of all CALLs of that action so far."""
        return [told["payload"] for told in _parsed(self.program.latest) if told.get("action") == action]

    async def _finds(self, *, within_s: float = DEADLINE_S, **fields: Any) -> dict[str, Any]:
        def look(lines: list[str]) -> dict[str, Any] | None:
            return next((told for told in _parsed(lines) if fields.items() <= told.items()), None)

        return await self.program.finds(look, str(fields), within_s=within_s)


def _parsed(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines if line.startswith("{")]
