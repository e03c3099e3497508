"""A station is ready in under a second: what takes long to import is imported when it is needed first."""

from __future__ import annotations

import subprocess
import sys

NEEDED_BY_FEW = ("jsonschema", "cryptography", "quart", "hypercorn", "ocpp", "asyncio")


def test_a_station_starts_without_what_few_stations_need() -> None:
    program = "import sys, station.__main__; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "station.firmware" in modules
    assert [name for name in NEEDED_BY_FEW if name in modules] == []
