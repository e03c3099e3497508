"""What people see of a fleet."""

from __future__ import annotations

from rich.console import Console

from station.fleet import display
from station.fleet.figures import Outcome
from station.fleet.outlook import View
from station.fleet.settings import FleetSettings

SETTINGS = FleetSettings(count=2000, csms="ws://csms:9000")
VIEW = View(
    elapsed_s=3725.4,
    built=1600,
    connected=1500,
    accepted=1490,
    plugged_in=420,
    charging=312,
    power_w=4_312_345.0,
    energy_wh=123_456.0,
    messages=120_223,
    messages_per_s=812.3,
    p50_s=0.0031,
    p99_s=1.234,
    arrived=512,
    visits={Outcome.CHARGED: 60, Outcome.TURNED_AWAY: 7},
    errors={f"kind {number} [bold]": number for number in range(1, 8)},
    crashed=1,
)


def rendered(view: View) -> str:
    console = Console(width=100, color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(display.panel(SETTINGS, view))
    return capture.get()


def test_the_panel_shows_every_figure() -> None:
    text = rendered(VIEW)
    for figure in (
        "2,000 stations at ws://csms:9000",
        "1,500 / 2,000",
        "312  420 vehicles plugged in",
        "4,312.3 kW  123.5 kWh so far",
        "812 /s  120,223 answered",
        "p50 3.1 ms  p99 1.23 s",
        "512  60 charged, 0 gave up, 7 found no place",
        "28  1 stations crashed",
        "1:02:05",
    ):
        assert figure in text


def test_the_most_frequent_errors_are_named_as_they_are() -> None:
    text = rendered(VIEW)
    assert text.index("kind 7 [bold]") < text.index("kind 6 [bold]") < text.index("kind 3 [bold]")
    assert "kind 2" not in text
    assert "and 2 other kinds" in text


def test_the_panel_fits_a_terminal_of_80_columns() -> None:
    assert max(map(len, rendered(VIEW).splitlines())) <= 80


def test_the_line_shows_the_same_in_short() -> None:
    assert display.line(SETTINGS, VIEW) == (
        "1:02:05 connected 1500/2000, charging 312, 4312.3 kW, 812 messages/s, errors 28, p50 3.1 ms, p99 1.23 s"
    )
