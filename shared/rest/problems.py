"""Errors of an HTTP interface: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Self

import orjson
from quart import Response
from werkzeug.exceptions import HTTPException


class Problem(Exception):
    """Ends a request with an error.

    detail: what is wrong with this one. headers: of the answer. more: further members of its body.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.more = more

    def response(self) -> Response:
        """The problem as application/problem+json."""
        body = {"type": "about:blank", "title": self.status.phrase, "status": self.status.value, "detail": self.detail}
        return Response(
            orjson.dumps(body | self.more, option=orjson.OPT_APPEND_NEWLINE),
            self.status.value,
            dict(self.headers),
            content_type="application/problem+json",
        )

    @classmethod
    def of_http(cls, error: HTTPException) -> Self:
        """What the framework has to say, e.g. that there is no such route."""
        headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        return cls(HTTPStatus(error.code or 500), error.description or "", headers=headers)
