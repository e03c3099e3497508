"""How a peer program is told what to do, and tells what happens: a JSON object a line on stdin and stdout.

To the peer: {"do": NAME, "number": N, ...}; it does it at once, beside whatever else it is doing, and answers
{"done": N, "result": ...}. On its own it tells {"event": NAME, ...}. It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Deed = Callable[..., Awaitable[Any]]


def tell(event: str, **fields: Any) -> None:
    """Tell the test of an event."""
    print(json.dumps({"event": event, **fields}), flush=True)


async def obey(**deeds: Deed) -> None:
    """Do what the test asks for, until it asks no more."""
    logging.getLogger("ocpp").setLevel(logging.CRITICAL)  # the library shows a traceback for each CALLERROR
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    async with asyncio.TaskGroup() as group:
        async for line in stdin:
            wish = json.loads(line)
            group.create_task(_do(deeds[wish.pop("do")], wish.pop("number"), wish))


async def _do(deed: Deed, number: int, arguments: dict[str, Any]) -> None:
    result = await deed(**arguments)
    print(json.dumps({"done": number, "result": result}), flush=True)
