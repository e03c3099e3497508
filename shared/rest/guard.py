"""Who may ask: the bearer token, and without one, nobody but programs on this machine that mean to."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from quart import request

from shared.rest.problems import Problem

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Checks each request before it reaches a route. Raises Problem."""

    def __init__(self, token: str | None, host: str, option: str, *, open_paths: frozenset[str] = frozenset()) -> None:
        """token: what callers must show; None: they come by loopback only, to `host`. option: which sets the token.

        open_paths: what everybody may ask for.
        """
        self._token = token
        self._names = _LOOPBACK_NAMES | {host}
        self._option = option
        self._open_paths = open_paths

    def check(self) -> None:
        """Let the current request pass, or raise."""
        if request.path in self._open_paths:
            return
        if self._token is not None:
            _check_token(self._token)
        else:
            self._check_origin()

    def _check_origin(self) -> None:
        """A page in the browser of someone at this machine must not work the chargers: it comes under a foreign name
        (DNS rebinding) or says that it is from elsewhere.
        """
        if _name(request.host) not in self._names:
            raise Problem(HTTPStatus.FORBIDDEN, f"Without {self._option} this API answers to the name localhost only")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise Problem(HTTPStatus.FORBIDDEN, f"Without {self._option} this API does not answer pages from elsewhere")


def _check_token(token: str) -> None:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), token.encode()):
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "Show the token: Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _name(host: str) -> str | None:
    """The name in a Host header, without the port; None where it makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
