"""What a part of the station may ask of its memory: the part of `station.state.State` that blocks use."""

from __future__ import annotations

from typing import Any, Protocol


class Kept(Protocol):
    """Remembers JSON values by key, over a loss of power once they are on disk."""

    def get(self, key: str) -> Any:
        """What was put last under this key, None when nothing was."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Remember a JSON value, other than None."""
        ...

    def delete(self, key: str) -> None:
        """Forget what was put under this key, if anything was."""
        ...

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that hold something and begin so."""
        ...


class Memory:
    """Remembers as long as the process lives."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def put(self, key: str, value: Any) -> None:
        self._values[key] = value

    def delete(self, key: str) -> None:
        self._values.pop(key, None)

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self._values if key.startswith(prefix))
