"""REST version 1: tokens."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Any, Final, TypedDict, get_args

import msgspec
from quart import Blueprint
from quart.typing import ResponseReturnValue

from csms.api import queries as asked
from csms.api.bodies import read_body
from csms.api.documentation import PAGE, Answer, answer, body, documented, problem, query
from csms.api.paging import read_page
from csms.api.problems import Problem
from csms.api.services import Services
from csms.api.whole import made_whole
from csms.tokens import Key, Token, TokenStatus, TokenType
from shared.ocppj.date_time import to_wire

_MAX_LENGTH: Final = 36


class _TokenNameView(TypedDict):
    type: str
    id_token: str


class PersonalMessageView(TypedDict, total=False):
    """What a station may show to the driver (MessageContentType)."""

    content: str
    format: str
    language: str | None


class TokenView(_TokenNameView):
    """A token and what stations are told of it. What does not apply is null."""

    status: str
    group_id: str | None
    group_id_type: str
    expires_at: str | None
    stations: dict[str, list[int]] | None
    max_transactions: int | None
    master_pass: bool
    language1: str | None
    language2: str | None
    personal_message: PersonalMessageView | None
    charging_priority: int | None


class TokensView(TypedDict):
    """A page of tokens, by type and token."""

    tokens: list[TokenView]
    next_cursor: str | None


_ENTRY: Final[dict[str, Any]] = {
    "status": "Accepted",
    "group_id": "family-1",
    "expires_at": "2027-11-22T03:52:53.938Z",
    "stations": {"CP_1": [1], "CP_2": []},
    "max_transactions": 1,
    "personal_message": {"content": "Good morning", "format": "UTF8"},
}
_TOKEN: Final[TokenView] = {
    "type": "ISO14443",
    "id_token": "04A2B3C4D5E680",
    "status": "Accepted",
    "group_id": "family-1",
    "group_id_type": "Central",
    "expires_at": "2027-11-22T03:52:53.938Z",
    "stations": {"CP_1": [1], "CP_2": []},
    "max_transactions": 1,
    "master_pass": False,
    "language1": None,
    "language2": None,
    "personal_message": {"content": "Good morning", "format": "UTF8"},
    "charging_priority": None,
}
_UNKNOWN: Final = problem(404, "No token 04A2B3C4D5E680 of type ISO14443 is known here")


def token_routes(services: Services) -> Blueprint:
    """/api/v1/tokens and below."""
    routes = Blueprint("tokens", __name__, url_prefix="/api/v1/tokens")

    @routes.get("")
    @documented(
        "All tokens",
        tag="Tokens",
        query=[
            query("type", "Of this type only", "ISO14443", enum=list(get_args(TokenType))),
            query("status", "Of this status only", "Accepted", enum=list(get_args(TokenStatus))),
            query("group_id", "Of this group only", "family-1"),
            *PAGE,
        ],
        answers=[answer(200, "A page, by type and token", TokensView, {"tokens": [_TOKEN], "next_cursor": None})],
        uses_store=False,
    )
    async def list_tokens() -> ResponseReturnValue:
        page = read_page(str, str)
        filters = {
            "type": asked.choice("type", get_args(TokenType)),
            "status": asked.choice("status", get_args(TokenStatus)),
            "group_id": asked.text("group_id"),
        }
        wanted = {name: value for name, value in filters.items() if value is not None}
        after = None if page.after is None else (page.after[0], page.after[1])
        found = (
            _describe(token_type, id_token, token)
            for token_type, id_token, token in services.tokens
            if after is None or (token_type, id_token.lower()) > after
        )
        matching = (item for item in found if all(item[name] == value for name, value in wanted.items()))
        items = list(islice(matching, page.limit + 1))
        shown = items[: page.limit]
        more = len(items) > page.limit
        return page.answer("tokens", shown, [shown[-1]["type"], shown[-1]["id_token"].lower()] if more else None)

    @routes.get("/<token_type>/<id_token>")
    @documented(
        "One token",
        tag="Tokens",
        answers=[answer(200, "The token, in whatever case it is asked for", TokenView, _TOKEN), _UNKNOWN],
        uses_store=False,
    )
    async def get_token(token_type: str, id_token: str) -> ResponseReturnValue:
        key = _key(token_type, id_token)
        token = services.tokens.get(key)
        if token is None:
            raise _unknown(token_type, id_token)
        return _describe(token_type, services.tokens.spelling(key), token)

    @routes.put("/<token_type>/<id_token>")
    @documented(
        "Let a token charge, or not",
        tag="Tokens",
        description="Creates the token, or replaces it: what is left out becomes its default. `stations` tells where "
        "it may be used, as the EVSEs of each station, none meaning all of them; without it, everywhere. From "
        "`expires_at` on it is Expired. A master pass stops transactions and starts none; it needs a `group_id`.",
        body=body(Token, _ENTRY),
        answers=[
            answer(200, "The token was known before", TokenView, _TOKEN),
            answer(201, "The token is new", TokenView, _TOKEN),
        ],
    )
    async def put_token(token_type: str, id_token: str) -> ResponseReturnValue:
        token = await read_body(Token)
        if token_type not in get_args(TokenType):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The type must be one of {', '.join(get_args(TokenType))}")
        if len(id_token) > _MAX_LENGTH or not id_token.isprintable():
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"An idToken has at most {_MAX_LENGTH} printable characters")
        with made_whole():
            is_new = await services.tokens.put(token_type, id_token, token)
        status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return _describe(token_type, id_token, token), status.value

    @routes.delete("/<token_type>/<id_token>")
    @documented(
        "Forget a token",
        tag="Tokens",
        answers=[Answer(204, "It is forgotten", media=None), _UNKNOWN],
    )
    async def delete_token(token_type: str, id_token: str) -> ResponseReturnValue:
        with made_whole():
            was_known = await services.tokens.delete(_key(token_type, id_token))
        if not was_known:
            raise _unknown(token_type, id_token)
        return "", HTTPStatus.NO_CONTENT.value

    return routes


def _key(token_type: str, id_token: str) -> Key:
    return token_type, id_token.lower()


def _unknown(token_type: str, id_token: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"No token {id_token} of type {token_type} is known here")


def _describe(token_type: str, id_token: str, token: Token) -> dict[str, Any]:
    told: dict[str, Any] = {"type": token_type, "id_token": id_token, **msgspec.to_builtins(token)}
    told["expires_at"] = None if token.expires_at is None else to_wire(token.expires_at)
    return told
