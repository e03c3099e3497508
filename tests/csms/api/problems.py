"""Errors of REST version 1, as tests look at them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from tests.csms.rest import Answer


def problem(answer: Answer) -> dict[str, Any]:
    """The answer, which must be problem details (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.text.endswith("}\n"), "so that a shell's prompt begins on a line of its own"
    body: dict[str, Any] = answer.json
    assert body["status"] == answer.status
    assert body["type"] == "about:blank"
    assert body["title"] == HTTPStatus(answer.status).phrase
    assert body["detail"]
    return body
