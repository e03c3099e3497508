"""Who may ask: with a token, who shows it; without one, programs on this machine and no web pages."""

from __future__ import annotations

import pytest

from tests.csms.api.problems import problem
from tests.csms.site import OpenSite, Site

ROUTES = [
    ("GET", "/list"),
    ("POST", "/reserve"),
    ("POST", "/reserve/CP_1"),
    ("GET", "/api/v1/stations"),
    ("GET", "/api/v1/stations/CP_1"),
    ("PUT", "/api/v1/stations/CP_1"),
    ("PATCH", "/api/v1/stations/CP_1"),
    ("DELETE", "/api/v1/stations/CP_1"),
    ("POST", "/api/v1/stations/CP_1/calls/ClearCache"),
    ("GET", "/api/v1/reservations"),
    ("POST", "/api/v1/reservations"),
    ("GET", "/api/v1/reservations/1"),
    ("DELETE", "/api/v1/reservations/1"),
    ("GET", "/no/such/route"),
]


class TestWithAToken:
    @pytest.mark.parametrize(("method", "path"), ROUTES)
    async def test_every_call_needs_it(self, open_site: OpenSite, method: str, path: str) -> None:
        site: Site = open_site(api_token="s3cret")
        assert (await site.ask(method, path)).status == 401
        shown = await site.ask(method, path, headers={"Authorization": "Bearer s3cret"})
        assert shown.status != 401

    @pytest.mark.parametrize(
        "authorization",
        [
            "",
            "Bearer",
            "Bearer ",
            "Bearer s3cre",
            "Bearer s3cretx",
            "Bearer S3CRET",
            "Basic s3cret",
            "s3cret",
            "Bearer é",
        ],
    )
    async def test_nothing_else_passes(self, open_site: OpenSite, authorization: str) -> None:
        site: Site = open_site(api_token="s3cret")
        answer = await site.get("/api/v1/stations", headers={"Authorization": authorization})
        assert problem(answer)["status"] == 401
        assert "s3cret" not in answer.text

    async def test_the_seeds_routes_answer_in_their_own_form(self, open_site: OpenSite) -> None:
        answer = await open_site(api_token="s3cret").post("/reserve/CP_1")
        assert answer.json == {"error_code": 401, "message": "Show the token: Authorization: Bearer TOKEN"}

    async def test_the_scheme_may_be_written_in_any_case(self, open_site: OpenSite) -> None:
        site: Site = open_site(api_token="s3cret")
        assert (await site.get("/list", headers={"Authorization": "bearer s3cret"})).status == 200

    async def test_healthz_needs_none(self, open_site: OpenSite) -> None:
        answer = await open_site(api_token="s3cret").get("/healthz")
        assert (answer.status, answer.json) == (200, {"status": "ok"})

    async def test_it_may_come_under_any_name(self, open_site: OpenSite) -> None:
        site: Site = open_site(api_token="s3cret", api_host="0.0.0.0")  # noqa: S104 - nothing listens
        headers = {"Authorization": "Bearer s3cret", "Host": "csms.example", "Origin": "https://ui.example"}
        assert (await site.get("/list", headers=headers)).status == 200


class TestWithoutAToken:
    @pytest.mark.parametrize(
        "host", ["localhost", "localhost:8080", "LOCALHOST", "127.0.0.1:8080", "[::1]:8080", "[::1]"]
    )
    async def test_this_machine_may_ask(self, site: Site, host: str) -> None:
        assert (await site.get("/list", headers={"Host": host})).status == 200

    async def test_it_may_ask_under_the_address_it_was_given(self, open_site: OpenSite) -> None:
        site: Site = open_site(api_host="127.0.0.2")
        assert (await site.get("/list", headers={"Host": "127.0.0.2:8080"})).status == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "[",
            "[::1",
            "localhost@evil.example",
            "a/localhost",
        ],
    )
    async def test_a_foreign_name_may_not(self, site: Site, host: str) -> None:
        """DNS rebinding: a page's own name, which leads to this machine."""
        assert problem(await site.get("/api/v1/stations", headers={"Host": host}))["status"] == 403

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "http://localhost:3000",
            "http://localhost",
            "null",
            "",
            "file://",
            "http://[",
            "//localhost:8080",
        ],
    )
    async def test_a_page_from_elsewhere_may_not(self, site: Site, origin: str) -> None:
        headers = {"Host": "localhost:8080", "Origin": origin}
        assert problem(await site.post("/api/v1/reservations", headers=headers))["status"] == 403

    async def test_a_page_of_our_own_may(self, site: Site) -> None:
        headers = {"Host": "localhost:8080", "Origin": "http://localhost:8080"}
        assert (await site.get("/list", headers=headers)).status == 200

    async def test_anybody_may_ask_for_our_health(self, site: Site) -> None:
        assert (await site.get("/healthz", headers={"Host": "probe.example"})).status == 200
