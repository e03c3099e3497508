"""What people see of a fleet while it runs: a live panel in a terminal, or a line now and then."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from station.fleet.figures import Outcome
from station.fleet.outlook import View
from station.fleet.settings import FleetSettings

_ERRORS_SHOWN: Final = 5
_WIDTH: Final = 78
_BAR_WIDTH: Final = 30


def panel(settings: FleetSettings, view: View) -> RenderableType:
    """The live display."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=9)
    table.add_column(justify="right", min_width=14)
    table.add_column(style="dim")
    bar = ProgressBar(settings.count, view.connected, width=_BAR_WIDTH)
    table.add_row("connected", f"{view.connected:,} / {settings.count:,}", bar)
    table.add_row("charging", f"{view.charging:,}", f"{view.plugged_in:,} vehicles plugged in")
    table.add_row("power", f"{view.power_w / 1000:,.1f} kW", f"{view.energy_wh / 1000:,.1f} kWh so far")
    table.add_row("messages", f"{view.messages_per_s:,.0f} /s", f"{view.messages:,} answered")
    table.add_row("answers", f"p50 {_ms(view.p50_s)}", f"p99 {_ms(view.p99_s)}, in the last 10 s")
    table.add_row("drivers", f"{view.arrived:,}", _visits(view))
    errors = Text(f"{view.errors_in_all:,}", style="bold red" if view.errors else "green")
    table.add_row("errors", errors, _crashes(view))
    most = sorted(view.errors.items(), key=lambda item: (-item[1], item[0]))
    for kind, count in most[:_ERRORS_SHOWN]:
        table.add_row("", Text(f"{count:,}", style="red"), Text(kind, overflow="ellipsis", no_wrap=True))
    if len(most) > _ERRORS_SHOWN:
        table.add_row("", "", f"and {len(most) - _ERRORS_SHOWN} other kinds")
    title = f"{settings.count:,} stations at {settings.csms}"
    return Panel(Group(table), title=Text(title), subtitle=clock(view.elapsed_s), width=_WIDTH, title_align="left")


def line(settings: FleetSettings, view: View) -> str:
    """The same where there is no terminal."""
    return (
        f"{clock(view.elapsed_s)} connected {view.connected}/{settings.count}, charging {view.charging}, "
        f"{view.power_w / 1000:.1f} kW, {view.messages_per_s:.0f} messages/s, errors {view.errors_in_all}, "
        f"p50 {_ms(view.p50_s)}, p99 {_ms(view.p99_s)}"
    )


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:d}:{minute:02d}:{second:02d}"


def _visits(view: View) -> str:
    parts = ((Outcome.CHARGED, "charged"), (Outcome.GAVE_UP, "gave up"), (Outcome.TURNED_AWAY, "found no place"))
    return ", ".join(f"{view.visits.get(outcome, 0):,} {words}" for outcome, words in parts)


def _crashes(view: View) -> str:
    return f"{view.crashed:,} stations crashed" if view.crashed else ""


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
