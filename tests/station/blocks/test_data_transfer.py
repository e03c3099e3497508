"""P01 Data transfer to the station: answered by the handler that a user has installed for the vendorId."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from shared.ocppj.errors import CallRefused
from shared.ocppj.schemas import Schemas
from station.blocks.data_transfer import load_vendors
from station.user_mistake import UserMistake
from tests.station.fake_csms import station_on_fake_csms

VENDOR = "com.example"


def serve(identity: str, message_id: str | None, data: Any) -> tuple[str, Any]:
    match message_id:
        case "Echo":
            return "Accepted", [identity, data]
        case None:
            return "Rejected", None
        case "NoStatus":
            return "Perhaps", None
        case "NoJson":
            return "Accepted", object()
        case "Raise":
            raise LookupError("s3cret")
        case _:
            return "UnknownMessageId", None


async def ask(schemas: Schemas, **request: Any) -> dict[str, Any]:
    async with station_on_fake_csms(schemas, vendors={VENDOR: serve}) as (_, csms):
        return await csms.call("DataTransfer", {"vendorId": VENDOR, **request})
    raise AssertionError("the station did not answer")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"vendorId": "org.stranger"}, {"status": "UnknownVendorId"}),  # P01.FR.05
        ({"messageId": "Strange"}, {"status": "UnknownMessageId"}),  # P01.FR.06
        ({}, {"status": "Rejected"}),
        ({"messageId": "Echo", "data": {"a": [1]}}, {"status": "Accepted", "data": ["CP_1", {"a": [1]}]}),
        ({"messageId": "Echo"}, {"status": "Accepted", "data": ["CP_1", None]}),
    ],
)
async def test_p01_the_vendor_s_handler_answers(
    schemas: Schemas, autojump_clock: MockClock, request_: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert await ask(schemas, **request_) == answer


@pytest.mark.parametrize("message_id", ["NoStatus", "NoJson", "Raise"])
async def test_p01_a_handler_that_fails_costs_this_call_and_tells_no_secrets(
    schemas: Schemas, autojump_clock: MockClock, message_id: str
) -> None:
    async with station_on_fake_csms(schemas, vendors={VENDOR: serve}) as (_, csms):
        with pytest.raises(CallRefused) as refused:
            await csms.call("DataTransfer", {"vendorId": VENDOR, "messageId": message_id})
        assert await csms.call("DataTransfer", {"vendorId": VENDOR}) == {"status": "Rejected"}
    assert (refused.value.code, refused.value.description) == ("InternalError", "The handler of this vendorId failed")


def install(folder: Path, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with an entry point, as pip does."""
    (folder / f"{name}.py").write_text("def serve(identity, message_id, data):\n    return 'Accepted', identity\n")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[station.data_transfer]\n{VENDOR} = {value}\n")
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(folder)


def test_handlers_are_found_by_their_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_vendors() == {}
    install(tmp_path, "tea_for_stations", "tea_for_stations:serve", monkeypatch)
    assert load_vendors()[VENDOR]("CP_7", None, None) == ("Accepted", "CP_7")


def test_one_that_does_not_load_is_the_user_s_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "no_tea", "no_tea:missing", monkeypatch)
    with pytest.raises(UserMistake, match=r"com\.example = no_tea:missing .* does not load: AttributeError"):
        load_vendors()
