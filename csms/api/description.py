"""What the API says of itself: /openapi.json for programs, /docs for people."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import orjson
from quart import Blueprint, Response, current_app, request
from quart.typing import ResponseReturnValue

from csms import __version__
from csms.api.docs_page import render_docs
from csms.api.documentation import Answer, answer, documented
from csms.api.openapi import build_document
from csms.api.services import Services

# The page has no scripts and loads nothing, and a browser may as well know.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def description_routes(services: Services) -> Blueprint:
    """/openapi.json and /docs."""
    routes = Blueprint("description", __name__)

    @cache
    def document() -> dict[str, Any]:
        needs_token = services.settings.api_token is not None
        return build_document(current_app, version=__version__, needs_token=needs_token)

    @routes.get("/openapi.json")
    @documented(
        "This document",
        tag="Operation",
        answers=[answer(200, "OpenAPI 3.1", example={"openapi": "3.1.0", "info": {"title": "CSMS"}, "paths": {}})],
        uses_store=False,
    )
    async def openapi() -> ResponseReturnValue:
        return Response(orjson.dumps(document(), option=orjson.OPT_APPEND_NEWLINE), content_type="application/json")

    @routes.get("/docs")
    @documented(
        "This document as a page to read",
        tag="Operation",
        answers=[Answer(200, "HTML", None, {"example": "<!doctype html> …"}, "text/html")],
        uses_store=False,
    )
    async def docs() -> ResponseReturnValue:
        page = render_docs(document(), request.host_url.rstrip("/"))
        return Response(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})

    return routes
