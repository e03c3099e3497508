"""P Data transfer with a foreign station, both ways; a vendor's handler is installed as a user installs one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.interop.foreign_stations import IDENTITY, STATION, csms_and_booted_station
from tests.processes import Programs

VENDOR: Final = "com.example.tea"
HANDLER: Final = """
async def serve(station_id, message_id, data):
    if message_id == "brew":
        return "Accepted", {"for": station_id, "was": data}
    if message_id is None:
        return "Rejected", None
    return "UnknownMessageId", None
"""
DATA: Final[list[Any]] = [
    "\u8336 \u2615",
    17,
    -0.5,
    True,
    ["green", {"black": []}],
    {"leaves": {"grams": 5, "kinds": [1, 2, 3]}},
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """In which a distribution with a handler for VENDOR is found; its entry point is what counts."""
    (tmp_path / "tea_vendor.py").write_text(HANDLER, encoding="utf-8")
    about = tmp_path / "tea_vendor-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tea-vendor\nVersion: 1.0\n", encoding="utf-8")
    entry_point = f"[csms.data_transfer]\n{VENDOR} = tea_vendor:serve\n"
    (about / "entry_points.txt").write_text(entry_point, encoding="utf-8")
    return {"PYTHONPATH": str(tmp_path)}


async def test_p01_p02_data_is_transferred_both_ways(programs: Programs, environment: dict[str, str]) -> None:
    csms, station = await csms_and_booted_station(programs, environment=environment)
    for data in DATA:
        served = await station.call("DataTransfer", vendor_id=VENDOR, message_id="brew", data=data)
        assert served == {"status": "Accepted", "data": {"for": IDENTITY, "was": data}}
    assert await station.call("DataTransfer", vendor_id=VENDOR) == {"status": "Rejected"}
    unknown = await station.call("DataTransfer", vendor_id=VENDOR, message_id="pour")
    assert unknown == {"status": "UnknownMessageId"}
    assert await station.call("DataTransfer", vendor_id="nobody") == {"status": "UnknownVendorId"}, "P02.FR.06"

    for data in DATA:
        await station.will_answer("DataTransfer", status="Accepted", data={"back": data})
        request = {"vendorId": VENDOR, "messageId": "brew", "data": data}
        answer = {"result": {"status": "Accepted", "data": {"back": data}}}
        assert await csms.call(IDENTITY, "DataTransfer", request) == (200, answer)
        assert await station.received("DataTransfer") == {"vendor_id": VENDOR, "message_id": "brew", "data": data}
    await station.will_answer("DataTransfer", status="UnknownVendorId")
    assert (await csms.call(IDENTITY, "DataTransfer", {"vendorId": "x"}))[1]["result"] == {"status": "UnknownVendorId"}

    total = 2 * len(DATA) + 4
    told = await csms.shows(
        f"{STATION}/messages", lambda body: len(body["messages"]) == total, action="DataTransfer", limit=100
    )
    both = {way: [one for one in told["messages"] if one["direction"] == way] for way in ("received", "sent")}
    assert [one["request"]["data"] for one in both["received"][:2:-1]] == DATA
    assert [one["response"]["data"]["was"] for one in both["received"][:2:-1]] == DATA
    assert [one["response"]["data"]["back"] for one in both["sent"][:0:-1]] == DATA
