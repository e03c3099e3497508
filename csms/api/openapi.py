"""The OpenAPI document, made of the routes and of what each says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from quart import Quart
from werkzeug.routing import IntegerConverter, Rule

from csms.api.documentation import VERSION_1, Answer, Body, Documentation, Parameter, documentation_of, problem

_REFERENCE: Final = "#/components/schemas/{name}"
_WITHOUT_BODY: Final = frozenset({"HEAD", "OPTIONS"})

_NOT_ALLOWED: Final = (
    problem(401, "Show the token: Authorization: Bearer TOKEN"),
    problem(403, "Without --api-token this API does not answer pages from elsewhere"),
)
_BAD_BODY: Final = (
    problem(400, "The body is not JSON: unexpected character: line 1 column 2 (char 1)"),
    problem(408, "The server did not receive the complete request in time"),
    problem(413, "The data value transmitted exceeds the capacity limit."),
    problem(422, "Expected `int`, got `str` - at `$.security_profile`"),
)
_BAD_QUERY: Final = problem(422, "limit: must be a whole number from 1 to 1000")
_NO_QUERY: Final = problem(422, "limit: no such parameter, this call takes none")
_NOT_FOUND: Final = problem(404, "No charging station CP_9 is known here")
_STORE_AWAY: Final = problem(503, "The database does not answer: database is locked")

# schema and example of a parameter in a path, by its name
_PATH_PARAMETERS: Final[Mapping[str, tuple[dict[str, Any], str, Any]]] = {
    "station_id": (
        {"type": "string", "pattern": r"^[A-Za-z0-9*\-_=+|@.]{1,48}$"},
        "The station's identity: the last part of the URL it connects to",
        "CP_1",
    ),
    "action": ({"type": "string"}, "The name of an OCPP action", "Reset"),
    "reservation_id": ({"type": "integer", "minimum": 0}, "The reservation's number", 1_234_567),
    "transaction_id": (
        {"type": "string", "minLength": 1, "maxLength": 36},
        "The transaction's id, as the station gave it",
        "5b1d0b0e-2c2f-4f4e-9a3e-0c9f7f6f0001",
    ),
    "command_id": ({"type": "string"}, "The command's id", "0b6c6c5e-8d3e-4c8e-b4d2-3f2c2c1d0001"),
    "token_type": ({"type": "string"}, "The type of the idToken", "ISO14443"),
    "id_token": ({"type": "string", "minLength": 1, "maxLength": 36}, "The idToken", "04A2B3C4D5E680"),
}


def build_document(api: Quart, *, version: str, needs_token: bool) -> dict[str, Any]:
    """The OpenAPI 3.1 document of everything that `api` serves."""
    operations = list(_operations(api))
    components, references = _schemas(documentation for _, _, _, documentation in operations)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, rule, documentation in operations:
        paths.setdefault(path, {})[method] = _Operation(rule, documentation, references, needs_token).describe()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CSMS",
            "version": version,
            "description": "What people and programs ask of the charging station management system.\n\n"
            "Errors are problem details (RFC 9457). Moments are RFC 3339, in UTC. Lists come in pages: "
            "`next_cursor` of one is `cursor` of the next. Query parameters that a call does not name are refused.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(documentation.tag for *_, documentation in operations)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "--api-token"}},
        },
    }


def undocumented(api: Quart) -> list[str]:
    """The routes that say nothing of themselves."""
    return [
        f"{method} {rule.rule}"
        for rule, method in _rules(api)
        if documentation_of(api.view_functions[rule.endpoint]) is None
    ]


def _rules(api: Quart) -> Iterator[tuple[Rule, str]]:
    for rule in api.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in sorted((rule.methods or set()) - _WITHOUT_BODY):
                yield rule, method


def _operations(api: Quart) -> Iterator[tuple[str, str, Rule, Documentation]]:
    for rule, method in _rules(api):
        name = rule.endpoint.rpartition(".")[2].replace("_", " ").capitalize()
        documentation = documentation_of(api.view_functions[rule.endpoint]) or Documentation(name, "Other", ())
        yield re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method.lower(), rule, documentation


def _schemas(documentations: Iterable[Documentation]) -> tuple[dict[str, Any], dict[Any, dict[str, Any]]]:
    """The schemas by name, and how each type is referred to."""
    kinds: list[Any] = [problem(500, "").kind]
    for documentation in documentations:
        kinds += [answer.kind for answer in documentation.answers]
        kinds += [documentation.body.kind] if documentation.body else []
    unique = [kind for kind in dict.fromkeys(kinds) if kind is not None]
    references, components = msgspec.json.schema_components(unique, ref_template=_REFERENCE)
    return _in_json_schemas_words(dict(components)), dict(zip(unique, references, strict=True))


def _in_json_schemas_words(schema: Any) -> Any:
    """Python's $ lets a line break pass, so patterns end in \\Z; JSON Schema has no \\Z, and its $ is as strict."""
    match schema:
        case list():
            return [_in_json_schemas_words(item) for item in schema]
        case {"pattern": str(pattern), **rest}:
            return {"pattern": pattern.replace(r"\Z", "$"), **rest}
        case dict():
            return {key: _in_json_schemas_words(value) for key, value in schema.items()}
        case _:
            return schema


class _Operation:
    """One route as OpenAPI has it."""

    def __init__(
        self, rule: Rule, documentation: Documentation, references: Mapping[Any, dict[str, Any]], needs_token: bool
    ) -> None:
        self._rule = rule
        self._documentation = documentation
        self._references = references
        self._needs_token = needs_token

    def describe(self) -> dict[str, Any]:
        documentation = self._documentation
        described: dict[str, Any] = {
            "operationId": self._rule.endpoint.rpartition(".")[2],
            "summary": documentation.summary,
            "tags": [documentation.tag],
            "parameters": [*self._path_parameters(), *map(_parameter, documentation.query)],
            "responses": self._responses(),
        }
        if documentation.description:
            described["description"] = documentation.description
        if documentation.body is not None:
            described["requestBody"] = self._request_body(documentation.body)
        if self._needs_token and not documentation.is_open:
            described["security"] = [{"bearer": []}]
        return described

    def _path_parameters(self) -> Iterator[dict[str, Any]]:
        for name in sorted(self._rule.arguments, key=self._rule.rule.index):
            converter = self._rule._converters[name]  # noqa: SLF001 - there is no public way to ask for it
            usual = {"type": "integer", "minimum": 0} if isinstance(converter, IntegerConverter) else {"type": "string"}
            schema, description, example = _PATH_PARAMETERS.get(name, (usual, name.replace("_", " "), "1"))
            yield {
                "name": name,
                "in": "path",
                "required": True,
                "description": description,
                "schema": schema,
                "example": self._documentation.path.get(name, example),
            }

    def _request_body(self, body: Body) -> dict[str, Any]:
        return {
            "required": body.is_required,
            "content": {"application/json": self._media(body.kind, body.examples, {"type": "object"})},
        }

    def _responses(self) -> dict[str, Any]:
        documentation = self._documentation
        own = {answer.status for answer in documentation.answers}
        usual = [answer for answer in self._usual_answers() if answer.status not in own]
        responses: dict[str, Any] = {}
        for answer in sorted([*documentation.answers, *usual], key=lambda answer: answer.status):
            described = self._response(answer)
            known = responses.setdefault(str(answer.status), described)
            if known is not described:  # the same in another media type
                known["content"] = described["content"] | known["content"]
        return responses

    def _usual_answers(self) -> Iterator[Answer]:
        documentation = self._documentation
        if not documentation.is_open:
            yield from _NOT_ALLOWED
        if documentation.body is not None:
            yield from _BAD_BODY
        if documentation.query:
            yield _BAD_QUERY
        elif self._rule.rule.startswith(VERSION_1) and documentation.body is None:
            yield _NO_QUERY
        if self._rule.arguments:
            yield _NOT_FOUND
        if documentation.uses_store:
            yield _STORE_AWAY

    def _response(self, answer: Answer) -> dict[str, Any]:
        described: dict[str, Any] = {"description": answer.description}
        if answer.media is not None:
            described["content"] = {answer.media: self._media(answer.kind, answer.examples, {})}
        return described

    def _media(self, kind: Any, examples: Mapping[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
        media: dict[str, Any] = {"schema": otherwise if kind is None else self._references[kind]}
        if examples:
            media["examples"] = {name: {"value": value} for name, value in examples.items()}
        return media


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
    if parameter.example is not None:
        described["example"] = parameter.example
    return described
