"""A bug in the CSMS: it ends at most the session it is met in, and is logged."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from csms.blocks import HANDLERS, OUTCOMES
from csms.registry import Registry
from csms.switchboard import Switchboard
from tests.csms.api.problems import problem
from tests.csms.site import OpenSite, Site


async def test_a_crash_in_a_handler_is_answered_logged_and_the_session_lives(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(*_: object) -> dict[str, Any]:
        raise RuntimeError("secret reason")

    monkeypatch.setitem(HANDLERS, "Heartbeat", crash)
    station = await site.connect_ready()
    frame = await station.call("Heartbeat")
    assert (frame[0], frame[2]) == (4, "InternalError")
    assert "secret reason" not in str(frame)
    assert "secret reason" in caplog.text
    await station.report_status("Occupied")


async def test_a_crash_in_a_session_ends_that_session_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("what went wrong")

    monkeypatch.setitem(OUTCOMES, "ClearCache", crash)
    first, second = await site.connect_ready("CP_1"), await site.connect_ready("CP_2")
    asking = site.call_later("ClearCache", identity="CP_1")
    await first.answer("ClearCache", {"status": "Accepted"})
    assert (await asking.get()).status == 503
    await first.goodbye()
    assert "what went wrong" in caplog.text
    assert (await site.get("/list")).json["cp_ids"] == ["CP_2"]
    assert "currentTime" in await second.ask("Heartbeat")
    again = await site.connect("CP_1")
    assert "currentTime" in await again.ask("Heartbeat")


async def test_a_crash_during_the_end_of_everything_is_still_one_sessions_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, open_site: OpenSite
) -> None:
    async with trio.open_nursery() as everything:

        def crash(*_: object) -> None:
            everything.cancel_scope.cancel()
            raise RuntimeError("what went wrong")

        monkeypatch.setitem(OUTCOMES, "ClearCache", crash)
        site = open_site(nursery=everything)
        station = await site.connect_ready()
        site.call_later("ClearCache")
        await station.answer("ClearCache", {"status": "Accepted"})
        await trio.Event().wait()
    assert "CP_1: the session crashed" in caplog.messages
    assert "what went wrong" in caplog.text


async def test_a_crash_in_a_route_is_500_in_its_form_and_tells_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object) -> list[str]:
        raise RuntimeError("secret reason")

    monkeypatch.setattr(Switchboard, "station_ids", crash)
    monkeypatch.setattr(Registry, "__iter__", crash)
    seed, version_1 = await site.get("/list"), await site.get("/api/v1/stations")
    assert (seed.status, seed.json["error_code"]) == (500, 500)
    assert problem(version_1)["status"] == 500
    assert "secret reason" not in seed.text + version_1.text
    assert caplog.text.count("RuntimeError: secret reason") == 2
    assert (await site.get("/healthz")).status == 200
