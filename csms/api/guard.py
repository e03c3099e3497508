"""Who may ask: the bearer token, and without one, nobody but programs on this machine that mean to."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from quart import request

from csms.api.problems import Problem

_OPEN_PATHS: Final = frozenset({"/healthz"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Checks each request before it reaches a route. Raises Problem."""

    def __init__(self, token: str | None, host: str) -> None:
        """token: what callers must show; None: REST listens on loopback only, at `host`."""
        self._token = token
        self._names = _LOOPBACK_NAMES | {host}

    def check(self) -> None:
        """Let the current request pass, or raise."""
        if request.path in _OPEN_PATHS:
            return
        if self._token is not None:
            self._check_token(self._token)
        else:
            self._check_origin()

    def _check_token(self, token: str) -> None:
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), token.encode()):
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "Show the token: Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _check_origin(self) -> None:
        """A page in the browser of someone at this machine must not work the chargers: it comes under a foreign name
        (DNS rebinding) or says that it is from elsewhere.
        """
        if _name(request.host) not in self._names:
            raise Problem(HTTPStatus.FORBIDDEN, "Without --api-token this API answers to the name localhost only")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise Problem(HTTPStatus.FORBIDDEN, "Without --api-token this API does not answer pages from elsewhere")


def _name(host: str) -> str | None:
    """The name in a Host header, without the port; None where it makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
