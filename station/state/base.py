"""What every state can do: values are put and read at once, and kept by and by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

Changes = Mapping[str, bytes | None]
"""Keys and what they hold from now on, as JSON; None: nothing."""

_NOTHING: Final[Changes] = MappingProxyType({})


class State(ABC):
    """JSON values by key. What is put is seen at once, and outlives a loss of power from the next `keep()` on.

    What is put between two `keep()`s is kept together or not at all. Values are held as text: a station that has
    nothing to remember costs next to nothing, and whoever reads one gets a copy of his own.
    """

    __slots__ = ("_changes", "_kept", "_writing")

    def __init__(self, kept: dict[str, bytes] | None = None) -> None:
        self._kept: dict[str, bytes] = {} if kept is None else kept
        self._writing: Changes = _NOTHING
        self._changes: dict[str, bytes | None] = {}

    def get(self, key: str) -> Any:
        """The value of a key, None where it has none."""
        data = self._held(key)
        return None if data is None else orjson.loads(data)

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that have a value and begin so, in alphabetical order."""
        known = self._kept.keys() | self._writing.keys() | self._changes.keys()
        return sorted(key for key in known if key.startswith(prefix) and self._held(key) is not None)

    def put(self, key: str, value: Any) -> None:
        """Give a key a value other than None. Raises TypeError for what JSON cannot express; nothing is put then."""
        if value is None:
            raise TypeError("None is what a key without a value holds: delete it")
        data = bytes(memoryview(orjson.dumps(value)))  # a copy, for what orjson makes holds on to 4 KiB at least
        if data != self._held(key):
            self._changes[key] = data

    def delete(self, key: str) -> None:
        """Take the value of a key away, if it has one."""
        if self._held(key) is not None:
            self._changes[key] = None

    @property
    def unkept(self) -> bool:
        """A loss of power would undo something now."""
        return bool(self._changes or self._writing)

    def is_kept(self, key: str) -> bool:
        """What this key holds would outlive a loss of power now."""
        return key not in self._changes and key not in self._writing

    @abstractmethod
    async def keep(self) -> None:
        """Return when all that was put or deleted before outlives a loss of power; raises StateUnavailable.

        What came meanwhile may still be unkept, so who must not wait for nothing says
        `while state.unkept: await state.keep()`.
        """

    @abstractmethod
    def keep_along(self, key: str, value: Callable[[], Any]) -> None:
        """Have this key kept with whatever else is kept, and in an orderly end, with the value it has at that time.

        For what lives on while the power is away, and ends with the process: a state that does so, too, need not do it.
        """

    def lose_power(self) -> None:
        """Forget what was not kept: all of it, as if the power had failed. Call it when nobody waits for `keep()`."""
        self._changes.clear()

    def _held(self, key: str) -> bytes | None:
        if key in self._changes:
            return self._changes[key]
        if key in self._writing:
            return self._writing[key]
        return self._kept.get(key)

    def _settle(self, changes: Changes) -> None:
        """These changes are kept."""
        for key, data in changes.items():
            if data is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = data
