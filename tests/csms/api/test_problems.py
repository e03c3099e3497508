"""What is wrong with a request before any route looks at it."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.csms.api.problems import problem
from tests.csms.site import OpenSite, Site

TOO_LARGE = b'{"station_id": "' + b"x" * 2**20 + b'"}'


class TestARouteThatIsNotThere:
    @pytest.mark.parametrize("path", ["/", "/api", "/api/v1/nothing", "/list/CP_1", "/reserve/CP_1/now", "/static/x"])
    async def test_is_404(self, site: Site, path: str) -> None:
        assert problem(await site.get(path))["status"] == 404

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("POST", "/list", {"GET", "HEAD"}),
            ("GET", "/reserve", {"POST"}),
            ("GET", "/reserve/CP_1", {"POST"}),
            ("PUT", "/api/v1/reservations", {"GET", "HEAD", "POST"}),
            ("POST", "/api/v1/stations/CP_1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
            ("GET", "/api/v1/stations/CP_1/calls/ClearCache", {"POST"}),
        ],
    )
    async def test_with_that_method_is_405_and_tells_which_are(
        self, site: Site, method: str, path: str, allowed: set[str]
    ) -> None:
        """RFC 9110 §15.5.6."""
        answer = await site.ask(method, path)
        assert problem(answer)["status"] == 405
        assert set(answer.headers["allow"].split(", ")) == allowed

    async def test_may_end_in_a_slash(self, site: Site) -> None:
        assert (await site.get("/list/")).status == 200
        assert (await site.get("/api/v1/stations/")).status == 200


class TestAQueryParameterThatIsNotThere:
    """Were it ignored, a misspelt filter would show everything, as if all of that fitted."""

    async def test_is_422_and_tells_which_are(self, site: Site) -> None:
        answer = await site.get("/api/v1/tokens?type=Local&statsu=Blocked")
        assert problem(answer)["status"] == 422
        assert answer.json["detail"] == "statsu: no such parameter, there are type, status, group_id, limit, cursor"

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/stations?conected=true",
            "/api/v1/reservations?State=Active",
            "/api/v1/transactions?station=CP_1",
            "/api/v1/commands?stat=Queued",
            "/api/v1/tariffs?from=2026-11-22T00:00:00Z",
            "/api/v1/stations/CP_1/messages?acton=Reset",
            "/api/v1/stations/CP_1/variables?name=Enabled",
            "/api/v1/stations/CP_1/meter-values?evse=1",
            "/api/v1/events?types=transaction",
            "/api/v1/events?Last-Event-ID=7",
        ],
    )
    async def test_is_told_by_every_list(self, site: Site, path: str) -> None:
        assert "no such parameter" in problem(await site.get(path))["detail"]

    async def test_is_told_before_anything_is_done(self, site: Site, autojump_clock: MockClock) -> None:
        await site.put("/api/v1/tokens/Local/kiosk", {})
        answer = await site.delete("/api/v1/tokens/Local/kiosk?dry_run=true")
        assert answer.json["detail"] == "dry_run: no such parameter, this call takes none"
        assert (await site.get("/api/v1/tokens/Local/kiosk")).status == 200

    @pytest.mark.parametrize("path", ["/list", "/healthz", "/metrics", "/openapi.json", "/docs"])
    async def test_is_nobodys_concern_elsewhere(self, site: Site, path: str) -> None:
        assert (await site.get(f"{path}?x=1")).status == 200


class TestABodyThatIsTooLarge:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("PUT", "/api/v1/stations/CP_1"),
            ("POST", "/api/v1/stations/CP_1/calls/DataTransfer"),
            ("POST", "/api/v1/reservations"),
        ],
    )
    async def test_is_413(self, site: Site, method: str, path: str) -> None:
        assert problem(await site.ask(method, path, data=TOO_LARGE))["status"] == 413

    @pytest.mark.parametrize("path", ["/reserve", "/reserve/CP_1"])
    async def test_is_413_in_the_seeds_form_where_that_is_spoken(self, site: Site, path: str) -> None:
        answer = await site.post(path, data=TOO_LARGE)
        assert (answer.status, answer.json["error_code"]) == (413, 413)
        assert answer.json["message"]


async def test_who_must_show_a_token_is_told_how(open_site: OpenSite) -> None:
    """RFC 9110 §15.5.2, RFC 6750 §3."""
    site = open_site(api_token="s3cret")
    for answer in (await site.get("/api/v1/stations"), await site.post("/reserve")):
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
