"""Who wants to be told: functions that are called at once when something happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Watchers(Generic[P]):
    """Functions that are called one after the other, in the order in which they came."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: tuple[Callable[P, None], ...] = ()

    def watch(self, call: Callable[P, None]) -> None:
        """Have it called from now on."""
        self._calls += (call,)

    def unwatch(self, call: Callable[P, None]) -> None:
        """Call it once less from now on. ValueError: it does not watch."""
        last = len(self._calls) - 1 - self._calls[::-1].index(call)
        self._calls = self._calls[:last] + self._calls[last + 1 :]

    @contextmanager
    def watching(self, call: Callable[P, None]) -> Iterator[None]:
        """Have it called as long as the block lasts."""
        self.watch(call)
        try:
            yield
        finally:
            self.unwatch(call)

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call them. Those that leave or come meanwhile are called or not as if they did so afterwards."""
        for call in self._calls:
            call(*args, **kwargs)
