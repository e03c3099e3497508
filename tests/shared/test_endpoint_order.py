"""Endpoint: what comes in one piece is acted on in the order it was sent in."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock

from shared.endpoint import Endpoint, Language
from shared.message_log import MessageLog
from shared.ocppj.schemas import Schemas
from shared.ocppj.versions import V201, Side
from tests.shared.wire import Ours, open_foreign

ANSWER = '[3,"ours",{"currentTime":"2026-11-22T03:52:53Z"}]'
CALL = '[2,"theirs","ClearCache",{}]'


async def test_who_waits_for_an_answer_acts_on_it_before_the_call_behind_it_is_served(
    autojump_clock: MockClock,
) -> None:
    """Such as a BootNotificationResponse with a TriggerMessage right behind it."""
    language = Language(V201, Schemas.load(V201), Side.STATION)
    for _ in range(20):  # Trio shuffles the tasks that are ready
        ws, foreign = await open_foreign(Ours.CLIENT)
        acted: list[str] = []

        async def answer(action: str, payload: dict[str, Any], acted: list[str] = acted) -> dict[str, Any]:
            acted.append("call served")
            return {"status": "Accepted"}

        endpoint = Endpoint(
            ws,
            language,
            answer,
            lambda _: None,
            messages=MessageLog("CP_1"),
            new_message_id=lambda: "ours",
            call_timeout_s=30,
        )

        async def ask(endpoint: Endpoint = endpoint, acted: list[str] = acted) -> None:
            await endpoint.call("Heartbeat", {})
            acted.append("answer taken")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(endpoint.run)
            nursery.start_soon(ask)
            await foreign.frame()
            await foreign.send_text(ANSWER, CALL)
            await foreign.frame()
            nursery.cancel_scope.cancel()
        assert acted == ["answer taken", "call served"]
