"""How a route says what it does: `@documented` stands under `@routes.get`, and /openapi.json is made of that.

    @routes.get("/<station_id>")
    @documented(
        "One station",
        tag="Stations",
        answers=[answer(200, "The station", StationView, STATION), problem(404, "No charging station CP_9 is known")],
    )
    async def get_station(station_id: str) -> ResponseReturnValue: ...

What goes without saying is added by csms.api.openapi: path parameters, 401 and 403, 400, 413 and 422 of a body, 422 of
query parameters (those that a route does not name are refused), 404 where the path has parameters, 503 for a database
that is away. Two answers of one status are the same in two media types.

A new module of routes needs no more than that: tests/csms/api/test_openapi.py tells which routes lack it, that each has
an example of all that goes in and out, and that the examples fit; test_schemathesis.py, that nothing else is answered.
The types of its answers are TypedDicts, in its own module or, where they are many, in a module of views beside it
(transaction_views). A parameter in a path is described once for all routes, in openapi._PATH_PARAMETERS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"
VERSION_1: Final = "/api/v1/"
"""Where paths begin whose routes name all their query parameters: others are refused."""

_ATTRIBUTE: Final = "__documentation__"

_Route = TypeVar("_Route", bound=Callable[..., Any])


class ProblemView(msgspec.Struct):
    """An error (RFC 9457). Some have members beside these."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that a route may give. kind: a msgspec.Struct or TypedDict that its JSON has; None: any or no JSON.

    media: None for an answer without a body. examples: by name.
    """

    status: int
    description: str
    kind: Any = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    media: str | None = JSON


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or a header. schema: JSON Schema of its text."""

    name: str
    description: str
    schema: Mapping[str, Any]
    example: Any = None
    place: str = "query"
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A request's JSON body. kind: as of Answer; None: any JSON object. examples: by name."""

    kind: Any = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Documentation:
    """What a route says of itself. path: examples for the parameters in its path, where the usual one does not fit."""

    summary: str
    tag: str
    answers: Sequence[Answer]
    description: str = ""
    query: Sequence[Parameter] = ()
    body: Body | None = None
    path: Mapping[str, Any] = field(default_factory=dict)
    is_open: bool = False
    uses_store: bool = True


def documented(
    summary: str,
    *,
    tag: str,
    answers: Sequence[Answer],
    description: str = "",
    query: Sequence[Parameter] = (),
    body: Body | None = None,
    path: Mapping[str, Any] | None = None,
    is_open: bool = False,
    uses_store: bool = True,
) -> Callable[[_Route], _Route]:
    """Let a route say what it does.

    is_open: no token is needed. uses_store: it may answer 503 because of the database. description: Markdown, of which
    the page at /docs shows paragraphs and `code`.
    """
    documentation = Documentation(summary, tag, answers, description, query, body, path or {}, is_open, uses_store)

    def attach(route: _Route) -> _Route:
        setattr(route, _ATTRIBUTE, documentation)
        return route

    return attach


def documentation_of(route: Callable[..., Any]) -> Documentation | None:
    """What a route says of itself, None if it says nothing."""
    found: Documentation | None = getattr(route, _ATTRIBUTE, None)
    return found


def answer(status: int, description: str, kind: Any = None, example: Any = None, **more: Any) -> Answer:
    """An answer in JSON. more: further examples by name."""
    examples = ({} if example is None else {"example": example}) | more
    return Answer(status, description, kind, examples)


def body(kind: Any = None, example: Any = None, *, is_required: bool = False, **more: Any) -> Body:
    """A request's body. more: further examples by name."""
    examples = ({} if example is None else {"example": example}) | more
    return Body(kind, examples, is_required)


def problem(status: int, detail: str, **more: Any) -> Answer:
    """An error of REST version 1, with an example of its detail and of the members it has beside that."""
    phrase = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": phrase, "status": status, "detail": detail} | more
    return Answer(status, phrase, ProblemView, {"example": example}, PROBLEM_JSON)


def query(name: str, description: str, example: Any = None, **schema: Any) -> Parameter:
    """A query parameter. schema: keywords of JSON Schema, a string if nothing is said."""
    return Parameter(name, description, {"type": "string"} | schema, example)


def moment(name: str, description: str) -> Parameter:
    """A query parameter that is a moment."""
    return query(name, f"{description} (RFC 3339)", "2026-11-22T03:52:53.938Z", format="date-time")


PAGE: Final = (
    query("limit", "How many at most", 50, type="integer", minimum=1, maximum=1000, default=50),
    query("cursor", "`next_cursor` of the page before: the page that follows it"),
)
"""The query parameters of a list that comes in pages."""

CALL_FAILURES: Final = (
    problem(
        422,
        "/type: 'Sometimes' is not one of ['Immediate', 'OnIdle']",
        pointer="/type",
        code="PropertyConstraintViolation",
    ),
    problem(
        502,
        "The station answered NotSupported: no such thing",
        error={"code": "NotSupported", "description": "no such thing", "details": {}},
    ),
    problem(503, "CP_1 is not connected"),
    problem(504, "CP_1 did not answer Reset within 30 s"),
)
"""What becomes of a route that calls a station, when that goes wrong (csms.api.problems)."""
