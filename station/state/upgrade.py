"""What a state that an earlier version of the program has left becomes, one step for each format of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from station.state.base import Changes
from station.state.keys import AUTHORIZATION_CACHE, TRANSACTIONS

FORMAT: Final = 2
"""What this program writes; it refuses a state of a higher one."""


def upgraded(found: int, values: Mapping[str, bytes]) -> Changes:
    """What changes of a state of format `found` for it to be of FORMAT."""
    changes: dict[str, bytes] = {}
    for step in _STEPS[found - 1 :]:
        for key, data in {**values, **changes}.items():
            changed = step(key, orjson.loads(data))
            if changed is not None:
                changes[key] = orjson.dumps(changed)
    return changes


def _from_1(key: str, value: Any) -> Any:
    """A token is known since the CSMS told of it last, not since it was used; and whether a key was shown is kept."""
    if key.startswith(AUTHORIZATION_CACHE):
        return {name: item for name, item in value.items() if name != "used_at"} | {"updated_at": value["used_at"]}
    if key.startswith(TRANSACTIONS) and value["transaction"] is not None:
        record, began_wh = value["transaction"]["record"], value["transaction"]["sampled_wh"]
        sampling = {"began_wh": began_wh, "key_due": False}
        return value | {"transaction": {"record": record, "sampling": sampling}}
    return None


_STEPS: Final[tuple[Callable[[str, Any], Any], ...]] = (_from_1,)
"""By the format that each comes from: the new value of a key, None where it stays."""
