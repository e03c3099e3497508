"""P Data transfer, both ways: P01 from the CSMS, P02 from the station to a handler that the user has installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csms.blocks.vendors import load_vendors
from csms.user_mistake import UserMistake
from tests.csms.site import OpenSite, Site

HANDLERS = """
import trio

class Strange(Exception):
    pass

async def serve(station_id, message_id, data):
    if message_id == "Echo":
        return "Accepted", [station_id, data]
    if message_id == "Nothing":
        return "Rejected", None
    if message_id == "Raise":
        raise Strange("s3cret")
    if message_id == "Sleep":
        await trio.sleep_forever()
    if message_id == "NoStatus":
        return "Perhaps", None
    if message_id == "NoPair":
        return "Accepted"
    if message_id == "NoJson":
        return "Accepted", object()
    return "UnknownMessageId", None
"""

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package with entry points, as pip does: their text, and the name of the package and its module."""

    def install_one(entry_points: str, name: str) -> None:
        (tmp_path / f"{name}.py").write_text(HANDLERS)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[csms.data_transfer]\n{entry_points}\n")
        monkeypatch.delitem(sys.modules, name, raising=False)

    monkeypatch.syspath_prepend(tmp_path)
    return install_one


@pytest.fixture
def vendor_site(install: Install, open_site: OpenSite) -> Site:
    """A CSMS with a handler for com.example."""
    install("com.example = vendor_of_the_tests:serve", "vendor_of_the_tests")
    return open_site()


def request(message_id: str | None, **more: Any) -> dict[str, Any]:
    asked = {"vendorId": "com.example"} | more
    return asked if message_id is None else asked | {"messageId": message_id}


class TestP02FromTheStation:
    async def test_p02_fr_08_the_handler_answers_for_its_vendor(self, vendor_site: Site) -> None:
        station = await vendor_site.connect_ready()
        for data in ("text", 1, None, {"a": [1.5, None]}):
            asked = request("Echo") | ({} if data is None else {"data": data})
            assert await station.ask("DataTransfer", asked) == {"status": "Accepted", "data": ["CP_1", data]}

    async def test_without_data_there_is_none_in_the_answer(self, vendor_site: Site) -> None:
        station = await vendor_site.connect_ready()
        assert await station.ask("DataTransfer", request("Nothing")) == {"status": "Rejected"}

    @pytest.mark.parametrize("message_id", ["Other", None])
    async def test_p02_fr_07_it_says_so_of_a_message_it_does_not_know(
        self, vendor_site: Site, message_id: str | None
    ) -> None:
        station = await vendor_site.connect_ready()
        assert await station.ask("DataTransfer", request(message_id)) == {"status": "UnknownMessageId"}

    @pytest.mark.parametrize("vendor_id", ["com.other", "COM.EXAMPLE", ""])
    async def test_p02_fr_06_a_vendor_without_a_handler_is_unknown(self, vendor_site: Site, vendor_id: str) -> None:
        station = await vendor_site.connect_ready()
        assert await station.ask("DataTransfer", {"vendorId": vendor_id}) == {"status": "UnknownVendorId"}

    @pytest.mark.parametrize("message_id", ["Raise", "Sleep", "NoStatus", "NoPair", "NoJson"])
    async def test_a_handler_that_fails_or_takes_too_long_costs_that_call_only(
        self, vendor_site: Site, message_id: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        station = await vendor_site.connect_ready()
        frame = await station.call("DataTransfer", request(message_id))
        assert frame[0] == 4
        assert (frame[2], frame[3]) == ("InternalError", "The handler of this vendorId failed")
        assert "CP_1 DataTransfer: the handler of 'com.example' failed" in caplog.text
        assert (await station.ask("DataTransfer", request("Echo")))["status"] == "Accepted"


class TestP01FromTheCsms:
    async def test_it_is_sent_as_it_is_and_the_answer_returned(self, site: Site) -> None:
        station = await site.connect_ready()
        asked = {"vendorId": "com.example", "messageId": "Any", "data": {"deep": [1, {"er": None}]}}
        answered = {"status": "Accepted", "data": [True]}
        asking = site.call_later("DataTransfer", asked)
        assert await station.answer("DataTransfer", answered) == asked
        assert (await asking.get()).json == {"result": answered}


class TestInstalledHandlers:
    def test_without_any_there_are_none(self) -> None:
        assert load_vendors() == {}

    def test_one_package_may_serve_several_vendors(self, install: Install) -> None:
        install("com.one = vendor_of_two:serve\ncom.two = vendor_of_two:serve", "vendor_of_two")
        assert sorted(load_vendors()) == ["com.one", "com.two"]

    @pytest.mark.parametrize(
        ("value", "complaint"),
        [
            ("vendor_broken:missing", "does not load: AttributeError"),
            ("no_such_module_at_all:serve", "does not load: ModuleNotFoundError"),
            ("vendor_broken:HANDLERS", "does not load: AttributeError"),
            ("vendor_broken:__name__", "is not a function"),
        ],
    )
    def test_one_that_cannot_be_used_is_the_users_mistake(self, install: Install, value: str, complaint: str) -> None:
        install(f"com.example = {value}", "vendor_broken")
        with pytest.raises(UserMistake, match=complaint) as caught:
            load_vendors()
        assert "com.example" in str(caught.value)

    def test_two_for_one_vendor_are_the_users_mistake(self, install: Install) -> None:
        install("com.example = vendor_first:serve", "vendor_first")
        install("com.example = vendor_second:serve", "vendor_second")
        with pytest.raises(UserMistake, match="served by another one already"):
            load_vendors()
