"""Writes into a state directory until it is killed, and prints the number of each event that is kept."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import trio

from station.state import open_state


async def main(directory: Path) -> None:
    async with open_state(directory, "CP_1") as state:
        for number in itertools.count():
            state.put(f"event/{number:06}", number)
            state.put("count", number + 1)
            await state.keep()
            print(number, flush=True)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
