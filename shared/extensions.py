"""Functions that users install beside a program, under entry points: how they are found and loaded."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

Function = Callable[..., Any]


class ExtensionBroken(Exception):
    """An entry point cannot be used. The text tells a person which, and why."""


def load_functions(group: str) -> dict[str, Function]:
    """What is installed under an entry point group, by the names of the entry points.

    Raises ExtensionBroken for what cannot be imported, is no function, or is there twice.
    """
    functions: dict[str, Function] = {}
    for entry_point in metadata.entry_points(group=group):
        where = f"the entry point {entry_point.name} = {entry_point.value} of {group}"
        if entry_point.name in functions:
            raise ExtensionBroken(
                f"{where}: {entry_point.name} is served by another one already, uninstall one of them"
            )
        try:
            function = entry_point.load()
        except Exception as error:  # it is somebody else's code, which may fail in any way
            raise ExtensionBroken(f"{where} does not load: {type(error).__name__}: {error}") from error
        if not callable(function):
            raise ExtensionBroken(f"{where} is not a function")
        functions[entry_point.name] = function
    return functions
