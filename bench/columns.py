"""Figures as text, in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from bench.figures import Spread, spread

_NOTHING: Final = "-"


def ranged(value: Spread | None, form: str) -> tuple[str, str]:
    """The median, and in parentheses the range if it is one."""
    if value is None:
        return _NOTHING, ""
    if value.least == value.greatest:
        return form.format(value.median), ""
    return form.format(value.median), f"({form.format(value.least)}..{form.format(value.greatest)})"


def both(values: Iterable[Spread | None]) -> list[str]:
    """The cells of several, with two decimals."""
    return [cell for value in values for cell in ranged(value, "{:.2f}")]


def middle(values: Iterable[float], form: str) -> str:
    """The median."""
    value = spread(list(values))
    return _NOTHING if value is None else form.format(value.median)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side: the first and the ranges to the left, figures to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    align: list[Callable[[str, int], str]] = [
        str.ljust if column == 0 or head[column] == "" else str.rjust for column in range(len(head))
    ]
    return "\n".join(
        "  " + "  ".join(align[column](cell, widths[column]) for column, cell in enumerate(line)).rstrip()
        for line in lines
    )
