"""REST version 1: tokens."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Any, get_args

import msgspec
from quart import Blueprint, request
from quart.typing import ResponseReturnValue

from csms.api.bodies import read_body
from csms.api.paging import read_page
from csms.api.problems import Problem
from csms.api.services import Services
from csms.tokens import Key, Token, TokenType
from shared.ocppj.date_time import to_wire

_MAX_LENGTH = 36


def token_routes(services: Services) -> Blueprint:
    """/api/v1/tokens and below."""
    routes = Blueprint("tokens", __name__, url_prefix="/api/v1/tokens")

    @routes.get("")
    async def list_tokens() -> ResponseReturnValue:
        page = read_page(str, str)
        wanted = {name: request.args[name] for name in ("type", "status", "group_id") if name in request.args}
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
    async def get_token(token_type: str, id_token: str) -> ResponseReturnValue:
        key = _key(token_type, id_token)
        token = services.tokens.get(key)
        if token is None:
            raise _unknown(token_type, id_token)
        return _describe(token_type, services.tokens.spelling(key), token)

    @routes.put("/<token_type>/<id_token>")
    async def put_token(token_type: str, id_token: str) -> ResponseReturnValue:
        token = await read_body(Token)
        if token_type not in get_args(TokenType):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The type must be one of {', '.join(get_args(TokenType))}")
        if len(id_token) > _MAX_LENGTH:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"An idToken has at most {_MAX_LENGTH} characters")
        is_new = await services.tokens.put(token_type, id_token, token)
        status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return _describe(token_type, id_token, token), status.value

    @routes.delete("/<token_type>/<id_token>")
    async def delete_token(token_type: str, id_token: str) -> ResponseReturnValue:
        if not await services.tokens.delete(_key(token_type, id_token)):
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
