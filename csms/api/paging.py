"""Lists in pages: `?limit=50&cursor=…`, where the cursor of the next page comes with each page."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
from quart import request

from csms.api.problems import Problem

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a request asks for. after: the sort key of the last item of the page before, None for the first."""

    limit: int
    after: list[Any] | None

    def answer(self, name: str, items: list[dict[str, Any]], last_key: list[Any] | None) -> dict[str, Any]:
        """The body: the items under `name`, and the cursor of the next page, null behind the last.

        last_key: the sort key of the last item; None when there are no more behind it.
        """
        cursor = None if last_key is None else base64.urlsafe_b64encode(orjson.dumps(last_key)).decode().rstrip("=")
        return {name: items, "next_cursor": cursor}


def read_page(*key_types: type) -> Page:
    """Read limit and cursor of the current request. key_types: of the parts of the sort key. Raises Problem (422)."""
    return Page(_limit(request.args.get("limit")), _key(request.args.get("cursor"), key_types))


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"limit: must be a whole number from 1 to {MAX_LIMIT}")


def _key(cursor: str | None, key_types: tuple[type, ...]) -> list[Any] | None:
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, UnicodeEncodeError):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(key_types) or not all(map(_fits, key)):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor: must be the next_cursor of the page before")
    return key


def _fits(part: object) -> bool:
    """Whether databases can compare with it."""
    if isinstance(part, int):
        return abs(part) < 2**63
    return not isinstance(part, str) or part.isprintable()
