"""What the API says of itself: every route is there, with every answer and an example of each, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest
from jsonschema.validators import validator_for

from csms.api.openapi import undocumented
from tests.csms.site import OpenSite, Site


async def document(site: Site) -> Any:
    return (await site.get("/openapi.json")).json


def operations(openapi: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def bodies(operation: Any) -> Iterator[tuple[str, Any]]:
    """What goes in and what comes out, with the media type."""
    for described in [operation.get("requestBody", {}), *operation["responses"].values()]:
        yield from described.get("content", {}).items()


async def test_every_route_is_documented(site: Site) -> None:
    assert undocumented(site.csms.api) == []


async def test_every_operation_has_a_summary_an_answer_that_is_good_and_an_example_of_all_that_has_a_body(
    site: Site,
) -> None:
    for call, operation in operations(await document(site)):
        assert operation["summary"], call
        assert any(status < "400" for status in operation["responses"]), call
        for _, media in bodies(operation):
            assert media["examples"], call


async def test_patterns_are_regular_expressions_as_json_schema_has_them(site: Site) -> None:
    text = (await site.get("/openapi.json")).text
    assert "pattern" in text
    assert r"\\Z" not in text, "Python's, which elsewhere means the letter"


async def test_operation_ids_are_unique(site: Site) -> None:
    ids = [operation["operationId"] for _, operation in operations(await document(site))]
    assert len(ids) == len(set(ids))


async def test_every_example_fits_its_schema(site: Site) -> None:
    openapi = await document(site)
    for call, operation in operations(openapi):
        for media_type, media in bodies(operation):
            if not media_type.endswith("json"):
                continue
            schema = media["schema"] | {"components": openapi["components"]}
            for example in media["examples"].values():
                try:
                    jsonschema.Draft202012Validator(schema).validate(example["value"])
                except jsonschema.ValidationError as error:
                    pytest.fail(f"{call}: {error.message}")


async def test_every_schema_of_a_parameter_is_one_and_its_example_fits(site: Site) -> None:
    for call, operation in operations(await document(site)):
        for parameter in operation["parameters"]:
            validator_for(parameter["schema"]).check_schema(parameter["schema"])
            assert parameter["description"], call
            if "example" in parameter:
                jsonschema.validate(parameter["example"], parameter["schema"])


async def test_a_token_is_asked_for_where_one_is_set(open_site: OpenSite) -> None:
    site = open_site(api_token="token")
    openapi = (await site.get("/openapi.json", headers={"Authorization": "Bearer token"})).json
    open_calls = [call for call, operation in operations(openapi) if "security" not in operation]
    assert open_calls == ["GET /healthz"]


class _Page(HTMLParser):
    """What a browser would fetch, and what a person can read."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name == "href" and tag == "a":
                self.linked.append(value or "")
            elif name in ("src", "href", "srcset", "action"):
                self.fetched.append(value or "")


async def test_the_page_shows_every_call_and_needs_nothing_else(site: Site) -> None:
    openapi = await document(site)
    page = _Page()
    answer = await site.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page.feed(answer.text)
    assert page.fetched == []
    assert "<script" not in answer.text
    assert "url(" not in answer.text
    assert page.ids >= {operation["operationId"] for _, operation in operations(openapi)}
    assert {link.removeprefix("#") for link in page.linked if link.startswith("#")} <= page.ids
    for path in openapi["paths"]:
        assert path in answer.text
    assert re.search(r"curl -X PUT http://localhost/api/v1/stations/CP_1 --json", answer.text)
